"""Long runs by hand, against servers that do their worst; the suite has a short form of each."""
