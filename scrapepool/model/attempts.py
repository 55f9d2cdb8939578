"""One attempt at a target: which one it is, and where redirects have led it so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..frozen import Compared
from ..host_key import HostKey
from ..named_tuple import NamedTuple
from .history import Step
from .targets import ListTarget, Target


class Redirect(NamedTuple):
    """A redirect that was followed.

    url: what was requested, without a password.
    status: HTTP status of the response.
    """

    url: str
    status: int


class Trail(NamedTuple):
    """The redirects that one attempt has followed so far.

    redirects: the URLs that were requested, the target's own first.
    hops: the same with the statuses of the responses.
    notes: what was unusual about them, one line for people each.
    """

    redirects: tuple[str, ...] = ()
    hops: tuple[Redirect, ...] = ()
    notes: tuple[str, ...] = ()

    def followed(self, url: str, status: int, notes: tuple[str, ...]) -> Trail:
        """Return the trail with one more redirect."""
        return Trail((*self.redirects, url), (*self.hops, Redirect(url, status)), self.notes + notes)

    def hop(self, url: str, host: HostKey, path: str, method: str, spent: float, cookies: Any) -> Hop:
        """Return the hop to another host that the trail leads to; the arguments are its fields."""
        return Hop(url, host, path, method, self.redirects, spent, cookies, self.hops, self.notes)


NO_TRAIL = Trail()
"""The trail of an attempt that was not redirected."""


class Hop(NamedTuple):
    """Where redirects have led one attempt.

    url, host, path, method: what is to be requested now.
    redirects, hops, notes: as in ``Trail``.
    spent: seconds of the attempt's timeout that are used up.
    cookies: the jar of this attempt, None while no cookie was set.
    """

    url: str
    host: HostKey
    path: str
    method: str
    redirects: tuple[str, ...]
    spent: float
    cookies: Any = None
    hops: tuple[Redirect, ...] = ()
    notes: tuple[str, ...] = ()


class Earlier(NamedTuple):
    """An earlier attempt at a target that failed, as far as its host is concerned.

    host: the one on which it failed.
    answers: pages for which that host had sent a response until then.
    at: when it failed, in monotonic seconds.
    tries: whether the next attempt is to show if the host refuses requests because they are too many.
    said: the status, or the error if there was none.
    """

    host: HostKey
    answers: int
    at: float
    tries: bool = False
    said: str = ""


@dataclass(slots=True, repr=False, eq=False)
class Attempt(Compared):
    """One attempt at a target. Like an outcome, it must not be changed after it was made.

    number: 1 for the first; a redirect to another host keeps the number of its attempt.
    waited: seconds that the target has waited before its attempts so far.
    started: Unix time of the first attempt's start; None before it.
    hop: where redirects have led it; None at the target itself.
    history: the steps before it; None if no history is kept.
    refunds: earlier attempts that do not count, because their failure was not the target's.
    earlier: the failure before it, if the target itself may have been its cause.
    """

    target: Target
    number: int = 1
    waited: float = 0.0
    started: float | None = None
    hop: Hop | None = None
    history: tuple[Step, ...] | None = None
    refunds: int = 0
    earlier: Earlier | None = None

    @property
    def host(self) -> HostKey:
        """The host that is requested now."""
        return self.target.host if self.hop is None else self.hop.host

    @property
    def of_list(self) -> bool:
        """Whether it is an attempt at a list that is given by URL."""
        return isinstance(self.target, ListTarget)

    @property
    def trail(self) -> Trail:
        """The redirects that led here."""
        hop = self.hop
        return NO_TRAIL if hop is None else Trail(hop.redirects, hop.hops, hop.notes)

    def ended(self, detail: str) -> dict[str, Any]:
        """Return the fields of an outcome that ends the attempt without a request to ``host``.

        If redirects led here, the outcome has them, and the detail names that host.
        """
        hop = self.hop
        fields = {"target": self.target, "started": self.started, "waited": self.waited, "history": self.history}
        if hop is None:
            return {**fields, "attempts": self.number - 1, "detail": detail}
        followed = {"final_url": hop.url, "redirects": hop.redirects, "hops": hop.hops}
        return {**fields, **followed, "attempts": self.number, "detail": "; ".join((self.located(detail), *hop.notes))}

    def located(self, detail: str) -> str:
        """Add to the detail of a failure the host that a redirect led to, unless the detail names it."""
        if self.hop is None or not self.hop.redirects or self.hop.host.netloc in detail:
            return detail
        return f"redirected to {self.hop.host.netloc}: {detail}"
