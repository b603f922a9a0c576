"""Pages about oneself: signing in and out, the first administrator, profile and preferences."""
