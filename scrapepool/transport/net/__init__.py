"""Sockets: name resolution, addresses, connections, TLS, pools, and the session."""
