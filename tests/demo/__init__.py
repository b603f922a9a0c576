"""The demo world, and the command that opens a desk beside it."""
