"""Records as JSON Lines: one object per line, in ASCII.

``fields`` decides what a record says, ``output`` where it goes. ``encode`` is a hand-written fast path, since a record
is written for every URL; a property test compares it with ``json.dumps`` of ``fields.record``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from ...model import Deferred, Fetched, Outcome, Redirect, Timings, Unchanged, error_of, verdict
from ...settings import OutputSettings
from ...text import printable, strict_json
from .fields import GET, instant, length, own_fields, selection

_dumps = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=str).encode

_BOOL = {True: "true", False: "false", None: "null"}


def encoder(settings: OutputSettings, method: str = GET) -> Callable[[Outcome], bytes]:
    """Pick what turns an outcome into its line under ``settings``. Raises UsageError."""
    more = settings.headers or settings.body or settings.wants_data or settings.history
    if settings.fields is None and not more and method == GET:
        return partial(encode, lists=True) if settings.lists else encode
    select = selection(settings, method)

    def encode_selected(outcome: Outcome) -> bytes:
        return f"{json_text(select(outcome))}\n".encode("ascii")

    return encode_selected


def encode(outcome: Outcome, *, lists: bool = False) -> bytes:
    """Spell the outcome's line, newline included, with the fields that need no option. lists: also ``list``."""
    target = outcome.target
    source = f'"list":{_string(target.source)},' if lists else ""
    url = quoted(target.url)
    final_url, detail, started, timings = outcome.final_url, outcome.detail, outcome.started, outcome.timings
    if started is not None and timings is not None and _is_usual(outcome, timings):
        fixed = source, outcome.status, outcome.content_type, outcome.charset, outcome.complete, outcome.remote
        line = _usual(*fixed) % (
            url,
            target.line,
            url,
            outcome.attempts,
            instant(started),
            outcome.elapsed,
            outcome.waited,
            outcome.bytes,
            outcome.wire_bytes,
            outcome.sha256,
            timings.ttfb,
            timings.download,
            _validators(outcome),
        )
        return strict_json(line).encode("ascii")
    error = error_of(outcome)
    line = (
        f'{{"url":{url},"line":{"null" if target.line is None else target.line},{source}"outcome":"{verdict(outcome)}",'
        f'"status":{"null" if outcome.status is None else outcome.status},'
        f'"error":{"null" if error is None else quoted(error)},'
        f'"detail":{"null" if detail is None else quoted(printable(detail))},'
        f'"final_url":{url if final_url == target.url else _string(final_url)},'
        f'"redirects":[{",".join(map(quoted, outcome.redirects)) if outcome.redirects else ""}],'
        f'"hops":[{",".join(map(_hop, outcome.hops)) if outcome.hops else ""}],'
        f'"attempts":{outcome.attempts},"started":{"null" if started is None else quoted(instant(started))},'
        f'"elapsed":{outcome.elapsed:.6f},"waited":{outcome.waited:.3f},'
        f'"content_type":{_string(outcome.content_type)},"charset":{_string(outcome.charset)},'
        f'"bytes":{"null" if (size := length(outcome)) is None else size},'
        f'"wire_bytes":{outcome.wire_bytes},"sha256":{_string(outcome.sha256)},'
        f'"reused":{_BOOL[outcome.reused]},"path":{_string(outcome.path)},"complete":{_BOOL[outcome.complete]},'
        f'"remote":{_string(outcome.remote)},"timings":{"null" if timings is None else _timings(timings)},'
        f"{_validators(outcome)}"
    )
    if type(outcome) is Unchanged and outcome.fresh:
        line = f'{line},"fresh":true'
    if outcome.before is not None:
        line = f'{line},"before":{json_text(dict(outcome.before.record))}'
    if isinstance(outcome, Deferred):
        line = f'{line},"not_before":"{instant(outcome.not_before)}"'
    if target.input is not None:
        line = f'{line},"input":{json_text(dict(target.input))}'
    if target.request is not None or target.occurrence > 1:
        line += "".join(f',"{name}":{json_text(value)}' for name, value in own_fields(outcome).items())
    return _line(line + "}")


def _is_usual(outcome: Outcome, timings: Timings) -> bool:
    """Whether an outcome is what most are: a success as planned, over a connection that had served before."""
    target = outcome.target
    dns, connect, tls, ttfb, download = timings
    return (
        isinstance(outcome, Fetched)
        and outcome.reused
        and outcome.detail is None
        and outcome.path is None
        and not outcome.redirects
        and outcome.final_url == target.url
        and target.line is not None
        and target.input is None
        and target.occurrence == 1
        and outcome.status is not None
        and outcome.status < 400
        and outcome.sha256 is not None
        and dns is connect is tls is None
        and ttfb is not None
        and download is not None
    )


@lru_cache(maxsize=1024)
def _usual(
    source: str, status: int, content_type: str | None, charset: str | None, complete: bool | None, remote: str | None
) -> str:
    """Return the line of a usual outcome with gaps for what differs from URL to URL, as ``%`` fills them."""

    def text(value: str | None) -> str:
        return _string(value).replace("%", "%%")

    return (
        f'{{"url":%s,"line":%d,{source.replace("%", "%%")}"outcome":"ok","status":{status},'
        '"error":null,"detail":null,"final_url":%s,'
        f'"redirects":[],"hops":[],"attempts":%d,"started":"%s","elapsed":%.6f,"waited":%.3f,'
        f'"content_type":{text(content_type)},"charset":{text(charset)},"bytes":%d,"wire_bytes":%d,"sha256":"%s",'
        f'"reused":true,"path":null,"complete":{_BOOL[complete]},"remote":{text(remote)},'
        '"timings":{"dns":null,"connect":null,"tls":null,"ttfb":%.6f,"download":%.6f},%s}\n'
    )


def _validators(outcome: Outcome) -> str:
    """Return the fields that a later request is made conditional by, and ``change``."""
    change = "" if outcome.change is None else f',"change":"{outcome.change}"'
    if outcome.validators is None:
        return f'"etag":null,"last_modified":null,"fresh_until":null,"vary":null{change}'
    etag, modified, fresh_until, vary = outcome.validators
    until = "null" if fresh_until is None else f'"{instant(fresh_until)}"'
    return (
        f'"etag":{_string(etag)},"last_modified":{_string(modified)},"fresh_until":{until},'
        f'"vary":{_string(vary)}{change}'
    )


def json_text(value: Any) -> str:
    """Spell ``value`` as ASCII JSON. NaN and the infinities, which JSON has not (RFC 8259 section 6), become null."""
    try:
        return strict_json(_dumps(value))
    except ValueError:
        return strict_json(_dumps(_finite(value)))


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value


def _line(text: str) -> bytes:
    return f"{strict_json(text)}\n".encode("ascii")


def _hop(hop: Redirect) -> str:
    return f'{{"url":{quoted(hop.url)},"status":{hop.status}}}'


def _string(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _timings(timings: Timings) -> str:
    return (
        f'{{"dns":{_seconds(timings.dns)},"connect":{_seconds(timings.connect)},"tls":{_seconds(timings.tls)},'
        f'"ttfb":{_seconds(timings.ttfb)},"download":{_seconds(timings.download)}}}'
    )


def _seconds(value: float | None) -> str:
    return "null" if value is None else f"{value:.6f}"
