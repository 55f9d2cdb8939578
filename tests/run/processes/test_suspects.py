"""What becomes of the leases of a worker process that died."""

from __future__ import annotations

from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, HostKey, Redirected, Target
from scrapepool.ports import Done, Unbegun, Work
from scrapepool.run.processes.suspects import OutWork, Suspects
from scrapepool.schedule.lease import Lease

HOST = HostKey("https", "example.org", 443)
HOW = "was killed by SIGKILL"


def lease(count: int = 3) -> Work:
    attempts = [Attempt(Target(f"https://example.org/{number}", HOST, f"/{number}")) for number in range(count)]
    return Work(Lease(HOST, tuple(range(count))), attempts)


def out(work: Work, *, given: int = 0, begins: int | None = None) -> OutWork:
    found = OutWork(work, len(work.attempts) if begins is None else begins)
    found.given = given
    return found


def test_targets_without_a_result_are_suspects_until_they_have_one() -> None:
    """Those that had one before, or were not to begin, are none."""
    suspects, work = Suspects(), lease(4)
    assert not suspects.are_in(work)
    assert suspects.given_back(out(work, given=1, begins=3), HOW, alone=False) == Done(work, ())
    one = {number: Work(work.lease, [attempt]) for number, attempt in enumerate(work.attempts)}
    assert [suspects.are_in(one[number]) for number in range(4)] == [False, True, True, False]
    assert suspects.are_in(work)
    suspects.note_results([Unbegun(work, 2, [Fetched(target=work.attempts[1].target)])])
    suspects.note_results([Done(work, [Redirected(work.attempts[2], 0.1)])])
    assert not suspects.are_in(work)
    assert repr(suspects) == "<Suspects: 0>"
    suspects.note_results([Done(work, ())])


def test_the_second_process_that_dies_convicts_the_suspect_that_was_out() -> None:
    """It fails as ``internal``, with the reason; it is none any more if it is requested again."""
    suspects, work = Suspects(), lease(1)
    suspects.given_back(out(work), HOW, alone=False)
    done = suspects.given_back(out(work), HOW, alone=True)
    (result,) = done.results
    assert isinstance(result, Failed)
    assert (result.error, result.attempts, result.target) == (ErrorKind.INTERNAL, 1, work.attempts[0].target)
    assert result.detail == "its request ended two worker processes: the last one was killed by SIGKILL"
    assert not suspects.are_in(work)


def test_a_robots_txt_is_known_by_its_host() -> None:
    """A verdict acquits it; the second death makes it unreachable."""
    suspects, work = Suspects(), Work(Lease(HOST, robots=True), [])
    for _ in range(2):
        assert suspects.given_back(out(work), HOW, alone=False) == Done(work, ())
        assert suspects.are_in(Work(Lease(HostKey("https", "example.org", 443), robots=True), []))
        suspects.note_results([Done(work, ())])
        assert not suspects.are_in(work)
    suspects.given_back(out(work), HOW, alone=False)
    done = suspects.given_back(out(work), HOW, alone=True)
    assert done.robots is not None
    assert done.robots.unreachable == "its request ended two worker processes: the last one was killed by SIGKILL"
    assert not suspects.are_in(work)


def test_a_probe_suspects_nobody() -> None:
    """Its target has had its outcome."""
    suspects, work = Suspects(), lease(1)
    probe = Work(Lease(HOST, attempt=work.attempts[0], probe=True), work.attempts)
    assert suspects.given_back(out(probe), HOW, alone=False) == Done(probe, ())
    assert not suspects.are_in(work)
