"""Sockets: names, addresses, connections, TLS, pools, the session."""
