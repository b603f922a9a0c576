"""What happened, in numbers. Read only."""
