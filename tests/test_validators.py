"""What a response says about asking for it again, and what a later request may send of it."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.transport.http1.head import values_of
from scrapepool.validators import LONGEST, Known, Validators, validators_of, varying

NOW = 1_800_000_000.0
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nCookie: secret=1\r\n\r\n"


def date(offset: float) -> str:
    return formatdate(NOW + offset, usegmt=True)


def read(fields: dict[str, str] | list[tuple[str, str]], *, redirected: bool = False, delay: float = 0.0) -> Validators:
    pairs = fields.items() if isinstance(fields, dict) else fields
    raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs]
    return validators_of(values_of(raw), REQUEST, redirected=redirected, now=NOW, delay=delay) or Validators()


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, None),
        ({"Cache-Control": "max-age=60"}, 60),
        ({"cache-control": "MAX-AGE=60"}, 60),
        ({"Cache-Control": 'max-age="60"'}, 60),
        ({"Cache-Control": "public, max-age=60, immutable"}, 60),
        ({"Cache-Control": "max-age = 60"}, None),  # no token, and nothing that this would be
        ({"Cache-Control": "private, max-age=60"}, 60),  # a private cache
        ({"Cache-Control": "s-maxage=60"}, None),  # of shared ones
        ({"Cache-Control": "s-maxage=1, max-age=60"}, 60),
        ({"Cache-Control": "max-age=60, max-age=5"}, 60),  # the first counts
        ({"Cache-Control": "max-age=0"}, None),
        ({"Cache-Control": "max-age=-1"}, None),
        ({"Cache-Control": "max-age=1.5"}, None),
        ({"Cache-Control": "max-age=soon"}, None),
        ({"Cache-Control": "max-age"}, None),
        ({"Cache-Control": "max-age=99999999999999999999"}, LONGEST),
        ({"Cache-Control": 'x="max-age=60"'}, None),
        ({"Cache-Control": 'x="a, \\" b", max-age=60'}, 60),
        ({"Cache-Control": "no-cache, max-age=60"}, None),
        ({"Cache-Control": 'no-cache="set-cookie", max-age=60'}, None),
        ({"Cache-Control": "no-store, max-age=60"}, None),
        ({"Cache-Control": "must-revalidate, max-age=60"}, 60),
        ({"Cache-Control": "max-age=60", "Age": "20"}, 40),
        ({"Cache-Control": "max-age=60", "Age": "60"}, None),
        ({"Cache-Control": "max-age=60", "Age": "20, 50"}, 40),
        ({"Cache-Control": "max-age=60", "Age": "rain"}, 60),
        ({"Cache-Control": "max-age=60", "Date": date(-20)}, 40),
        ({"Cache-Control": "max-age=60", "Date": date(20)}, 60),
        ({"Cache-Control": "max-age=60", "Date": date(-20), "Age": "30"}, 30),
        ({"Cache-Control": "max-age=60", "Date": date(-30), "Age": "20"}, 30),
        ({"Expires": date(60)}, 60),
        ({"Expires": date(60), "Date": date(0)}, 60),
        ({"Expires": date(60), "Date": date(-20)}, 60),  # 80 seconds, of which 20 are over
        ({"Expires": date(-60)}, None),
        ({"Expires": "0"}, None),
        ({"Expires": "-1"}, None),
        ({"Expires": "rain"}, None),
        ({"Expires": date(60), "Cache-Control": "max-age=10"}, 10),
        ({"Expires": date(60), "Cache-Control": "max-age=rain"}, None),
        ({"Expires": date(60), "Cache-Control": "s-maxage=1"}, 60),
        ({"Last-Modified": date(-1000), "Date": date(0)}, None),  # no lifetime is guessed
        ({"Pragma": "no-cache", "Cache-Control": "max-age=60"}, 60),
        ({"Cache-Control": "max-age=60", "Vary": "*"}, None),
        ({"Cache-Control": "max-age=60", "Vary": "Accept-Encoding"}, 60),
    ],
)
def test_how_long_a_response_is_fresh(fields: dict[str, str], seconds: float | None) -> None:
    """As RFC 9111 section 4.2 says of a private cache that guesses nothing."""
    assert read(fields).fresh_until == (None if seconds is None else NOW + seconds)


def test_time_on_the_way_is_age() -> None:
    """RFC 9111 section 4.2.3; a redirect that led here has to be asked for in any case."""
    fields = {"Cache-Control": "max-age=60", "Age": "10"}
    assert read(fields, delay=5.0).fresh_until == NOW + 45
    assert read(fields, redirected=True).fresh_until is None


def test_repeated_fields_are_one_list() -> None:
    """RFC 9110 section 5.3."""
    assert read([("Cache-Control", "max-age=60"), ("Cache-Control", "no-cache")]).fresh_until is None
    assert read([("Vary", "b"), ("vary", "A")]).vary == varying("a,b", REQUEST)


@pytest.mark.parametrize(
    ("etag", "kept"),
    [
        ('"x"', True),
        ('W/"x"', True),
        ('""', True),
        ("bare", True),
        ('"\xe9"', True),
        ('"a b"', False),
        ('"a"b"', False),
        ("", False),
        ('"' + "x" * 600 + '"', False),
    ],
)
def test_which_etags_are_kept(etag: str, kept: bool) -> None:
    """Those that can be sent back as they came; servers that write no quotes expect none."""
    assert read({"ETag": etag}).etag == (etag if kept else None)


@pytest.mark.parametrize(
    ("modified", "kept"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", True),
        ("Sunday, 06-Nov-94 08:49:37 GMT", True),
        ("Sun Nov  6 08:49:37 1994", True),
        ("yesterday", False),
        ("0", False),
        ("", False),
    ],
)
def test_which_dates_are_kept(modified: str, kept: bool) -> None:
    """RFC 9110 section 5.6.7: all three forms, and sent back as they came."""
    assert read({"Last-Modified": modified}).last_modified == (modified if kept else None)


def test_a_response_that_says_nothing() -> None:
    """As most do that programs make; a Date alone is nothing."""
    assert validators_of({b"date": date(0).encode()}, REQUEST, redirected=False, now=NOW, delay=0) is None
    assert validators_of({b"cache-control": b"no-store"}, REQUEST, redirected=False, now=NOW, delay=0) is None


def test_vary_is_kept_without_values() -> None:
    """Cookies are secrets; the same request gives the same digest, in whatever order the names come."""
    vary = varying("Cookie, accept-encoding", REQUEST)
    assert vary is not None
    assert vary.startswith("accept-encoding,cookie ")
    assert "secret" not in vary
    assert vary == varying("ACCEPT-ENCODING ,cookie", REQUEST)
    assert vary != varying("Cookie, accept-encoding", REQUEST.replace(b"gzip", b"br"))
    assert varying(" , ", REQUEST) is None


PAGE = {"outcome": "ok", "status": 200, "final_url": "http://a/", "etag": '"x"', "last_modified": date(-9)}
BOTH = [("If-None-Match", '"x"'), ("If-Modified-Since", date(-9))]


@pytest.mark.parametrize(
    ("changed", "url", "method", "request_", "fields"),
    [
        ({}, "http://a/", "GET", REQUEST, BOTH),
        ({}, "http://a/", "HEAD", REQUEST, BOTH),
        ({"outcome": "unchanged", "status": 304}, "http://a/", "GET", REQUEST, BOTH),
        ({"last_modified": None}, "http://a/", "GET", REQUEST, BOTH[:1]),
        ({"etag": None}, "http://a/", "GET", REQUEST, BOTH[1:]),
        ({"etag": None, "last_modified": None}, "http://a/", "GET", REQUEST, []),
        ({}, "http://a/other", "GET", REQUEST, []),
        ({}, "http://a/", "POST", REQUEST, []),
        ({"outcome": "http_error", "status": 404}, "http://a/", "GET", REQUEST, []),
        ({}, "http://a/", "GET", REQUEST.replace(b"Cookie", b"If-None-Match"), []),
        ({}, "http://a/", "GET", REQUEST.replace(b"Cookie", b"RANGE"), []),
        ({}, "http://a/", "GET", REQUEST + b"If-None-Match: in a body\r\n", BOTH),
        ({"vary": varying("cookie", REQUEST)}, "http://a/", "GET", REQUEST, BOTH),
        ({"vary": varying("cookie", REQUEST)}, "http://a/", "GET", REQUEST.replace(b"secret", b"other"), []),
        ({"vary": "* 0"}, "http://a/", "GET", REQUEST, []),
        ({"etag": '"x"\r\nEvil: 1'}, "http://a/", "GET", REQUEST, BOTH[1:]),
        ({"etag": 7, "last_modified": ["x"]}, "http://a/", "GET", REQUEST, []),
        ({"last_modified": "\n" + date(-9)}, "http://a/", "GET", REQUEST, BOTH[:1]),
    ],
)
def test_which_conditions_are_sent(
    changed: dict[str, object], url: str, method: str, request_: bytes, fields: list[tuple[str, str]]
) -> None:
    """RFC 9110 section 13: by the resource, the method and the variant that they came from, and never with others."""
    known = Known.of({**PAGE, **changed})
    assert known.conditions(url, method, request_) == fields


@given(st.text(), st.text(), st.text(), st.binary())
def test_whatever_a_record_says_a_request_stays_one(etag: str, modified: str, vary: str, request_: bytes) -> None:
    """Records are files that somebody may have written into."""
    known = Known.of({**PAGE, "etag": etag, "last_modified": modified, "vary": vary})
    for _, value in known.conditions("http://a/", "GET", request_):
        assert value.encode("latin-1").isascii() or value
        assert not set(value) & set("\r\n\0")


@given(
    st.lists(st.tuples(st.sampled_from([b"Cache-Control", b"Expires", b"Age", b"Date", b"Vary", b"ETag"]), st.binary()))
)
def test_whatever_a_server_says_is_read(fields: list[tuple[bytes, bytes]]) -> None:
    """Without an exception, and no response is fresh for ever."""
    found = validators_of(values_of(fields), REQUEST, redirected=False, now=NOW, delay=0.1)
    assert found is None or found.fresh_until is None or found.fresh_until <= NOW + LONGEST


FRESH = {**PAGE, "fresh_until": "2027-01-15T08:00:10.000Z", "started": "2027-01-15T07:00:00.000Z"}
NOON = 1_800_000_000.0  # 2027-01-15T08:00:00Z


@pytest.mark.parametrize(
    ("changed", "now", "fresh"),
    [
        ({}, NOON, True),
        ({}, NOON + 10, False),
        ({"fresh_until": None}, NOON, False),
        ({"fresh_until": "soon"}, NOON, False),
        ({"fresh_until": "2027-01-15T08:00:10"}, NOON, False),  # of no zone
        ({"fresh_until": 1e99}, NOON, False),
        ({"outcome": "http_error", "status": 404}, NOON, False),
        ({"vary": varying("accept-encoding", REQUEST)}, NOON, True),
        ({"vary": varying("accept-encoding", REQUEST.replace(b"gzip", b"br"))}, NOON, False),
        ({"vary": varying("accept-encoding,cookie", REQUEST)}, NOON, False),
    ],
)
def test_which_pages_are_fresh(changed: dict[str, object], now: float, fresh: bool) -> None:
    """Until the response's own time, and where nothing that it depends on may be another now."""
    assert Known.of({**FRESH, **changed}).is_fresh(now, REQUEST, {"cookie"}) is fresh


@pytest.mark.parametrize(
    ("changed", "now", "younger"),
    [
        ({}, NOON - 1, True),
        ({}, NOON, False),
        ({}, NOON - 7200, False),  # by a clock that was wrong
        ({"started": None}, NOON - 1, False),
        ({"started": "x"}, NOON - 1, False),
        ({"outcome": "http_error", "status": 404}, NOON - 1, False),
    ],
)
def test_which_pages_are_young(changed: dict[str, object], now: float, younger: bool) -> None:
    """An hour here; what is gone or failed is requested again in any case."""
    assert Known.of({**FRESH, **changed}).is_younger(3600, now) is younger
