"""What waits to be fetched: hosts, their targets and retries, and which host is next."""
