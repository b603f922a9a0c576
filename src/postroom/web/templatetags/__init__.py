"""Template tags of single parts of the pages, loaded by name; what every page uses is in components."""
