"""HTTP/1: bytes to a response and back. Knows no sockets."""
