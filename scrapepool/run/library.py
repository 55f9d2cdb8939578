"""A run whose reader is a program: ``scrapepool.fetch``.

Decides which settings such a run carries out, and refuses the others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING

from ..engine import Stop
from ..errors import OutageError, UsageError
from ..model import Outcome
from ..ports import Feed
from ..read import OpenDocument, TargetList
from ..read.items import Request
from ..settings import Settings
from .assemble import assembled, final_outcomes
from .lease_resources import Share

if TYPE_CHECKING:
    import requests

    from ..record.body_files.body_store import Files

TLS_FACTS = ("+tls",)
"""The one value of ``output.fields`` that outcomes go by."""

CARRIED_OUT: Mapping[str, frozenset[str]] = {
    "output": frozenset(
        # fsync is for save_dir, and of fields only TLS_FACTS is carried out
        {"fields", "headers", "body", "history", "select", "expect", "links", "text", "extract_workers", "fsync"}
    ),
    "warc": frozenset({"size"}),
    "display": frozenset({"quiet"}),
    "alarm": frozenset(),
    "since": frozenset(),
    "start": frozenset(),
}
"""The settings that ``outcomes`` carries out, of the groups about what a run leaves behind: its reader is a program."""


def outcomes(
    urls: Iterable[str | Request],
    settings: Settings | None,
    session: requests.Session | None,
    on_outcome: Callable[[Outcome], object] | None = None,
) -> Generator[Outcome]:
    """Return the outcomes of a run over what a program hands in; ``scrapepool.fetch``. Raises UsageError."""
    return _each(batches_of(urls, settings, session, Stop()), on_outcome)


def _each(batches: Generator[Sequence[Outcome]], on_outcome: Callable[[Outcome], object] | None) -> Generator[Outcome]:
    with closing(batches):
        for batch in batches:
            for outcome in batch:
                if on_outcome is not None:
                    on_outcome(outcome)
                yield outcome


def batches_of(
    urls: Iterable[str | Request], settings: Settings | None, session: requests.Session | None, stop: Stop
) -> Generator[Sequence[Outcome]]:
    """Return the same in batches, some of them empty. stop: ends the run. Raises UsageError."""
    if isinstance(urls, str | bytes | bytearray | PathLike | Request):
        kind = "a file's name" if isinstance(urls, PathLike) else "one of them"
        raise UsageError(
            f"fetch() takes an iterable of URLs and requests, not {kind}: write [url] for one URL, and for a file that "
            "lists them fetch([], Settings().with_(input={'lists': (name,)}))"
        )
    settings = settings or Settings()
    if not isinstance(settings, Settings):
        raise UsageError(f"fetch() takes its settings as Settings().with_(…), not as {type(settings).__name__}")
    if lost := list(_not_carried_out(settings)):
        raise UsageError(
            f"fetch() yields outcomes and does not carry out {', '.join(lost)}: write down what it yields, "
            "or run the command"
        )
    if settings.pool.processes != 1:
        urls = _without_writers(urls)
    if session is None:
        return _batches(urls, settings, stop)
    if settings.pool.processes != 1:
        raise UsageError(
            "fetch() shares a session with no other process: leave session out, or set pool.processes to 1"
        )
    from ..transport.exchange import callers_session as callers  # noqa: PLC0415 - rarely needed

    settings = replace(settings, request=callers.request_of(session, settings.request))
    cookies = callers.cookies_of(session)
    return _batches(urls, settings, stop, partial(callers.shared_with, session, cookies))


def _without_writers(urls: Iterable[str | Request]) -> Iterator[str | Request]:
    """Raise UsageError for a request whose body goes to an object, which no other process has."""
    for item in urls:
        if isinstance(item, Request) and item.body_to is not None:
            raise UsageError("Request: body_to needs this process: set pool.processes to 1")
        yield item


def _not_carried_out(settings: Settings) -> Iterator[str]:
    for group, carried_out in CARRIED_OUT.items():
        values = getattr(settings, group)
        usual = type(values)()
        for one in fields(values):
            value = getattr(values, one.name)
            silent = group == "display" and value == "none"
            if one.name not in carried_out and value != getattr(usual, one.name) and not silent:
                yield f"{group}.{one.name}"
    if settings.input.glob:
        yield "input.glob"
    if settings.output.fields not in (None, TLS_FACTS):
        yield "output.fields"


def _batches(
    urls: Iterable[str | Request], settings: Settings, stop: Stop, share: Share | None = None
) -> Generator[Sequence[Outcome]]:
    def make(wake: Callable[[], None], open_document: OpenDocument) -> Feed:
        return TargetList.of_urls(urls, settings.input, wake=wake, open_document=open_document)

    with assembled(settings, make, stop=stop, share=share) as run:
        store = None if settings.files.save_dir is None else _files(settings)
        try:
            with closing(final_outcomes(run, settings, stop)) as finals:
                for final in finals:
                    if store is not None:
                        store.write(final)
                    yield final
            if (lost := run.engine.lost) is not None:
                raise OutageError(lost)
        finally:
            if store is not None:
                store.end()


def _files(settings: Settings) -> Files:
    from ..record.body_files.body_store import Files  # noqa: PLC0415 - rarely needed

    return Files(settings.files, method=settings.request.method, synced=settings.output.fsync == "always")
