"""robots.txt: how a host is asked for it, and what it says (RFC 9309)."""
