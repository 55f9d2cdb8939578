"""The phases of a request in flight."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """What a request in flight is waiting for."""

    NAME = "name"
    """It waits for the addresses of its host."""
    CONNECTION = "connection"
    """It waits for a TCP connection."""
    HANDSHAKE = "handshake"
    """It waits for the TLS handshake, or for a proxy's tunnel before it."""
    SENDING = "sending"
    """It waits until the server accepts the bytes of the request."""
    FIRST_BYTE = "first byte"
    """It waits for the first byte of the response."""
    HEAD = "head"
    """It waits for the rest of the header block."""
    BODY = "body"
    """It waits for the rest of the body."""
    SILENCE = "silence"
    """The response is complete, and the connection is watched for unsolicited data."""
