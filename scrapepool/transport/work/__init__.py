"""Leases on an event loop."""
