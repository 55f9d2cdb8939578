"""The request of a record as a curl command: ``explain --curl``.

Decides which options of curl do what the run did. A pure function of the record, which may lack any field. What a
record hides stays hidden, and what the whole run sent is not in records: the notes say so.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ..text import HIDDEN, printable
from ..version import __version__

BRACKETS = frozenset("[]{}")
"""Characters with which curl expands patterns in URLs."""

RUN_NOTE = "the run's own --header, --data, --cookies and --proxy are not in records; add them"
ROW_NOTE = "the data and header fields that its row set are recorded for failures only; take them from the list"
SECRET_NOTE = f"{HIDDEN} stands for a secret; write it in its place"


def curl_command(record: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the command, quoted for a POSIX shell, and lines that say what has to be added to it."""
    command = shlex.join(_words(record))
    notes = [RUN_NOTE]
    request = record.get("request")
    if isinstance(request, dict) and request.get("data_sha256") and "data" not in _row_request(record):
        notes.append(ROW_NOTE)
    return command, [*notes, *[SECRET_NOTE] * (HIDDEN in command)]


def _words(record: Mapping[str, Any]) -> Iterator[str]:
    url, row = printable(str(record.get("url", ""))), _row_request(record)
    method, data = str(row.get("method") or record.get("method") or "GET"), row.get("data")
    own = row.get("headers")
    headers: dict[str, Any] = own if isinstance(own, dict) else {}
    yield from ("curl", "--include", "--compressed")
    if record.get("redirects"):
        yield "--location"
    if BRACKETS & set(url):
        yield "--globoff"
    if method == "HEAD":
        yield "--head"
    elif method != ("GET" if data is None else "POST"):
        yield from ("--request", method)
    if not any(name.lower() == "user-agent" for name in headers):
        yield from ("--user-agent", f"scrapepool/{__version__}")
    for name, value in headers.items():
        yield from ("--header", f"{name}: {value}" if value else f"{name};")
    if data is not None:
        if not any(name.lower() == "content-type" for name in headers):
            yield from ("--header", "Content-Type:")  # curl would add one
        yield from ("--data-raw", str(data))
    timeout = row.get("timeout")
    if isinstance(timeout, int | float):
        yield from ("--max-time", f"{timeout:g}")
    yield url


def _row_request(record: Mapping[str, Any]) -> Mapping[str, Any]:
    request = record.get("row_request")
    return request if isinstance(request, dict) else {}
