"""When a host counts as down, and when it is given up."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import ErrorKind, Failed, Fetched, HostKey, Target
from scrapepool.schedule.health.circuit_breaker import UNKNOWN_HOST_PROBING, Cause, CircuitBreaker, Verdict, cause_of

TARGET = Target("http://h.test/", HostKey("http", "h.test", 80), "/")


def probes_of(probing):
    breaker, now, probes = CircuitBreaker(10), 0.0, []
    for _ in range(10):
        now += 0.1
        breaker.note(Cause.REFUSED, "refused", "/")
        assert breaker.on_failure(now - 0.05, now, probing=probing) is Verdict.COUNTED
    verdict = Verdict.PROBED
    while verdict is not Verdict.GIVEN_UP:
        started = now = breaker.probe_at
        probes.append(round(now - 1.0, 1))
        now += 0.05
        verdict = breaker.on_failure(started, now, probing=probing)
    return probes


def test_a_host_that_never_answered_is_given_up_after_a_few_probes():
    """Ten failures and four probes, whatever number of targets it has."""
    probes = probes_of(UNKNOWN_HOST_PROBING)
    assert len(probes) == 4
    assert probes[0] == 1.0
    assert UNKNOWN_HOST_PROBING - 0.1 <= probes[-1] + 1 <= UNKNOWN_HOST_PROBING + 1.1


def test_a_host_that_had_answered_is_probed_for_five_minutes():
    """The pauses grow to a minute, and the last probe comes when the probing ends."""
    probes = probes_of(300.0)
    assert len(probes) == 10
    assert max(late - early for early, late in pairwise(probes)) <= 60.1
    assert 298.9 <= probes[-1] < 301


@given(st.lists(st.booleans(), max_size=60))
def test_only_failures_in_a_row_open_it(answers):
    """One answer in between starts the count anew."""
    breaker, row = CircuitBreaker(10), 0
    for number, answered in enumerate(answers):
        if answered:
            breaker.on_response()
            row = 0
        elif breaker.opened is None:
            breaker.note(Cause.TIMEOUT, "late", f"/{number}")
            breaker.on_failure(number, number + 0.5, probing=300)
            row += 1
        assert (breaker.opened is not None) == (row >= 10)


def test_what_was_on_its_way_is_no_probe():
    """Failures of requests that were started before the circuit opened change nothing."""
    breaker = CircuitBreaker(1)
    breaker.note(Cause.DNS, "no such name", "http://h.test/a")
    breaker.on_failure(0.0, 1.0, probing=15)
    before = breaker.probe_at
    assert breaker.on_failure(0.5, 20.0, probing=15) is Verdict.COUNTED
    assert (breaker.probe_at, breaker.failed_in_row) == (before, 1)
    assert breaker.why() == "1 failures in a row (http://h.test/a), the first: no such name"


def test_the_pages_that_failed_are_named():
    """The first few of them, each once."""
    breaker = CircuitBreaker(10)
    for number in (1, 1, 2, 3, 4):
        breaker.note(Cause.SERVER, "status 500", f"/{number}")
    assert breaker.why() == "5 failures in a row (/1, /2, /3), the first: status 500"


def test_causes_go_by_what_a_host_can_be_blamed_for():
    """A missing page is an answer, a body that cannot be decoded is not the host's being down."""
    assert cause_of(Fetched(target=TARGET, status=404)) is None
    assert cause_of(Fetched(target=TARGET, status=502)) is Cause.SERVER
    assert cause_of(Fetched(target=TARGET, status=429)) is Cause.THROTTLED
    assert cause_of(Failed(target=TARGET, error=ErrorKind.DECODE)) is None
    assert cause_of(Failed(target=TARGET, error=ErrorKind.DEADLINE)) is Cause.TIMEOUT
