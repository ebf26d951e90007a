"""What a decision on wheels changes: conda's part, and pip's."""
