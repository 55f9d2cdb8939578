"""Settings for some hosts: the ``[host."*.example.org"]`` sections of a configuration.

Decides which section applies to a host: the one with the most specific pattern, and no other. Does not know where
sections come from, nor what ``schedule`` and ``transport`` do with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from .errors import InvalidURLError, UsageError
from .frozen import frozen
from .host_key import HostKey
from .lazy_pattern import lazy_pattern
from .url import parse

if TYPE_CHECKING:
    from .window import Window


@frozen
class HostOverride:
    """Settings for one host; None keeps the setting of the run.

    delay: seconds between the starts of two requests.
    per_host: requests in flight.
    robots: whether robots.txt is obeyed.
    headers: fields that replace fields of the run with the same names.
    credentials: ``user:password`` for Basic authentication.
    window: the hours in which it may be requested, as ``Window.parse("00:00-05:00 Europe/Berlin")``.
    """

    delay: float | None = None
    per_host: int | None = None
    robots: bool | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    credentials: str | None = field(default=None, repr=False)
    window: Window | None = None

    def __post_init__(self) -> None:
        if self.delay is not None and not 0 <= self.delay < float("inf"):
            raise UsageError("delay must not be negative")
        if self.per_host is not None and self.per_host < 1:
            raise UsageError("per-host must be at least 1")
        if self.credentials is not None and ":" not in self.credentials:
            raise UsageError("credentials have no colon; write user:password")


_PATTERN = lazy_pattern(r"(?:\*|(\*\.)?(\[[^\]]*\]|[^][:*/?#@\\\s]+))(:[0-9]+)?")

NOTHING = HostOverride()
"""The override of every host that no pattern matches."""


@frozen
class HostOverrides:
    """Settings for some hosts.

    sections: pattern and override, in order. A pattern is a host (``example.org``, ``192.0.2.1``, ``[2001:db8::1]``),
        ``*.`` and a domain for every host below it, or ``*``; each may end in a port. The most specific one applies.

    Raises UsageError for a pattern that is invalid or that occurs twice.
    """

    sections: tuple[tuple[str, HostOverride], ...] = ()
    _by_pattern: Mapping[str, HostOverride] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_pattern: dict[str, HostOverride] = {}
        for pattern, override in self.sections:
            usual = _usual(pattern)
            if usual in by_pattern:
                raise UsageError(f"two sections for the host {pattern}")
            by_pattern[usual] = override
        object.__setattr__(self, "_by_pattern", by_pattern)

    def __bool__(self) -> bool:
        return bool(self.sections)

    def override_for(self, host: HostKey) -> HostOverride:
        """Return the section of a host: its own before a domain's, the longest domain first, a port before none."""
        by_pattern = self._by_pattern
        if not by_pattern:
            return NOTHING
        for pattern in _patterns(host):
            found = by_pattern.get(pattern)
            if found is not None:
                return found
        return NOTHING


def _patterns(host: HostKey) -> Iterator[str]:
    """Yield every pattern that matches a host, the most specific first."""
    name, domains = _spelled(host), []
    if not _is_address(host):
        labels = name.split(".")
        domains = [f"*.{'.'.join(labels[cut:])}" for cut in range(1, len(labels))]
    for pattern in (name, *domains, "*"):
        yield f"{pattern}:{host.port}"
        yield pattern


def _usual(pattern: str) -> str:
    """Return a pattern as ``_patterns`` spells it."""
    found = _PATTERN.fullmatch(pattern)
    if found is None:
        raise UsageError(f"{pattern!r} is not a host; write example.org, *.example.org or *")
    below, name, port = found.groups(default="")
    if not name:
        return f"*{port}"
    try:
        host = parse(f"http://{name}{port}/").host
    except InvalidURLError as error:
        raise UsageError(f"{pattern!r} is not a host: {error}") from None
    if below and _is_address(host):
        raise UsageError(f"{pattern!r} is not a host: an address has no subdomains")
    return f"{below}{_spelled(host)}{port and f':{host.port}'}"


def _spelled(host: HostKey) -> str:
    return f"[{host.host}]" if ":" in host.host else host.host.removesuffix(".")


def _is_address(host: HostKey) -> bool:
    return ":" in host.host or host.host.replace(".", "").isdigit()
