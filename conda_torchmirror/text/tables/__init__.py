"""The English sentences, by subject."""
