"""Pages that wait for a process: whose turn it is, and when there may be one process more."""

from __future__ import annotations

from scrapepool.extract.waiting_pages import (
    MEAN_WEIGHT,
    MOST_TOGETHER,
    SLOW_AFTER,
    SLOW_FROM,
    TOGETHER_SECONDS,
    WaitingPages,
)


def taken(pages: WaitingPages[str], now: float) -> list[str]:
    """The jobs that begin now, one after another."""
    found = []
    while (job := pages.take(now)) is not None:
        found += job[1]
    return found


def test_hosts_take_turns() -> None:
    """However many pages one has, and whenever they came."""
    pages = WaitingPages[str](1)
    for host, job in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1")):
        pages.put(host, job)
    order = []
    while pages:
        number, jobs = pages.take(0.0) or (0, [])
        order += jobs
        pages.done(number, 0.0)
    assert order == ["a1", "b1", "c1", "a2", "a3"]


def test_no_host_has_more_than_half_of_the_processes_while_others_wait() -> None:
    """One alone has all of them."""
    pages = WaitingPages[str](4)
    for number in range(9):
        pages.put("a", f"a{number}")
    pages.put("b", "b0")
    assert taken(pages, 0.0)[:4] == ["a0", "b0", "a1", "a2"]
    alone = WaitingPages[str](4)
    for number in range(9):
        alone.put("a", f"a{number}")
    assert taken(alone, 0.0) == ["a0", "a1", "a2", "a3"]


def test_a_page_that_takes_long_keeps_its_own_process_only() -> None:
    """Two more may be begun in its place, for others first, and for its own host where no other waits."""
    pages = WaitingPages[str](1)
    for host, job in (("a", "slow"), ("a", "a2"), ("b", "b1")):
        pages.put(host, job)
    number, jobs = pages.take(0.0) or (0, [])
    assert jobs == ["slow"]
    assert pages.allowed(SLOW_AFTER / 2) == 1
    assert (pages.allowed(SLOW_AFTER), pages.very_slow(SLOW_AFTER), pages.blocked(SLOW_AFTER)) == (
        3,
        [(number, False)],
        ["a2"],
    )
    assert taken(pages, SLOW_AFTER) == ["b1", "a2"]
    pages.done(number, SLOW_AFTER)
    assert pages.allowed(SLOW_AFTER) == 1


def test_one_process_is_left_to_hosts_that_may_come() -> None:
    """Where nothing but slow pages of one host is there, these do not take all."""
    pages = WaitingPages[str](1)
    for number in range(9):
        pages.put("a", f"a{number}")
    begun = 0
    for step in range(20):
        begun += len(taken(pages, step * SLOW_AFTER))
    pages.put("b", "b0")
    assert begun + 1 == pages.allowed(20 * SLOW_AFTER)
    assert taken(pages, 20 * SLOW_AFTER) == ["b0"]


def test_what_is_slow_is_measured_by_the_other_pages() -> None:
    """Among quick pages, one is slow early; among those that all take long, on a busy machine too, none is."""
    pages = WaitingPages[str](1)
    for each, slow_after in ((0.001, SLOW_FROM), (0.02, 0.4), (30.0, SLOW_AFTER)):
        for _ in range(8 * MEAN_WEIGHT):
            pages.put("a", "page")
            number, _ = pages.take(0.0) or (0, [])
            pages.done(number, each)
        pages.put("a", "page")
        number, _ = pages.take(0.0) or (0, [])
        assert (pages.allowed(slow_after * 0.9), pages.allowed(slow_after * 1.1)) == (1, 3)
        assert pages.very_slow(SLOW_AFTER * 0.9) == []
        pages.done(number, each)


def quick() -> WaitingPages[str]:
    """For two processes, after many pages that took a millisecond."""
    pages = WaitingPages[str](2)
    for _ in range(8 * MEAN_WEIGHT):
        pages.put("a", "page")
        number, jobs = pages.take(0.0) or (0, [])
        pages.done(number, 0.001 * len(jobs))
    return pages


def test_quick_pages_go_together() -> None:
    """As many as take little time, of hosts in turns; one host alone does not keep the other process from its pages."""
    pages = quick()
    for number in range(3 * MOST_TOGETHER):
        pages.put(number % 4, str(number))
    expected = round(TOGETHER_SECONDS / 0.001)
    first, jobs = pages.take(0.0) or (0, [])
    assert abs(len(jobs) - expected) <= 1
    assert jobs == [str(number) for number in range(len(jobs))]
    assert pages.very_slow(SLOW_AFTER) == [(first, True)]
    pages.done(first, 0.0)
    alone = quick()
    for number in range(2 * MOST_TOGETHER):
        alone.put("a", str(number))
    assert alone.take(0.0) is not None
    assert alone.take(0.0) is not None


def test_what_ended_a_process_and_what_comes_from_a_slow_host_goes_alone() -> None:
    """So it is known which page does it, and no other page waits behind it."""
    pages = quick()
    pages.put("a", "a1")
    slow, _ = pages.take(0.0) or (0, [])
    for host, job, alone in (("b", "b1", False), ("c", "c1", False), ("d", "d1", True), ("a", "a2", False)):
        pages.put(host, job, alone=alone)
    now = SLOW_AFTER / 2
    assert [jobs for _, jobs in (pages.take(now) or (0, []) for _ in range(3))] == [["b1", "c1"], ["d1"], ["a2"]]
    pages.done(slow, now)
    assert not pages
