"""Leases and their results as bytes: what a run and its worker processes send each other.

Decides what crosses: of a target only what a request and a record need, and of a result all but its target. The run
keeps the rest, and puts it back. Most attempts and results are plain, and spelled by ``marshal`` in a tenth of the time
of ``pickle``, which spells the others. A plain success may cross as its record, beside the few fields that the run
counts. Both ends are of one version and belong to one user.
"""

from __future__ import annotations

import marshal
import os
import pickle
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from ...model import (
    Attempt,
    Fetched,
    HostKey,
    Redirected,
    Result,
    Saved,
    Serialized,
    Span,
    Target,
    Timings,
    TLSFacts,
    Transcript,
)
from ...named_tuple import NamedTuple
from ...ports import Done, Unbegun, Work
from ...record.formats.serializer import Serializer
from ...schedule.lease import ConnectionUse, Lease
from ...schedule.robots import RobotsVerdict
from ...validators import Validators

Plain = Any
"""What ``marshal`` can spell."""


class Report(NamedTuple):
    """What a worker process sends: what has come back, and its state.

    begun: leases that it has received so far. in_flight: those that count as in flight. cpu: seconds of CPU time that
    it has used. received: bytes that count against ``--bandwidth``, so far. back: what ``Loop.wait`` returned, packed.
    """

    begun: int
    in_flight: int
    cpu: float
    received: int
    back: Sequence[Plain]


# -- from the run to a worker process ------------------------------------------------------------------


def pack_work(number: int, work: Work) -> Plain:
    """Spell a lease and its attempts. number: its name in what comes back."""
    lease = work.lease
    about = (tuple(lease.host), lease.budget, lease.since, lease.robots, lease.probe)
    if lease.attempt is None and (plain := _plain(work.attempts)) is not None:
        return number, about, plain
    slim = [_slim(attempt) for attempt in work.attempts]
    return number, about, pickle.dumps((slim, lease.attempt is not None), pickle.HIGHEST_PROTOCOL)


def unpack_work(packed: Plain) -> tuple[int, Work, bool]:
    """Return the number of a lease, the lease, and whether its targets have all that records say of them."""
    number, (host, budget, since, robots, probe), rest = packed
    key = HostKey(*host)
    if isinstance(rest, tuple):
        source, whole, urls, paths, lines = rest
        attempts = [
            Attempt(Target(url, key, path, line, source=source))
            for url, path, line in zip(urls, paths, lines, strict=True)
        ]
        return number, Work(Lease(key, (), None, budget, since, robots, (), probe), attempts), whole
    attempts, alone = pickle.loads(rest)  # noqa: S301 - our own parent's
    lease = Lease(key, (), attempts[0] if alone else None, budget, since, robots, (), probe)
    return number, Work(lease, attempts), False


def _plain(attempts: Sequence[Attempt]) -> Plain:
    """Spell attempts at targets that are a URL and no more; None if one is more than that.

    Returned are the name of their list, whether no target has further columns, URLs, paths and lines.
    """
    urls, paths, lines = [], [], []
    source, whole = attempts[0].target.source if attempts else None, True
    for attempt in attempts:
        target = attempt.target
        if target.userinfo is not None or target.request is not None or target.known is not None:
            return None
        if target.occurrence != 1 or target.source != source:
            return None
        whole = whole and target.input is None
        urls.append(target.url)
        paths.append(target.path)
        lines.append(target.line)
    return source, whole, urls, paths, lines


def _slim(attempt: Attempt) -> Attempt:
    """Return an attempt without what no request needs; its ``context`` may be an object that cannot be spelled."""
    target = attempt.target
    own = None if target.request is None else target.request._replace(context=None, body_to=None)
    return replace(attempt, target=replace(target, input=None, request=own), history=None)


# -- from a worker process to the run ------------------------------------------------------------------

_DONE, _UNBEGUN = 0, 1
PLAIN_FIELDS = (
    "attempts", "started", "elapsed", "waited", "status", "final_url", "detail", "content_type", "charset", "bytes",
    "wire_bytes", "sha256", "reused", "complete", "remote", "headers", "body",
)  # fmt: skip
"""The fields of a result that ``marshal`` can spell as they are."""

_fields_of = attrgetter(*PLAIN_FIELDS)


def pack_back(number: int, one: Done | Unbegun, descriptors: list[int], serializer: Serializer | None = None) -> Plain:
    """Spell what ended, or will not begin, of a lease. descriptors: gets those of files that go with it.

    serializer: makes the records of plain successes; None if the run makes them.
    """
    results = [pack_result(result, serializer) for result in one.results]
    transcripts = [_pack_transcript(transcript, descriptors) for transcript in one.transcripts]
    if isinstance(one, Unbegun):
        return _UNBEGUN, number, one.begun, results, tuple(one.use), transcripts, one.again
    robots = None if one.robots is None else pickle.dumps(one.robots, pickle.HIGHEST_PROTOCOL)
    return _DONE, number, robots, results, tuple(one.use), transcripts, one.elapsed


