"""HTTP/1: parses the bytes of responses and decodes bodies, without sockets."""
