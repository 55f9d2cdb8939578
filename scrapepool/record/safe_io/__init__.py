"""Files that are written safely: locks, fsync, atomic replacement, and whole records only."""