def number_of(packed: Plain) -> int:
    """Return the number of the lease of what was packed by ``pack_back``."""
    number: int = packed[1]
    return number


def unpack_back(packed: Plain, work: Work, given: int, descriptors: deque[int]) -> Done | Unbegun:
    """Return what came back of a lease. given: number of its results that came back before."""
    kind, _, first, results, counts, transcripts, rest = packed
    attempts = work.attempts
    found = [unpack_result(result, attempts[at].target) for at, result in enumerate(results, given)]
    kept = [_unpack_transcript(transcript, descriptors) for transcript in transcripts]
    use = ConnectionUse(*counts)
    if kind == _UNBEGUN:
        return Unbegun(work, first, found, use, kept, again=rest)
    robots: RobotsVerdict | None = None if first is None else pickle.loads(first)  # noqa: S301 - our own child's
    return Done(work, found, use, kept, robots, elapsed=rest)


def pack_result(result: Result, serializer: Serializer | None = None) -> Plain:
    """Spell a result without its target. It must not be used any more. serializer: as for ``pack_back``."""
    if isinstance(result, Redirected):
        return pickle.dumps(
            result._replace(attempt=replace(result.attempt, target=None)),  # type: ignore[arg-type]
            pickle.HIGHEST_PROTOCOL,
        )
    if type(result) is Fetched and not result.redirects and result.retry is None:
        timings, tls, validators, saved = result.timings, result.tls, result.validators, result.saved
        if serializer is not None and (result.status or 0) < 400 and result.body is None:
            ttfb = None if timings is None else timings.ttfb
            return serializer.encode(result), result.status, result.elapsed, result.wire_bytes, ttfb
        return (
            _fields_of(result),
            None if timings is None else tuple(timings),
            None if tls is None else tuple(tls),
            None if validators is None else tuple(validators),
            None if saved is None else tuple(saved),
        )
    result.target = None  # type: ignore[assignment]
    return pickle.dumps(result, pickle.HIGHEST_PROTOCOL)


def unpack_result(packed: Plain, target: Target) -> Result:
    """Return the result for a target."""
    if not isinstance(packed, bytes):
        return Serialized(target, *packed) if isinstance(packed[0], bytes) else _fetched(packed, target)
    result: Result = pickle.loads(packed)  # noqa: S301 - our own child's
    if isinstance(result, Redirected):
        result.attempt.target = target
    else:
        result.target = target
    return result


def _fetched(packed: Plain, target: Target) -> Fetched:
    values, timings, tls, validators, saved = packed
    (attempts, started, elapsed, waited, status, final_url, detail, content_type, charset, size,
     wire_bytes, sha256, reused, complete, remote, headers, body) = values  # fmt: skip
    return Fetched(
        target=target,
        attempts=attempts,
        started=started,
        elapsed=elapsed,
        waited=waited,
        status=status,
        final_url=target.url if final_url == target.url else final_url,
        detail=detail,
        content_type=content_type,
        charset=charset,
        bytes=size,
        wire_bytes=wire_bytes,
        sha256=sha256,
        reused=reused,
        complete=complete,
        remote=remote,
        headers=headers,
        body=body,
        timings=None if timings is None else Timings(*timings),
        tls=None if tls is None else TLSFacts(*tls),
        validators=None if validators is None else Validators(*validators),
        saved=None if saved is None else Saved(*saved),
    )


def _pack_transcript(transcript: Transcript, descriptors: list[int]) -> Plain:
    response = transcript.response
    if isinstance(response, bytes):
        return tuple(transcript)
    response.file.flush()
    descriptors.append(os.dup(response.file.fileno()))
    response.file.close()
    return tuple(transcript._replace(response=(response.begin, response.size)))  # type: ignore[arg-type]


def _unpack_transcript(packed: Plain, descriptors: deque[int]) -> Transcript:
    transcript = Transcript(*packed)
    where = transcript.response
    if isinstance(where, bytes):
        return transcript
    begin, size = where  # type: ignore[misc]
    return transcript._replace(response=Span(os.fdopen(descriptors.popleft(), "rb"), begin, size))


# -- messages ------------------------------------------------------------------------------------------


def dumps(message: Plain) -> bytes:
    """Spell a message."""
    return marshal.dumps(message)


def loads(message: bytes) -> Plain:
    """Read a message, of our own parent or child."""
    return marshal.loads(message)  # noqa: S302 - see above
