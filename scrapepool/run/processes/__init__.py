"""Worker processes: the requests of one run on several cores, while one scheduler decides about all of them."""
