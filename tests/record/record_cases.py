"""Outcomes to write down: one ordinary success, and hypothesis strategies for all the others."""

from hypothesis import strategies as st

from scrapepool.model import (
    Deferred,
    ErrorKind,
    Failed,
    Fetched,
    HostKey,
    Redirect,
    RowRequest,
    Skipped,
    Target,
    Timings,
    TLSFacts,
    Unchanged,
)

HOST = HostKey("https", "example.org", 443)


def target(url="https://example.org/a", **changes):
    return Target(**{"url": url, "host": HOST, "path": "/a", "line": 7} | changes)


def fetched(url="https://example.org/a", **changes):
    """An ordinary success."""
    fields = {
        "target": target(url),
        "attempts": 1,
        "started": 1_700_000_000.1239,
        "elapsed": 0.0123456789,
        "status": 200,
        "final_url": url,
        "content_type": "text/html; charset=utf-8",
        "charset": "utf-8",
        "bytes": 1024,
        "wire_bytes": 700,
        "sha256": "ab" * 32,
        "reused": True,
        "complete": True,
        "remote": "192.0.2.1",
        "timings": Timings(dns=None, connect=None, tls=None, ttfb=0.01, download=0.0023456789),
    }
    return Fetched(**fields | changes)


TEXT = st.text(st.characters(), max_size=20)
SECONDS = st.floats(0, 1e6)
INSTANTS = st.floats(0, 4e9)
maybe = st.none().__or__

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)

ROW_REQUESTS = st.builds(
    RowRequest,
    method=maybe(st.sampled_from(["GET", "POST", "PURGE"])),
    data=maybe(st.binary(max_size=5)),
    timeout=maybe(SECONDS),
    context=st.none(),
    body_to=st.none(),
)

TARGETS = st.builds(
    Target,
    url=TEXT,
    host=st.just(HOST),
    path=st.just("/"),
    line=maybe(st.integers(1, 2**62)),
    input=maybe(st.dictionaries(TEXT, JSON_VALUES, max_size=3)),
    request=maybe(ROW_REQUESTS),
)

FIELDS = {
    "target": TARGETS,
    "attempts": st.integers(0, 9),
    "started": maybe(INSTANTS),
    "elapsed": SECONDS,
    "waited": SECONDS,
    "status": maybe(st.integers(100, 599)),
    "final_url": maybe(TEXT),
    "redirects": st.lists(TEXT, max_size=3).map(tuple),
    "hops": st.lists(st.builds(Redirect, TEXT, st.integers(300, 399)), max_size=3).map(tuple),
    "detail": maybe(TEXT),
    "content_type": maybe(TEXT),
    "charset": maybe(TEXT),
    "bytes": st.integers(0, 2**62),
    "wire_bytes": st.integers(0, 2**62),
    "sha256": maybe(TEXT),
    "reused": st.booleans(),
    "complete": maybe(st.booleans()),
    "remote": maybe(TEXT),
    "timings": maybe(st.builds(Timings, *[maybe(SECONDS)] * 5)),
    "tls": maybe(st.builds(TLSFacts, st.just("TLSv1.3"), *[maybe(TEXT)] * 3, maybe(INSTANTS))),
    "headers": maybe(st.lists(st.tuples(TEXT, TEXT), max_size=4)),
    "body": maybe(st.binary(max_size=30)),
    "data": maybe(st.fixed_dictionaries({"title": JSON_VALUES, "tags": JSON_VALUES})),
}

OUTCOMES = st.one_of(
    st.builds(Fetched, **FIELDS),
    st.builds(Unchanged, **FIELDS),
    st.builds(Failed, **FIELDS, error=st.sampled_from(ErrorKind)),
    st.builds(Skipped, **FIELDS, error=st.sampled_from(ErrorKind)),
    st.builds(Deferred, **FIELDS, not_before=INSTANTS),
)
