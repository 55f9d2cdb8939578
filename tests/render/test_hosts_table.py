import pytest
from render_cases import HOSTILE, row, snapshot

from scrapepool.model import HostKey
from scrapepool.render.hosts_table import hosts_table


def plain(lines):
    """The lines' text."""
    return [line.plain for line in lines]


def test_narrow_tables_keep_what_matters():
    """Columns give way by rank: a narrow table has hosts, what is done and the state."""
    header = plain(hosts_table(snapshot(3), 40, 10))[0]
    assert header.split() == ["host", "done", "errors", "state"]
    assert plain(hosts_table(snapshot(3), 24, 10))[0].split() == ["host", "state"]


def test_no_table_where_no_host_fits():
    """A header without a host tells nothing."""
    assert hosts_table(snapshot(3), 80, 2) == []
    assert hosts_table(snapshot(0), 80, 20) == []
    assert hosts_table(snapshot(1), 80, 2) != []


@pytest.mark.parametrize(
    ("hosts", "count", "height", "shown", "more"),
    [
        (300, 300, 14, 12, "… and 288 more hosts"),
        (13, 13, 14, 13, None),
        (14, 14, 14, 12, "… and 2 more hosts"),
        (3, 10_000, 14, 3, "… and 9,997 more hosts"),
        (13, 14, 14, 12, "… and 2 more hosts"),
        (2, 3, 14, 2, "… and 1 more host"),
    ],
)
def test_hosts_that_do_not_fit_are_counted(hosts, count, height, shown, more):
    """The table is as high as the room allows, and its last line says how many hosts it leaves out."""
    lines = plain(hosts_table(snapshot(hosts, host_count=count), 120, height))
    assert sum(line.startswith("host-") for line in lines) == shown
    assert lines[-1] == more if more else lines[-1].startswith("host-")


def test_hostile_names_are_text():
    """Controls in a host name are spelled out, and markup in it stays text without a style."""
    hostile = row(host=HostKey("https", HOSTILE, 443))
    line = hosts_table(snapshot([hostile]), 200, 5)[1]
    assert line.plain.startswith(r"\x1b]0;owned\x07\x1b[2J\u202e[red]evil\r\n\x9b31m")
    assert "red" not in {str(span.style) for span in line.spans}


def test_long_names_are_cut_in_the_middle():
    """Both ends of a name stay, and the table stays straight."""
    long = row(host=HostKey("https", "a" * 60 + ".example.org", 8443))
    lines = plain(hosts_table(snapshot([row(), long]), 100, 5))
    assert lines[2].startswith("aaaa")
    assert ".org:8443  " in lines[2]
    assert lines[0].index("state") == lines[1].index("ok") == lines[2].index("ok")


@pytest.mark.parametrize(
    ("state", "until", "text"),
    [("waiting", 4.2, "waiting 0:05"), ("parked", 41.0, "parked 0:41"), ("given up", None, "given up")],
)
def test_states_tell_how_long(state, until, text):
    """A host that waits shows how long it still will."""
    assert plain(hosts_table(snapshot([row(state=state, until=until)]), 120, 5))[1].endswith(f"  {text}")


def test_what_robots_and_delays_do_is_shown_where_there_is_any():
    """Two columns in colours of their own; they stay where no host has anything to put there."""
    polite = [row(robots="ok"), row(robots="disallow 3", delay=2.0), row(robots="unreachable")]
    header, first, second, third = hosts_table(snapshot(polite), 130, 9)
    assert "  delay  robots       errors  state" in header.plain
    assert "  2.0 s  disallow 3        ·  ok" in second.plain
    assert len({line.plain.rindex("ok") for line in (first, second, third)}) == 1
    style = {line.plain[span.start : span.end]: str(span.style) for line in (second, third) for span in line.spans}
    assert (style["disallow 3"], style["unreachable"]) == ("yellow", "red")
    assert hosts_table(snapshot(3), 130, 9)[0].plain.split() == header.plain.split()


def test_errors_of_a_host_stand_out():
    """A host with errors has their number in red."""
    line = hosts_table(snapshot([row(errors=12)]), 120, 5)[1]
    assert [str(span.style) for span in line.spans if line.plain[span.start : span.end].strip() == "12"] == ["red"]


def test_the_cursor_is_always_visible():
    """The table scrolls with the chosen host, which is drawn in reverse."""
    seen = snapshot(100)
    for number in (0, 50, 99):
        chosen = HostKey("https", f"host-{number}.example.org", 443)
        lines = hosts_table(seen, 80, 12, chosen=chosen)
        (marked,) = [line for line in lines if any(span.style == "reverse" for span in line.spans)]
        assert marked.plain.startswith(f"host-{number}.example.org")
        assert len(lines) == 12
