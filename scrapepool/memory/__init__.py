"""The host memory: what runs know about hosts, in a SQLite file that runs share."""
