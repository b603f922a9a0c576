"""Real mail servers and scripted bad ones for the tests, on free loopback ports. Not mocks, and nothing of the product."""
