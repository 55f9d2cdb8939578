"""The event loop, and the leases that run on it."""
