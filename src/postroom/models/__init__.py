"""What we remember: one noun per file, with its tables, constraints, states and queries."""
