"""What was seen before, in a few bytes per target: duplicates, and targets that are finished already."""
