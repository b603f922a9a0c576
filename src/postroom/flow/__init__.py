"""What happens to a letter: receive, file, offer, send. No loops, no sleeping."""
