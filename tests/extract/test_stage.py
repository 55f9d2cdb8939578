"""Pages in processes of their own: nothing is lost, whatever a page or the system does to a process."""

from __future__ import annotations

import errno
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from scrapepool import worker_process
from scrapepool.errors import ExtractionError, UsageError
from scrapepool.extract import stage, waiting_pages, workers
from scrapepool.extract.cpu_limits import Limits
from scrapepool.extract.extraction import Extracted, Page
from scrapepool.extract.extractor import Extractor
from scrapepool.extract.stage import extracted, processes
from scrapepool.extract.workers import Workers
from scrapepool.model import ErrorKind, Failed, Fetched, HostKey, Outcome, Target
from scrapepool.settings import OutputSettings

HOST = HostKey("http", "a.example", 80)
TITLES = OutputSettings(select=("title=css:title", "n=re:n=(.*)"), extract_workers=2)
ENDLESS = "<div>" * 100_000
"""Half a minute's work for any parser that keeps to the HTML standard's scopes."""

TIMEOUT = 60.0


def fetched(number: int, body: str | None = None, **changes: object) -> Fetched:
    url = f"http://a.example/{number}"
    page = f"<title>{number}</title>n={number}" if body is None else body
    fields = {"status": 200, "final_url": url, "content_type": "text/html", "body": page.encode(), **changes}
    return Fetched(target=Target(url, HOST, f"/{number}"), **fields)


def page(body: str) -> Page:
    return Page(body.encode(), "text/html", None, "http://a.example/")


def all_of(outcomes: Sequence[Outcome], settings: OutputSettings) -> dict[str, Outcome]:
    return {one.target.url: one for ready in extracted([outcomes], settings) for one in ready}


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_outcome_comes_back_with_its_own_data(number: int) -> None:
    """In this process or in others, each page gives its own values, once, and its body goes."""
    settings = OutputSettings(select=TITLES.select, extract_workers=number)
    batches = [[fetched(at * 10 + place) for place in range(10)] for at in range(10)]
    found = [one for ready in extracted(batches, settings) for one in ready]
    assert len(found) == 100
    for one in found:
        number = one.target.path.removeprefix("/")
        assert one.data == {"title": number, "n": number}
        assert one.body is None
        assert one.detail is None


def test_outputs_are_called_while_nothing_ends() -> None:
    """An engine that gives nothing for a while gives it through: a table may have a batch to commit by then."""
    assert list(extracted([[], []], TITLES)) == [[], []]


def test_a_body_that_an_output_wants_stays() -> None:
    """With --body the text is in the record as well."""
    settings = OutputSettings(select=TITLES.select, body=True, extract_workers=0)
    assert all_of([fetched(1)], settings)["http://a.example/1"].body == b"<title>1</title>n=1"


@pytest.mark.parametrize("number", [0, 1])
def test_what_has_no_page_passes(number: int) -> None:
    """Failures have no data; an empty page has nulls, and nothing to say of them; an older detail is kept."""
    failed = Failed(target=Target("http://a.example/0", HOST, "/0"), error=ErrorKind.DNS)
    settings = OutputSettings(select=("a=css:a", "j=json:a"), extract_workers=number)
    found = all_of([failed, fetched(1, ""), fetched(2, "x", detail="odd header")], settings)
    assert [one.data for one in found.values()] == [None, {"a": None, "j": None}, {"a": None, "j": None}]
    details = [found[f"http://a.example/{number}"].detail for number in range(3)]
    assert details == [None, None, "odd header; j: not JSON: Expecting value: line 1 column 1 (char 0)"]


def test_slow_pages_cost_themselves() -> None:
    """A page whose extraction cannot be stopped, and a pattern that backtracks for ever, are reported."""
    settings = OutputSettings(select=("title=css:title", "r=re:(x+)+$"))
    pool = Workers(settings, 1, lost=Extractor(settings).nothing, limits=Limits(value=0.2, page=0.6))
    try:
        for number, body in enumerate((ENDLESS, f"<title>t</title>{'x' * 50}y", "<title>t</title>xx")):
            pool.submit([(fetched(number), page(body))])
        found = [pool.result(TIMEOUT)[1] for _ in range(3)]
    finally:
        pool.close()
    assert found == [
        Extracted({"title": None, "r": None}, "title, r: took longer than 0.6 s of CPU time"),
        Extracted({"title": "t", "r": None}, "r: took longer than 0.2 s of CPU time"),
        Extracted({"title": "t", "r": "xx"}),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("hosts", "most"), [(1, 2), (6, 1)], ids=["one host", "six hosts"])
