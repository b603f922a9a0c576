"""What all tests share. Servers live in tests/servers; each folder may have its own conftest for the rest."""

pytest_plugins = ["tests.servers.plugin"]
