"""The phase that a request in flight is in, as a word. Decides nothing."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """What a request waits for."""

    NAME = "name"
    """The addresses of its host."""
    CONNECTION = "connection"
    """A TCP connection."""
    HANDSHAKE = "handshake"
    """TLS, or a proxy's tunnel before it."""
    SENDING = "sending"
    """That the server takes the request."""
    FIRST_BYTE = "first byte"
    """The response."""
    HEAD = "head"
    """The rest of its header block."""
    BODY = "body"
    """The rest of its body."""
    SILENCE = "silence"
    """Nothing any more: the connection is watched for unsolicited data."""
