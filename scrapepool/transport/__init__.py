"""Stage 3, the only sockets: leases in, results out.

From the bytes up, each room imports only those before it: ``http1`` knows no sockets, ``net`` no targets; ``exchange``
is one request and its response, ``work`` many of them on one event loop, ``robots`` what a robots.txt means for a host.
"""
