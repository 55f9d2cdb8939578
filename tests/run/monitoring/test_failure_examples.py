from test_counters import snapshot

from scrapepool.model import ErrorKind, Failed, Fetched, HostKey, Target
from scrapepool.run.monitoring.failure_examples import PER_ERROR, RECENT, ExamplesView, FailureExamples


def failed(number, error=ErrorKind.RESET):
    """An outcome that is no success."""
    target = Target(f"http://h.test/{number}", HostKey("http", "h.test", 80), f"/{number}", None)
    return Failed(target=target, error=error, detail="reset by peer")


def test_the_last_failures_come_first_and_rare_errors_stay():
    """However many others follow, each error keeps its last examples."""
    examples = FailureExamples()
    for number in range(PER_ERROR + 2):
        examples.add(failed(number, ErrorKind.DNS))
    for number in range(2 * RECENT):
        examples.add(failed(number))
    taken = examples.taken()
    assert len(taken) == RECENT + PER_ERROR
    assert (taken[0].url, taken[0].error, taken[0].detail) == (
        f"http://h.test/{2 * RECENT - 1}",
        "reset",
        "reset by peer",
    )
    assert [one.url[-1] for one in taken if one.error == "dns"] == ["6", "5", "4", "3", "2"]


def test_a_view_gets_them_with_each_snapshot():
    """A page without a detail shows its status."""
    seen = []

    class View:
        show = staticmethod(seen.append)

    examples = FailureExamples()
    target = failed(1).target
    examples.add(Fetched(target=target, status=404))
    ExamplesView(View(), examples).show(snapshot({}))
    (example,) = seen[0].examples
    assert (example.error, example.detail, example.host) == ("http_4xx", "404", target.host)
