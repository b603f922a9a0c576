"""What a message is: bytes to values and back. No Django, no network, no clock."""
