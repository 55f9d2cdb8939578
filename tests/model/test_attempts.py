"""One attempt at a target."""

from __future__ import annotations

from dataclasses import replace

from scrapepool.model import Attempt, Hop, HostKey, Target

HOST = HostKey("http", "a.test", 80)
TARGET = Target("http://a.test/x", HOST, "/x", 3)


def test_an_attempt_goes_to_where_its_redirects_led() -> None:
    """Before there were any, to the target's own host."""
    attempt = Attempt(TARGET)
    hop = Hop("https://b.test/", HostKey("https", "b.test", 443), "/", "GET", (TARGET.url,), 0.0)
    assert attempt.host == HOST
    assert replace(attempt, hop=hop).host == hop.host


def test_the_end_of_an_attempt_on_another_host_tells_of_its_redirects() -> None:
    """The detail names the host that refused, and the redirects count as an attempt."""
    hop = Hop("https://b.test/", HostKey("https", "b.test", 443), "/", "GET", (TARGET.url,), 0.0, notes=("odd",))
    assert Attempt(TARGET, 2).ended("refused") == {
        "target": TARGET,
        "started": None,
        "waited": 0.0,
        "history": None,
        "attempts": 1,
        "detail": "refused",
    }
    fields = Attempt(TARGET, 2, hop=hop).ended("refused")
    assert (fields["attempts"], fields["detail"]) == (2, "redirected to b.test: refused; odd")
    assert (fields["final_url"], fields["redirects"]) == (hop.url, (TARGET.url,))
