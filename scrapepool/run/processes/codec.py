"""Leases and their results as bytes: what a run and its worker processes send each other.

Decides what crosses: of a target only what a request needs, and of a result all but its target. The run keeps the rest,
and puts it back. Most attempts and results are plain, and spelled by ``marshal`` in a tenth of the time of ``pickle``,
which spells the others. Both ends are of one version and belong to one user.
"""

from __future__ import annotations

import marshal
import os
import pickle
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, NamedTuple

from ...model import Attempt, Fetched, HostKey, Redirected, Result, Saved, Span, Target, Timings, TLSFacts, Transcript
from ...ports import Done, Unbegun, Work
from ...schedule.lease import Lease
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
    first = lease.attempt
    about = (tuple(lease.host), lease.budget, lease.since, lease.robots, lease.probe)
    if first is None and all(_is_plain(attempt.target) for attempt in work.attempts):
        return number, about, [one for attempt in work.attempts for one in (attempt.target.url, attempt.target.path)]
    slim = [_slim(attempt) for attempt in work.attempts]
    return number, about, pickle.dumps((slim, first is not None), pickle.HIGHEST_PROTOCOL)


def unpack_work(packed: Plain) -> tuple[int, Work]:
    """Return the number of a lease, and the lease."""
    number, (host, budget, since, robots, probe), rest = packed
    key = HostKey(*host)
    if isinstance(rest, list):
        attempts = [Attempt(Target(url, key, path)) for url, path in zip(rest[::2], rest[1::2], strict=True)]
        return number, Work(Lease(key, (), None, budget, since, robots, (), probe), attempts)
    attempts, alone = pickle.loads(rest)  # noqa: S301 - our own parent's
    return number, Work(Lease(key, (), attempts[0] if alone else None, budget, since, robots, (), probe), attempts)


def _is_plain(target: Target) -> bool:
    return target.userinfo is None and target.request is None and target.known is None and target.occurrence == 1


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


def pack_back(number: int, one: Done | Unbegun, descriptors: list[int]) -> Plain:
    """Spell what ended, or will not begin, of a lease. descriptors: gets those of files that go with it."""
    results = [pack_result(result) for result in one.results]
    transcripts = [_pack_transcript(transcript, descriptors) for transcript in one.transcripts]
    if isinstance(one, Unbegun):
        return _UNBEGUN, number, one.begun, results, one.opened, one.requests, one.idle, transcripts, one.opening
    robots = None if one.robots is None else pickle.dumps(one.robots, pickle.HIGHEST_PROTOCOL)
    return _DONE, number, robots, results, one.opened, one.requests, one.idle, transcripts, one.opening, one.elapsed


def number_of(packed: Plain) -> int:
    """Return the number of the lease of what was packed by ``pack_back``."""
    number: int = packed[1]
    return number


def unpack_back(packed: Plain, work: Work, given: int, descriptors: deque[int]) -> Done | Unbegun:
    """Return what came back of a lease. given: number of its results that came back before."""
    kind, _, first, results, opened, requests, idle, transcripts, opening, *rest = packed
    attempts = work.attempts
    found = [unpack_result(result, attempts[at].target) for at, result in enumerate(results, given)]
    kept = [_unpack_transcript(transcript, descriptors) for transcript in transcripts]
    if kind == _UNBEGUN:
        return Unbegun(work, first, found, opened, requests, idle, kept, opening)
    robots: RobotsVerdict | None = None if first is None else pickle.loads(first)  # noqa: S301 - our own child's
    return Done(work, found, opened, requests, idle, robots, rest[0], kept, opening)


def pack_result(result: Result) -> Plain:
    """Spell a result without its target. It must not be used any more."""
    if isinstance(result, Redirected):
        return pickle.dumps(
            result._replace(attempt=replace(result.attempt, target=None)),  # type: ignore[arg-type]
            pickle.HIGHEST_PROTOCOL,
        )
    if type(result) is Fetched and not result.redirects and result.retry is None:
        timings, tls, validators, saved = result.timings, result.tls, result.validators, result.saved
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
        fields, timings, tls, validators, saved = packed
        (attempts, started, elapsed, waited, status, final_url, detail, content_type, charset, size,
         wire_bytes, sha256, reused, complete, remote, headers, body) = fields  # fmt: skip
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
    result: Result = pickle.loads(packed)  # noqa: S301 - our own child's
    if isinstance(result, Redirected):
        result.attempt.target = target
    else:
        result.target = target
    return result


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
