"""robots.txt: how it is requested from a host, and what it says (RFC 9309)."""
