"""Private instances of real servers for tests, the demo and the benches: on loopback, for this run only."""
