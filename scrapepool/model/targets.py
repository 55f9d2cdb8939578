"""What is to be fetched: a target, what its row of the list sets for itself, and a list that is given by URL."""

from __future__ import annotations

import builtins
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..frozen import Compared, rarely_made
from ..host_key import HostKey
from ..named_tuple import NamedTuple

if TYPE_CHECKING:
    from ..validators import Known


class Apart(NamedTuple):
    """The part of a target's identity that tells it from other targets whose records have the same URL.

    method: the row's own; ``""`` if it is the run's.
    data: SHA-256 of the row's own body, in hexadecimal; ``""`` if the row has none.
    occurrence: 1 for the first target of the lists whose record has this URL, method and body. A further one differs
    in user or password, which records hide.
    """

    method: str = ""
    data: str = ""
    occurrence: int = 1


class BodyWriter(Protocol):
    """What the bytes of a body are written to, such as a binary file."""

    def write(self, data: builtins.bytes, /) -> object:
        """Take the next bytes of the body."""

    def close(self) -> object:
        """End: the body is whole, or the attempt has failed."""


OpenBody = Callable[[], BodyWriter]
"""Opens what a body is written to, anew for each attempt."""


class RowRequest(NamedTuple):
    """The parts of a request that one row of a list sets for itself; None leaves the run's in place.

    method: upper case.
    headers: fields that replace the run's.
    data: the body.
    timeout: seconds that a whole attempt may take.
    save_as: the name that the row wants for the file of its body, as the list has it.
    context: an object of the calling program, which gets it back with the outcome.
    body_to: opens what the body is written to, for a request of the calling program.
    place: line and name of the list that the row was taken from, for a row that is fetched again; None for any other.
    """

    method: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    data: builtins.bytes | None = None
    timeout: float | None = None
    save_as: str | None = None
    context: Any = None
    place: tuple[int | None, str | None] | None = None
    body_to: OpenBody | None = None

    @property
    def plain(self) -> bool:
        """Whether the request is the same as that of any other row."""
        return self.method is None and not self.headers and self.data is None

    def apart(self, method: str) -> Apart | None:
        """Return what tells the target from others with its URL; None if nothing does. method: the run's."""
        if self.data is None:
            return None if self.method in (None, method) else Apart(self.method or method)
        return Apart(self.method or method, hashlib.sha256(self.data).hexdigest())


@dataclass(slots=True, repr=False, eq=False)
class Target(Compared):
    """One URL of the list, parsed once. Like an outcome, it must not be changed after it was made.

    url: as the list has it, with its password hidden: it goes into every output.
    host: where it is requested.
    path: the request target (RFC 9112 section 3.2.1): path and query, ASCII, percent-encoded.
    line: 1-based line in its list, or place among the URLs of a program; None for an argument of the command line.
    userinfo: ``user:password`` from the URL, still percent-encoded.
    input: the other columns of its row.
    request: what its row, or its ``Request``, sets for itself.
    occurrence: internal; as in ``Apart``.
    source: the name of its list; None for an argument of the command line, and for a URL of a program.
    bare: whether the list has it without a scheme.
    known: internal; what earlier records say about it.
    """

    url: str
    host: HostKey
    path: str
    line: int | None = None
    userinfo: str | None = field(default=None, repr=False)
    input: Mapping[str, Any] | None = None
    request: RowRequest | None = None
    occurrence: int = 1
    source: str | None = None
    bare: bool = False
    known: Known | None = field(default=None, repr=False)

    def apart(self, method: str) -> Apart | None:
        """Return what tells it from others whose records have the same URL; None if nothing does. method: the run's."""
        own = None if self.request is None else self.request.apart(method)
        return own if self.occurrence == 1 else (own or Apart())._replace(occurrence=self.occurrence)

    def method(self, method: str) -> str:
        """Return the method of its requests. method: the run's."""
        return method if self.request is None else self.request.method or method


@rarely_made
class ListTarget(Target):
    """A list that is given by URL. It is fetched as a target is, but it has no record and does not count as a target.

    begin: called when a successful response begins, and again if it begins anew; returns the function that takes the
    pieces of its decoded body.
    """

    begin: Callable[[], Callable[[builtins.bytes | memoryview], object]]
