import pytest

from scrapepool.errors import UsageError
from scrapepool.expectation import got, holds, parsed
from scrapepool.model import Fetched, HostKey, Target

TARGET = Target("http://a/x", HostKey("http", "a", 80), "/x")


def response(**fields):
    usual = {
        "status": 200,
        "content_type": "text/html; charset=utf-8",
        "final_url": "http://a/x",
        "body": b"<h1>Hi</h1>",
    }
    return Fetched(target=TARGET, **usual | fields)


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("type:text/html", {}, {"content_type": "application/pdf"}),
        ("type:image/*, TEXT/*", {}, {"content_type": None}),
        ("url:*/X", {}, {"final_url": "http://a/login?next=/x/"}),
        ("url:http://a/*", {"final_url": None}, {"final_url": "http://b/x"}),
        ("status:200-299", {"status": 204}, {"status": 302}),
        ("status:2xx,!204", {}, {"status": 204}),
        ("text:H[ia]", {}, {"body": b"none"}),
        ("text:Hi", {}, {"body": None}),
    ],
)
def test_what_holds(text, yes, no):
    """By media type, final URL, status and text; what came instead is said."""
    expectation = parsed(text)
    assert holds(expectation)(response(**yes))
    assert not holds(expectation)(response(**no))
    assert got(expectation, response(**no))


def test_a_denied_expectation():
    """Is written with ! and shown so."""
    denied = parsed("!text:hot(link)+")
    assert (denied.text, denied.denied, denied.needs_body) == ("!text:hot(link)+", True, True)
    assert got(denied, response()) == "the body has it"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("h1", "'h1': write KIND:VALUE, with a KIND of type, url, status, css, text"),
        ("xpath:h1", "with a KIND of"),
        ("css: ", "there is nothing behind the colon"),
        ("status:rain", "rain is not a status; write a status"),
        ("text:(", "not a regular expression"),
    ],
)
def test_what_cannot_be_meant(text, message):
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        parsed(text)