def test_slow_pages_hold_up_no_others(monkeypatch: pytest.MonkeyPatch, most: int, hosts: int) -> None:
    """Pages of other hosts that came after them are read while the slow ones go on, be these of one host or of many."""
    monkeypatch.setattr(waiting_pages, "SLOW_AFTER", 0.1)
    slow, good = 2 * most + 1, 60
    pool = Workers(TITLES, most, lost=Extractor(TITLES).nothing, limits=Limits(value=20.0, page=0.4))
    try:
        for number in range(slow + good):
            host = HostKey("http", f"h{number % hosts if number < slow else 6 + number % 20}.example", 80)
            outcome = fetched(number)
            outcome = replace(outcome, target=replace(outcome.target, host=host))
            pool.submit([(outcome, page(ENDLESS if number < slow else "x"))])
        order = []
        while len(order) < slow + good:
            with suppress(queue.Empty):
                order.append(int(pool.result(0.02)[0].target.path.removeprefix("/")))
    finally:
        pool.close()
    assert sorted(order) == list(range(slow + good))
    assert sorted(order[:good]) == list(range(slow, slow + good))


def children() -> list[int]:
    """The processes that any thread of this one has started and that still live."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread may end meanwhile
            found += map(int, (task / "children").read_text().split())
    return found


@pytest.fixture
def earlier() -> set[int]:
    """The processes that tests before this one have left, such as Python's own tracker of shared resources."""
    return set(children())


def await_no_children(earlier: set[int]) -> None:
    """See that every process ends: one that was killed may take the system a while on a busy machine."""
    end = time.monotonic() + TIMEOUT / 2
    while left := set(children()) - earlier:
        assert time.monotonic() < end, left
        time.sleep(0.01)


def test_a_process_that_is_killed_costs_one_page(earlier: set[int]) -> None:
    """Whoever kills an extraction process takes the page that it was at, and no other."""
    pool = Workers(TITLES, 1, lost=Extractor(TITLES).nothing)
    try:
        pool.submit([(fetched(1), page("<title>1</title>n=1"))])
        assert pool.result(TIMEOUT)[1].data == {"title": "1", "n": "1"}
        (child,) = set(children()) - earlier
        pool.submit([(fetched(2), page(ENDLESS))])
        time.sleep(0.1)
        os.kill(child, signal.SIGKILL)
        lost = {"title": None, "n": None}
        why = "title, n: the process that read it ended (killed by SIGKILL)"
        assert pool.result(TIMEOUT)[1] == Extracted(lost, why)
        pool.submit([(fetched(3), page("<title>3</title>n=3"))])
        assert pool.result(TIMEOUT)[1].data == {"title": "3", "n": "3"}
    finally:
        pool.close()
    await_no_children(earlier)


def test_a_run_that_is_left_leaves_no_process(earlier: set[int]) -> None:
    """Whoever stops iterating ends the processes, busy ones too, at once."""
    taken = extracted(
        [[fetched(1)], [fetched(2, ENDLESS), fetched(3, ENDLESS)], [fetched(number) for number in range(4, 13)]], TITLES
    )
    next(ready for ready in taken if ready)
    taken.close()
    await_no_children(earlier)


@pytest.mark.slow
def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """While too much is out, nothing more is taken from the engine."""
    monkeypatch.setattr(stage, "MOST_PAGES", 2)
    begun = 0
    most = 0

    def engine() -> Iterator[Sequence[Outcome]]:
        nonlocal begun
        for number in range(20):
            begun += 1
            yield [fetched(number)]

    settings = OutputSettings(select=TITLES.select, extract_workers=1)
    for done, _ in enumerate(one for ready in extracted(engine(), settings) for one in ready):
        most = max(most, begun - done)
    assert begun == 20
    assert most <= 5  # two with the process, one that is taken, two that are given


def test_a_stop_leaves_what_is_not_read() -> None:
    """When a run stops, pages that are still being read have no record, and a message says so."""
    notes: list[str] = []
    left: list[Outcome] = []
    pages = [fetched(1, ENDLESS), fetched(2, ENDLESS)]
    stopped = extracted([pages], TITLES, should_stop=lambda: True, on_note=notes.append, on_left=left.extend)
    assert [one for ready in stopped for one in ready] == []
    assert left == pages
    assert notes == ["pages left without fields and without a record: 2; --resume fetches them again"]


def test_no_process_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that starts no process ends the run with the reason, rather than with records that lack their data."""
    monkeypatch.setattr(worker_process.sys, "executable", "/nonexistent")
    monkeypatch.setattr(workers, "START_DELAYS", (0.0, 0.0))
    with pytest.raises(ExtractionError, match="No such file or directory; with 0 extract workers, none is needed"):
        all_of([fetched(1)], TITLES)


@pytest.mark.slow
@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), BrokenPipeError(), EOFError()])
def test_a_pipe_that_fails_costs_one_page(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The next page has a new process."""
    extract = workers.Process.extract

    def fail_once(process: workers.Process, pages: Sequence[Page]) -> list[Extracted]:
        if any(page.url.endswith("/3") for page in pages):
            raise error
        return extract(process, pages)

    monkeypatch.setattr(workers.Process, "extract", fail_once)
    found = all_of([fetched(number) for number in range(6)], TITLES)
    assert len(found) == 6
    failed = [
        url for url, outcome in found.items() if isinstance(outcome, Fetched) and (outcome.data or {})["n"] is None
    ]
    assert failed == ["http://a.example/3"]


