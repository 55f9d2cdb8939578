"""One request and its response: what is sent, what is kept, what is reported."""
