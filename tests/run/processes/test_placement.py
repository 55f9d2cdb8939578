"""Which worker process requests a host."""

from __future__ import annotations

from scrapepool.model import HostKey
from scrapepool.run.processes.placement import MAX_PLACED, Placement


def host(number: int) -> HostKey:
    return HostKey("https", f"h{number}.example", 443)


def test_hosts_go_to_the_process_with_the_least_in_flight_and_stay_there() -> None:
    """Equally many with equal loads; a busy process gets no new host."""
    placement = Placement(by_site=False)
    placed = [placement.place(host(number), [0, 0]) for number in range(10)]
    assert sorted(placed) == [0] * 5 + [1] * 5
    assert placement.place(host(10), [3, 2]) == 1
    assert [placement.place(host(number), [9, 0]) for number in range(10)] == placed
    placement.clear()
    assert placement.place(host(3), [1, 0]) == 1


def test_the_host_that_was_requested_longest_ago_is_forgotten_first() -> None:
    """So memory is bounded, and hosts with connections stay where they are."""
    placement = Placement(by_site=False)
    for number in range(MAX_PLACED + 1):
        placement.place(host(number), [0, 1])
        placement.place(host(0), [1, 0])
    assert placement.place(host(0), [1, 0]) == 0
    assert placement.place(host(1), [1, 0]) == 1
    assert "65536" in repr(placement)


def test_with_shared_cookies_a_site_has_one_process_whatever_the_loads() -> None:
    """Its hosts see each other's cookies."""
    placement = Placement(by_site=True)
    names = ("example.org", "www.example.org", "api.example.org")
    assert len({placement.place(HostKey("https", name, 443), [0, 5, 9]) for name in names}) == 1
    assert {placement.place(HostKey("http", f"127.0.0.{number}", 80), [0, 0, 0]) for number in range(50)} == {0, 1, 2}


def test_where_a_host_is_can_be_asked_without_placing_it() -> None:
    """None while it has no process; a site always has one."""
    placement = Placement(by_site=False)
    assert placement.number_of(host(0), 2) is None
    assert placement.place(host(0), [1, 0]) == 1
    assert placement.number_of(host(0), 2) == 1
    by_site = Placement(by_site=True)
    assert by_site.number_of(host(0), 3) == by_site.place(host(0), [5, 0, 9])
