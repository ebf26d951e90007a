"""Text on decisions for wheels."""
