"""The configuration file: where it is found, and which values it may set."""
