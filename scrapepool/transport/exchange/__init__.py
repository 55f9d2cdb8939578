"""One request and its response: how it is sent, received, kept and reported."""
