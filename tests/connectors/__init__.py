"""The connectors against real servers: one contract for every inbox, and the ways in which servers fail."""
