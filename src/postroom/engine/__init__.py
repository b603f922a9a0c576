"""What keeps it running: services, claims, parked connections, retries, health."""
