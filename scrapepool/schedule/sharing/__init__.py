"""What runs that fetch from the same hosts know of each other and leave each other."""
