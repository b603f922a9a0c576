"""The built-in stages of filing, one per file; their order stands in `flow/file.py`."""
