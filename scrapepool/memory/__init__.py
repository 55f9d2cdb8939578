"""What runs know of hosts, kept in a file: the only SQLite that is shared between runs."""
