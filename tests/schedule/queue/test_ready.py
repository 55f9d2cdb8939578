"""Which of the hosts that may be requested is next."""

from __future__ import annotations

from array import array

from scrapepool.model import HostKey
from scrapepool.schedule.limits import HostLimits
from scrapepool.schedule.queue.host_queue import HostQueue
from scrapepool.schedule.queue.ready import BUSY, CANDIDATES, COLD, DUE, LAST, WARM, Ready
from scrapepool.schedule.tally import HostTally


def queue_of(name: str) -> HostQueue:
    key = HostKey("http", name, 80)
    return HostQueue(key, HostTally(key), array("Q"), HostLimits(1, 0.0))


def names_from(ready: Ready, bucket: int, count: int) -> list[str]:
    """Take hosts that a bucket leads to."""
    names = []
    for _ in range(count):
        host = ready.first(bucket)
        ready.remove(host)
        names.append(host.key.host)
    return names


def test_hosts_of_a_bucket_take_turns() -> None:
    """The one that came first is first."""
    ready = Ready()
    for name in "cab":
        ready.put(queue_of(name), WARM + 3)
    assert names_from(ready, WARM + 3, 3) == ["c", "a", "b"]
    assert not ready


def test_a_preferred_host_goes_before_longer_ones_of_its_lane() -> None:
    """But not before other lanes: what is due stays first, and a cold host is not begun while there are warm ones."""
    ready = Ready(lambda key: key.host.startswith("light"))
    for name, bucket in (("due", DUE), ("heavy", WARM + 9), ("light", WARM + 2), ("light-cold", COLD + 9)):
        ready.put(queue_of(name), bucket)
    ready.put(queue_of("last"), LAST)
    assert names_from(ready, DUE, 1) == ["due"]
    assert names_from(ready, WARM + 9, 2) == ["light", "heavy"]
    assert names_from(ready, COLD + 9, 1) == ["light-cold"]
    assert names_from(ready, LAST, 1) == ["last"]


def test_no_shorter_host_opens_a_further_connection_because_it_is_preferred() -> None:
    """A busy host gets one if it is the longest of all, and so only another of its length can stand in for it."""
    ready = Ready(lambda key: key.host.startswith("light"))
    for name, bucket in (("heavy", BUSY + 9), ("light-short", BUSY + 2)):
        ready.put(queue_of(name), bucket)
    assert names_from(ready, BUSY + 9, 1) == ["heavy"]
    for name in ("heavy", "light-long"):
        ready.put(queue_of(name), BUSY + 9)
    assert names_from(ready, BUSY + 9, 1) == ["light-long"]


def test_one_is_found_behind_any_number_of_others() -> None:
    """Only so many are looked at in one call, and those go behind the others."""
    ready = Ready(lambda key: key.host == "light")
    for number in range(3 * CANDIDATES):
        ready.put(queue_of(f"heavy{number}"), WARM)
    ready.put(queue_of("light"), WARM)
    assert "light" in names_from(ready, WARM, 5)


def test_without_a_preferred_host_the_longest_goes() -> None:
    """No host waits for a process to have less to do."""
    ready = Ready(lambda _: False)
    for name, bucket in (("short", WARM), ("long", WARM + 9)):
        ready.put(queue_of(name), bucket)
    assert names_from(ready, WARM + 9, 1) == ["long"]
    assert names_from(ready, WARM, 1) == ["short"]
