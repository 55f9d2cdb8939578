"""The hosts of a report: what they are called, and what is given up when there are too many."""

from __future__ import annotations

from scrapepool.report.hosts import NO_HOST, HostTable


def test_a_host_is_its_origin() -> None:
    """However a URL spells it."""
    table = HostTable()
    for url in (
        "https://Example.ORG/a",
        "https://example.org",
        "https://example.org:443/b?c/d",
        "https://u:***@example.org/",
    ):
        assert table.origin(url) == "https://example.org", url
    assert table.origin("http://example.org:8080/x") == "http://example.org:8080"
    for url in ("", "rain", "https://", "https://a..b/", "data:" + "x" * 1000):
        assert table.origin(url) == NO_HOST, url


def test_hosts_with_few_records_are_given_up_when_there_are_too_many() -> None:
    """The busiest stay exact, nothing is lost from the totals, and the table knows what may be missing."""
    table = HostTable(most=10)
    for number in range(40):
        for host in ("https://busy.example", f"https://{number}.example", f"https://{number}.example"):
            row = table.of(table.origin(f"{host}/page"))
            row.count += 1
            row.latency.add(0.1 * (number + 1))
    assert len(table.hosts) <= 10
    assert (table.hosts["https://busy.example"].count, table.total) == (40, 41)
    assert table.missing >= 2
    assert table.left_out + sum(row.count for row in table.hosts.values()) == table.latency().count == 120
    assert "busy.example: 40 records" in repr(table.shown(3)[0])


def test_spellings_are_forgotten_when_there_are_too_many() -> None:
    """Memory does not grow with the number of hosts."""
    table = HostTable(most=5)
    assert [table.origin(f"https://{number}.example/") for number in range(30)][-1] == "https://29.example"
    assert len(table._origins) <= 10


def test_hosts_that_fail_or_are_slow_are_shown_beside_the_busiest() -> None:
    """Even if they have few records."""
    table = HostTable()
    for number in range(30):
        row = table.of(f"https://{number:02}.example")
        row.count = 100 - number
        row.latency.add(0.1)
    table.of("https://28.example").failures = 1
    table.of("https://29.example").latency.add(9.0)
    table.of(NO_HOST).count = 1000
    shown = [row.host for row in table.shown(10)]
    assert shown == [
        *(f"https://{number:02}.example" for number in range(8)),
        "https://28.example",
        "https://29.example",
    ]
