"""What the arguments of commands name: lists, URLs and record files."""
