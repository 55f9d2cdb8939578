"""How runs that request from the same hosts share what they know and what the hosts allow."""
