"""Words for what became of targets: the outcomes of records, and names for several errors at once."""

from __future__ import annotations

from collections.abc import Mapping

from .model import ErrorKind

OUTCOMES = ("ok", "unchanged", "http_error", "failed", "skipped", "deferred")
"""The words of a record's ``outcome``, in the order in which they are shown."""

TIMEOUTS = frozenset({ErrorKind.CONNECT_TIMEOUT, ErrorKind.READ_TIMEOUT, ErrorKind.DEADLINE})

GROUPS: Mapping[str, frozenset[ErrorKind]] = {
    "timeout": TIMEOUTS,
    "network": TIMEOUTS
    | {
        ErrorKind.DNS,
        ErrorKind.CONNECT_REFUSED,
        ErrorKind.UNREACHABLE,
        ErrorKind.TLS,
        ErrorKind.PROXY,
        ErrorKind.RESET,
    },
    "response": frozenset(
        {
            ErrorKind.TRUNCATED,
            ErrorKind.PARTIAL,
            ErrorKind.PROTOCOL,
            ErrorKind.DECODE,
            ErrorKind.TOO_LARGE,
            ErrorKind.TOO_MANY_REDIRECTS,
        }
    ),
    "http": frozenset({ErrorKind.HTTP_4XX, ErrorKind.HTTP_5XX}),
}
"""Names that ``failed --class`` and ``--fail-if`` have for several errors."""
