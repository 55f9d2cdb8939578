"""Limits of CPU time, in a process of their own, as they are meant for."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that has the limits at hand, and a function that needs a second of CPU time or a bit more."""
    head = """
        import time
        from scrapepool.extract.cpu_limits import ValueLimit, page_limit
        from scrapepool.extract.extraction import TooSlowError

        def busy(seconds):
            end = time.process_time() + seconds
            while time.process_time() < end:
                pass
            return seconds
    """
    source = textwrap.dedent(head) + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_a_value_that_takes_long_is_given_up() -> None:
    """Others are found, before it and behind it, each with the whole time."""
    ran = run("""
        limit = ValueLimit(0.4)
        print(limit(busy, 0.3), limit(busy, 0.3))
        try:
            limit(busy, 5)
        except TooSlowError as error:
            print(error)
        print(limit(busy, 0.3))
    """)
    assert ran.stdout.splitlines() == ["0.3 0.3", "took longer than 0.4 s of CPU time", "0.3"], ran.stderr


def test_a_signal_that_comes_late_stops_nobody() -> None:
    """The time ran out just as the value was found."""
    ran = run("""
        import signal
        limit = ValueLimit(5)
        limit(busy, 0)
        signal.raise_signal(signal.SIGVTALRM)
        print("alive")
    """)
    assert (ran.stdout, ran.returncode) == ("alive\n", 0), ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "code"), [(0.2, 0), (5, -signal.SIGPROF)])
def test_a_page_that_takes_long_ends_its_process(seconds: float, code: int) -> None:
    """Code that Python cannot stop is ended by the system. What follows a page has no limit."""
    ran = run(f"""
        with page_limit(0.5):
            busy({seconds})
        busy(0.6)
    """)
    assert ran.returncode == code, ran.stderr
