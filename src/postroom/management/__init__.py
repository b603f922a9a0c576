"""Commands, where Django expects them."""
