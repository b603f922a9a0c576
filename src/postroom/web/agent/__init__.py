"""The pages an agent works in: the list, the thread, the composer, offers. Not the set-up pages."""
