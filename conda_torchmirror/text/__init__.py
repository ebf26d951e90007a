"""Text for people: sentences, layout, a decision as lines or as a JSON document."""
