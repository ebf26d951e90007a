"""What people read: sentences, layout, a decision as lines or as a document."""
