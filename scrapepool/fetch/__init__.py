"""Stage 3, the only sockets: leases in, results out. See ``fetcher`` for the way of one request."""