@pytest.mark.slow
@pytest.mark.parametrize("error", [MemoryError("no memory"), ValueError("what came is no answer")])
def test_whatever_else_goes_wrong_in_a_thread_ends_the_run(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """It is raised where outcomes are asked for; nobody waits for a page that will not come."""

    def fail(process: workers.Process, pages: Sequence[Page]) -> list[Extracted]:
        raise error

    monkeypatch.setattr(workers.Process, "extract", fail)
    with pytest.raises(type(error), match=str(error)):
        all_of([fetched(number) for number in range(6)], TITLES)


def test_wrong_selectors_begin_nothing() -> None:
    """A selector that does not compile is reported before a single outcome is requested."""
    with pytest.raises(UsageError):
        next(extracted(iter(()), OutputSettings(select=("x=css:[",))))


def test_the_default_is_a_process_a_core() -> None:
    """Of the cores that this process may use, and no more than a run can feed."""
    assert processes() == min(8, len(os.sched_getaffinity(0)))


def test_a_process_that_dies_while_it_starts_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was with it yet, so nothing is lost."""
    program, pauses = worker_process._PROGRAM, []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        monkeypatch.setattr(worker_process, "_PROGRAM", program if seconds else "import os; os.kill(os.getpid(), 9)")

    monkeypatch.setattr(workers, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    assert all_of([fetched(1)], TITLES)["http://a.example/1"].data == {"title": "1", "n": "1"}
    assert pauses == list(workers.START_DELAYS[:2])


def test_where_a_further_process_does_not_start_the_others_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run ends for want of a process only where it has none."""
    begun, served, only = threading.Event(), threading.Event(), workers.Process

    class Only(only):  # type: ignore[valid-type, misc]
        def __init__(self, settings: OutputSettings, limits: Limits) -> None:
            if begun.is_set():
                served.wait(TIMEOUT)
                raise ChildProcessError(errno.ECHILD, "killed by SIGKILL")
            begun.set()
            super().__init__(settings, limits)

        def extract(self, page: Page) -> Extracted:
            served.set()
            return super().extract(page)

    monkeypatch.setattr(workers, "Process", Only)
    monkeypatch.setattr(waiting_pages, "SLOW_AFTER", TIMEOUT)
    monkeypatch.setattr(workers, "START_DELAYS", (0.0,))
    found = all_of([fetched(number) for number in range(40)], TITLES)
    assert {url: outcome.data["n"] for url, outcome in found.items()} == {
        f"http://a.example/{number}": str(number) for number in range(40)
    }


def test_no_thread_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system gives one thread and no more, that one does the work; where it gives none, the run ends."""
    begin, allowed = threading.Thread.start, [True]

    def start(thread: threading.Thread) -> None:
        if not (allowed and allowed.pop()):
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert len(all_of([fetched(number) for number in range(9)], TITLES)) == 9
    with pytest.raises(ExtractionError, match="can't start new thread; with 0 extract workers, none is needed"):
        all_of([fetched(1)], TITLES)


def test_a_process_that_never_starts_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """How it ended is in the message."""
    monkeypatch.setattr(worker_process, "_PROGRAM", "raise SystemExit(3)")
    monkeypatch.setattr(workers, "START_DELAYS", (0.0, 0.0))
    with pytest.raises(ExtractionError, match="to extract values: exit code 3; "):
        all_of([fetched(1)], TITLES)


@pytest.mark.parametrize("limit", [0.3, 60.0], ids=["the limit ends it", "it takes long"])
def test_a_page_that_came_with_others_costs_itself(monkeypatch: pytest.MonkeyPatch, limit: float) -> None:
    """They are read again, without waiting for it; it is lost if it reaches the limit."""
    monkeypatch.setattr(waiting_pages, "TOGETHER_SECONDS", 100.0)
    monkeypatch.setattr(waiting_pages, "SLOW_AFTER", 0.2)
    pool = Workers(TITLES, 1, lost=Extractor(TITLES).nothing, limits=Limits(value=60.0, page=limit))
    found: dict[str, Extracted] = {}
    end = time.monotonic() + TIMEOUT
    try:
        pool.submit([(fetched(number), page(ENDLESS if number == 2 else "<title>t</title>")) for number in range(6)])
        while len(found) < (6 if limit < 1 else 5) and time.monotonic() < end:
            with suppress(queue.Empty):
                outcome, values = pool.result(0.05)
                found[outcome.target.path] = values
    finally:
        pool.close()
    lost = found.pop("/2", None)
    assert sorted(found) == ["/0", "/1", "/3", "/4", "/5"]
    assert all(values.data["title"] == "t" for values in found.values())
    assert lost is None if limit > 1 else lost is not None and "CPU time" in (lost.detail or "")
