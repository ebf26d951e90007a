"""Environment files made up by hypothesis, and the real ones where they are at hand."""
