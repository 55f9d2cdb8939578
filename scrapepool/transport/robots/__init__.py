"""robots.txt: how it is requested from a host, and which paths it allows (RFC 9309)."""
