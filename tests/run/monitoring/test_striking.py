from scrapepool.model import Failed, Fetched, HostKey, Target
from scrapepool.model.error_kind import ErrorKind
from scrapepool.run.monitoring.striking import MAX_ENDS, Striking

TARGET = Target("http://a/x", HostKey("http", "a", 80), "/x")


def pages(number, **fields):
    return [Fetched(target=TARGET, status=200, final_url="http://a/x", **fields)] * number


def led_to(url, number=1):
    return [Fetched(target=TARGET, status=200, final_url=url, redirects=("http://a/x",))] * number


def notes(*batches):
    striking = Striking()
    for batch in batches:
        striking.take(batch)
    return list(striking.notes())


def test_fields_that_no_page_has():
    """Null, an empty list and an empty text are nothing; one page in a hundred is still striking, ten pages are few."""
    empty = pages(300, data={"price": None, "tags[]": [], "title": "a"})
    assert notes(empty) == ["price: found in 0 of 300 pages", "tags[]: found in 0 of 300 pages"]
    assert notes(pages(99, data={"price": ""}), pages(1, data={"price": 3})) == ["price: found in 1 of 100 pages"]
    assert notes(pages(98, data={"price": None}), pages(2, data={"price": 3})) == []
    assert notes(pages(9, data={"price": None})) == []


def test_redirects_to_one_url():
    """Whatever its query is; half of the pages have to end there, and by redirects."""
    assert notes(led_to("http://a/login?next=1", 6), led_to("http://a/login?next=2", 4)) == [
        "10 of 10 ended at http://a/login"
    ]
    assert notes(led_to("http://a/login", 5), pages(5)) == ["5 of 10 ended at http://a/login"]
    assert notes(led_to("http://a/login", 4), pages(6)) == []
    assert notes(pages(20)) == []


def test_what_does_not_count():
    """Failures, and final URLs after so many others."""
    failed = [Failed(target=TARGET, error=ErrorKind.DNS)] * 90
    assert notes(led_to("http://a/login", 10), failed) == ["10 of 10 ended at http://a/login"]
    others = [outcome for number in range(MAX_ENDS) for outcome in led_to(f"http://a/{number}")]
    assert notes(others, led_to("http://a/login", MAX_ENDS)) == []
