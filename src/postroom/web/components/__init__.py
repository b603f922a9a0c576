"""What pages are put together from, in Python: asset addresses, icons, avatars, times and sizes in words. No pages and no data here."""
