"""Records in the order of the lists, over fakes: what is admitted, what comes out, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import ErrorKind, Fetched, HostKey, Outcome, Skipped, Target
from scrapepool.ports import Batch
from scrapepool.run.outputs import ordered_output
from scrapepool.run.outputs.ordered_output import ListOrder, OrderedFeed, OrderedSink

HOSTS = [HostKey("http", f"h{number}.test", 80) for number in range(3)]


def target(line: int) -> Target:
    return Target(f"http://h{line % 3}.test/{line}", HOSTS[line % 3], f"/{line}", line)


class Lines:
    """A feed of lines 0, 1, 2 …, some of which are no targets, in batches of a size."""

    def __init__(self, good: Sequence[bool], batch: int) -> None:
        self._good = good
        self._batch = batch
        self.read = 0
        self.closed = False

    def poll(self) -> Batch | None:
        lines = range(self.read, min(self.read + self._batch, len(self._good)))
        self.read = lines.stop
        added: dict[HostKey, list[int]] = {}
        rejected = [line for line in lines if not self._good[line]]
        for line in set(lines) - set(rejected):
            added.setdefault(HOSTS[line % 3], []).append(line * 10)
        for tickets in added.values():
            tickets.sort()
        ends = [Skipped(target=target(line), error=ErrorKind.INVALID_URL) for line in rejected]
        return Batch(added, ends, [line * 10 for line in rejected]) if lines else None

    def target(self, ticket: int) -> Target | Skipped:
        found = target(ticket // 10)  # another object each time, as a list's
        return Skipped(target=found, error=ErrorKind.INVALID_URL) if ticket % 50 == 40 else found

    @property
    def exhausted(self) -> bool:
        return self.read >= len(self._good)

    def close(self) -> None:
        self.closed = True


class Written:
    """A sink that lists lines."""

    def __init__(self) -> None:
        self.lines: list[int | None] = []
        self.closed = False

    def write(self, outcomes: Sequence[Outcome]) -> None:
        self.lines += [outcome.target.line for outcome in outcomes]

    def close(self) -> None:
        self.closed = True


class Run:
    """An engine of sorts: takes what the feed gives, and ends targets in an order that is chosen for it."""

    def __init__(
        self,
        good: Sequence[bool],
        *,
        batch: int = 4,
        body: int | None = None,
        on_note: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.order = ListOrder(on_note, bodies=body is not None, clock=clock)
        self.woken = 0
        self.feed = OrderedFeed(Lines(good, batch), self.order, self._wake)
        self.written = Written()
        self.sink = OrderedSink(self.written, self.order)
        self.under_way: list[int] = []
        self._body = body

    def _wake(self) -> None:
        self.woken += 1

    def poll(self) -> None:
        while (batch := self.feed.poll()) is not None:
            self.under_way += [ticket for tickets in batch.added.values() for ticket in tickets]
            self.sink.write(batch.rejected)

    def end(self, ticket: int) -> None:
        self.under_way.remove(ticket)
        self.feed.target(ticket)  # a lease may be handed back, and its targets looked up again
        found = self.feed.target(ticket)
        body = None if self._body is None else bytes(self._body)
        self.sink.write([found if isinstance(found, Skipped) else Fetched(target=found, status=200, body=body)])


@given(
    good=st.lists(st.booleans(), max_size=60),
    batch=st.integers(1, 9),
    most=st.integers(1, 12),
    body=st.none() | st.just(100),
    dice=st.randoms(use_true_random=False),
)
def test_whatever_ends_first_is_written_in_the_order_of_the_list(good, batch, most, body, dice):
    """Rejected lines in their place, no line twice or never, no more let in than may wait, and no run that hangs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered_output, "MAX_WAITING", most)
        patch.setattr(ordered_output, "MAX_BYTES", 700)
        patch.setattr(ordered_output, "AT_FIRST", 7)
        run = Run(good, batch=batch, body=body)
        run.poll()
        while run.under_way:
            assert len(run.under_way) <= most
            assert body is None or len(run.under_way) <= 7
            run.end(dice.choice(run.under_way))
            assert run.written.lines == list(range(len(run.written.lines)))
            run.poll()
    assert run.written.lines == list(range(len(good)))
    assert run.feed.exhausted


def test_what_is_further_down_is_not_begun_while_the_first_takes_long(monkeypatch):
    """Back-pressure: the window is full, nothing more is read, and the engine is woken once there is room."""
    monkeypatch.setattr(ordered_output, "MAX_WAITING", 5)
    run = Run([True] * 20, batch=3)
    run.poll()
    assert sorted(run.under_way) == [0, 10, 20, 30, 40]
    for ticket in sorted(run.under_way)[1:]:
        run.end(ticket)
    run.poll()
    assert (run.under_way, run.written.lines, run.woken) == ([0], [], 0)
    run.end(0)
    assert (run.written.lines, run.woken) == ([0, 1, 2, 3, 4], 1)
    run.poll()
    assert len(run.under_way) == 5


def test_a_person_is_told_for_whom_all_wait(monkeypatch):
    """Once for each, and not before some seconds."""
    monkeypatch.setattr(ordered_output, "MAX_WAITING", 3)
    now = [0.0]
    notes: list[str] = []
    run = Run([True] * 9, on_note=notes.append, clock=lambda: now[0])
    run.poll()
    run.feed.target(0)
    for ticket in (10, 20):
        run.end(ticket)
        run.poll()
    for now[0] in (1.0, 9.0, 12.0, 30.0):
        run.sink.write([])
    assert notes == ["--ordered: 2 records wait for http://h0.test/0; no further URL is started until then"]
    run.end(0)
    run.poll()
    for ticket in (40, 50):
        run.end(ticket)
        run.poll()
    for now[0] in (31.0, 42.0):
        run.sink.write([])
    assert notes[1:] == [
        "--ordered: 2 records wait for a URL whose host is paused; no further URL is started until then"
    ]


def test_a_run_that_is_stopped_writes_what_waits():
    """In order, without those that have no outcome."""
    run = Run([True, True, False, True, True])
    run.poll()
    run.end(30)
    run.end(10)
    assert run.written.lines == []
    run.sink.close()
    assert (run.written.lines, run.written.closed) == ([1, 2, 3], True)
    run.feed.close()
