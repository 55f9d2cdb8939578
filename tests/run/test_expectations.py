import pytest

from scrapepool.errors import SettingsError
from scrapepool.expectation import parsed
from scrapepool.model import Fetched, HostKey, Target
from scrapepool.run.expectations import unexpected_of

TARGET = Target("http://a/x", HostKey("http", "a", 80), "/x")


def response(**fields):
    return Fetched(target=TARGET, status=200, **{"content_type": "text/html", "body": b"<h1>Hi</h1>"} | fields)


def test_the_first_that_fails_is_the_reason():
    """And a HEAD request is not held to what is in a body."""
    unexpected = unexpected_of([parsed("css:h1"), parsed("!css:form"), parsed("type:text/*")])
    assert unexpected(response(), "GET") is None
    assert unexpected(response(body=b"<p>"), "GET") == "expected css:h1; the body lacks it"
    assert unexpected(response(body=b"<h1><form>"), "GET") == "expected !css:form; the body has it"
    assert unexpected(response(content_type="image/png", body=None), "HEAD") == "expected type:text/*; it is image/png"
    assert unexpected(response(content_type="image/png"), "GET") == "expected css:h1; the body lacks it"
    assert unexpected_of([]) is None


def test_a_selector_that_is_none():
    with pytest.raises(SettingsError, match="not a CSS selector"):
        unexpected_of([parsed("css:h1[")])
