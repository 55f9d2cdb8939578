"""What means trouble: expressions about the figures of a run."""

from __future__ import annotations

from math import inf, isclose

import pytest

from scrapepool.errors import UsageError
from scrapepool.fail_conditions import COUNTS, TIMES, Check, Figures, is_certain, judged, parsed


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("failed>5%", ("failed", ">", 0.05, True)),
        (" http_5xx >= 100 ", ("http_5xx", ">=", 100.0, False)),
        ("status_404!=0", ("status_404", "!=", 0.0, False)),
        ("ok<99.5 %", ("ok", "<", 0.995, True)),
        ("p95>1500ms", ("p95", ">", 1.5, False)),
        ("seconds>=2h", ("seconds", ">=", 7200.0, False)),
        ("seconds>=2d", ("seconds", ">=", 172_800.0, False)),
        ("p50<=.5", ("p50", "<=", 0.5, False)),
        ("timeout=0", ("timeout", "=", 0.0, False)),
    ],
)
def test_expressions(text: str, check: tuple[str, str, float, bool]) -> None:
    """Spaces mean nothing; a percentage is a share, and a duration is one of seconds."""
    found = parsed(text)
    assert (found.name, found.operator, found.share) == (check[0], check[1], check[3])
    assert isclose(found.limit, check[2])
    assert found.text == text.strip()


@pytest.mark.parametrize("name", [*COUNTS, *TIMES])
def test_every_name_can_be_asked_for(name: str) -> None:
    """Outcomes, errors, groups and changes among them."""
    assert parsed(f"{name}>0").name == name


@pytest.mark.parametrize(
    ("text", "reason", "at"),
    [
        ("", "the name of a figure is missing here", 0),
        ("5%<failed", "the name of a figure is missing here", 0),
        ("faild>5%", "unknown figure faild; did you mean failed", 0),
        ("rain>5%", "unknown figure rain; docs/again.md lists all names", 0),
        ("status_700>1", "unknown figure status_700", 0),
        ("failed", "one of > >= < <= = != is missing here", 6),
        ("failed => 5", "a number is missing here", 8),
        ("failed >", "a number is missing here", 8),
        ("failed>five", "a number is missing here", 7),
        ("failed>5s", "s is not a unit of failed; write %, or nothing", 8),
        ("p95>5%", "p95 is a duration, not a share", 5),
        ("p95>5 days", "days is not a unit of p95; write ms, s, m, h, d or w", 6),
        ("failed>5% or ok<1", "unexpected text after the expression", 10),
        ("failed>1.2.3", "unexpected text after the expression", 10),
    ],
)
def test_what_cannot_be_meant_is_pointed_at(text: str, reason: str, at: int) -> None:
    """The last line has a mark under the place."""
    with pytest.raises(UsageError) as caught:
        parsed(text)
    first, *rest = str(caught.value).split("\n")
    assert first.startswith(reason)
    assert rest == [f"  {text}", f"  {' ' * at}^"]


def test_a_long_expression_with_control_characters_is_not_repeated() -> None:
    """Nothing of it reaches a terminal."""
    for text in ("x\x1b[31m", "y" * 100):
        with pytest.raises(UsageError) as caught:
            parsed(text)
        assert "\n" not in str(caught.value)
        assert "\x1b" not in str(caught.value)


FIGURES = Figures({"failed": 12, "ok": 988, "hosts_down": 1}, {"p95": 2.0, "p50": None}, targets=1000, hosts=4)


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("failed>1%", 0.012, True),
        ("failed>1.2%", 0.012, False),
        ("failed>=12", 12, True),
        ("failed==12", 12, True),
        ("failed!=12", 12, False),
        ("dns>0", 0, False),
        ("hosts_down>=25%", 0.25, True),
        ("p95>1s", 2.0, True),
        ("p50>0s", None, False),
        ("p50<100s", None, False),
        ("p99<100s", None, False),
    ],
)
def test_verdicts(text: str, value: float | None, holds: bool) -> None:
    """A figure that is not there is 0, and a time that is unknown fails no run."""
    verdict = judged(parsed(text), FIGURES)
    assert (verdict.value, verdict.holds) == (value, holds)


def test_a_share_of_nothing_is_none() -> None:
    """A run over no targets divides by nothing."""
    assert not judged(parsed("failed>0%"), Figures()).holds
    assert judged(parsed("ok<1%"), Figures()).holds


@pytest.mark.parametrize(
    ("text", "targets", "left", "certain"),
    [
        ("failed>=12", 100, inf, True),
        ("failed>=13", 100, 10, False),
        ("failed>10%", 100, 10, True),
        ("failed>10%", 100, 20, False),  # 12 of 120 may be all
        ("failed>10%", 100, inf, False),
        ("failed<30%", 100, 10, True),  # 22 of 110 at most
        ("failed<20%", 100, 10, False),
        ("failed<20%", 100, 0, True),
        ("failed<20", 100, 5, True),
        ("failed<20", 100, inf, False),
        ("failed==12", 100, 0, False),
        ("p95>1s", 100, 0, False),
        ("retries>=0", 100, 0, False),
    ],
)
def test_what_is_certain_before_the_end(text: str, targets: int, left: float, certain: bool) -> None:
    """A count can only grow, and by no more than what is left."""
    assert is_certain(parsed(text), Figures({"failed": 12}, targets=targets, left=left)) is certain


def test_what_is_certain_holds_at_every_end() -> None:
    """Whatever becomes of what is left: checked over all ends of small runs."""
    for done in range(6):
        for failed in range(done + 1):
            for left in range(5):
                for name in ("failed>{}", "failed>={}", "failed<{}", "failed<={}"):
                    for limit in ("2", "40%"):
                        check: Check = parsed(name.format(limit))
                        if is_certain(check, Figures({"failed": failed}, targets=done, left=left)):
                            ends = [Figures({"failed": failed + more}, targets=done + left) for more in range(left + 1)]
                            assert all(judged(check, end).holds for end in ends), (check, failed, done, left)
