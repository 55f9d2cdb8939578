import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.model import AttemptRecord, Deferred, ErrorKind, Failed, Skipped, Unchanged, Wait, WaitReason
from scrapepool.record.formats.fields import chosen_fields, instant, joined_headers, known_fields, record, selection
from scrapepool.record.formats.jsonl import encoder
from scrapepool.record_fields import FIELDS
from scrapepool.settings import OutputSettings
from tests.record.record_cases import OUTCOMES, fetched, target

PLAIN = OutputSettings()
EVERYTHING = OutputSettings(headers=True, body=True)


def test_an_ordinary_success():
    """The record of a success has all fields in the documented order, with rounded times."""
    row = record(fetched(), PLAIN)
    assert row == {
        "url": "https://example.org/a",
        "line": 7,
        "outcome": "ok",
        "status": 200,
        "error": None,
        "detail": None,
        "final_url": "https://example.org/a",
        "redirects": [],
        "hops": [],
        "etag": None,
        "last_modified": None,
        "fresh_until": None,
        "vary": None,
        "attempts": 1,
        "started": "2023-11-14T22:13:20.123Z",
        "elapsed": 0.012346,
        "waited": 0.0,
        "content_type": "text/html; charset=utf-8",
        "charset": "utf-8",
        "bytes": 1024,
        "wire_bytes": 700,
        "sha256": "ab" * 32,
        "reused": True,
        "path": None,
        "complete": True,
        "remote": "192.0.2.1",
        "timings": {"dns": None, "connect": None, "tls": None, "ttfb": 0.01, "download": 0.002346},
    }
    assert list(row) == [name for name in FIELDS if name in row]


@pytest.mark.parametrize(
    ("outcome", "word", "error"),
    [
        (fetched(status=399), "ok", None),
        (fetched(status=404), "http_error", "http_4xx"),
        (fetched(status=503), "http_error", "http_5xx"),
        (Unchanged(target=target(), status=304), "unchanged", None),
        (Failed(target=target(), error=ErrorKind.DNS), "failed", "dns"),
        (Skipped(target=target(), error=ErrorKind.ROBOTS), "skipped", "robots"),
        (Deferred(target=target(), status=429, not_before=0.0), "deferred", None),
    ],
)
def test_every_kind_of_outcome_has_its_word(outcome, word, error):
    """The closed union of outcomes maps to the documented words and slugs."""
    row = record(outcome, PLAIN)
    assert (row["outcome"], row["error"]) == (word, error)


def test_only_a_deferral_says_when_to_come_back():
    """not_before is a field of deferrals and of nothing else."""
    deferred = Deferred(target=target(), not_before=1_700_000_600.0)
    assert record(deferred, PLAIN)["not_before"] == "2023-11-14T22:23:20.000Z"
    assert "not_before" not in record(fetched(), PLAIN)


@given(OUTCOMES)
def test_the_order_is_the_same_for_every_outcome(outcome):
    """Whatever an outcome holds, its fields stand in the documented order."""
    row = record(outcome, EVERYTHING)
    assert list(row) == [name for name in FIELDS if name in row]
    assert json.loads(json.dumps(row)) == row


def test_headers_and_body_only_on_request():
    """Headers and text are in the record when the settings ask for them, and null where there was no response."""
    outcome = fetched(headers=[("X-A", "1")], body=b"caf\xc3\xa9")
    assert {"headers", "body"}.isdisjoint(record(outcome, PLAIN))
    row = record(outcome, EVERYTHING)
    assert (row["headers"], row["body"]) == ({"x-a": "1"}, "café")
    failed = record(Failed(target=target(), error=ErrorKind.DNS), EVERYTHING)
    assert (failed["headers"], failed["body"]) == (None, None)


def test_repeated_headers():
    """Repeated fields are joined whatever their case; cookies stay apart, even a single one."""
    assert joined_headers([("Via", "a"), ("Set-Cookie", "x=1, 2"), ("VIA", "b")]) == {
        "via": "a, b",
        "set-cookie": ["x=1, 2"],
    }


def test_input_is_passed_through_where_there_is_one():
    """A row's other columns come out as they went in."""
    assert record(fetched(target=target(input={"id": 3})), PLAIN)["input"] == {"id": 3}
    assert "input" not in record(fetched(), PLAIN)


def test_detail_holds_no_control_characters():
    """What a server put into an error message cannot end the line or reach a terminal."""
    row = record(fetched(detail="bad\r\n\x1b[31m status \u202e"), PLAIN)
    assert row["detail"] == r"bad\r\n\x1b[31m status \u202e"


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_instants_are_rfc_3339(moment):
    """An instant reads back as the moment it was, to the millisecond."""
    written = instant(moment.timestamp())
    assert written.endswith("Z")
    assert len(written) == len("1970-01-01T00:00:00.000Z")
    assert abs(datetime.fromisoformat(written) - moment) <= timedelta(milliseconds=1.1)


@pytest.mark.parametrize("unix", [math.inf, 1e300, -math.inf, -1.0, math.nan])
def test_instants_beyond_the_calendar_are_clamped(unix):
    """A Retry-After of ten billion years does not stop a run."""
    assert instant(unix)[:4] in ("1970", "9999")


def test_fields_select_and_order():
    """With --fields a record has exactly these fields, in this order, null where it has none."""
    select = selection(OutputSettings(fields=("status", "url", "input", "status")))
    assert list(select(fetched()).items()) == [("status", 200), ("url", "https://example.org/a"), ("input", None)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("url", "speed"), "unknown field: speed; choose from url, line, outcome"),
        (("\x1b[31m",), r"unknown field: \x1b\[31m"),
        (("body",), "the field body needs --body"),
        ((), "--fields names no field"),
    ],
)
def test_unknown_fields_are_a_usage_error(fields, message):
    """A field that there is not is refused with the list of those that there are."""
    with pytest.raises(UsageError) as caught:
        chosen_fields(OutputSettings(fields=fields))
    assert message.replace(r"\[", "[") in str(caught.value)


def test_the_method_is_named_where_it_is_not_get():
    """Most records would say the same; --fields names it always."""
    assert "method" not in record(fetched(), OutputSettings())
    assert record(fetched(), OutputSettings(), "HEAD")["method"] == "HEAD"
    assert known_fields(OutputSettings(), "HEAD") == (*known_fields(OutputSettings()), "method")
    chosen = OutputSettings(fields=("url", "method"))
    assert selection(chosen)(fetched()) == {"url": "https://example.org/a", "method": "GET"}
    assert encoder(OutputSettings(), "HEAD")(fetched()).endswith(b',"method":"HEAD"}\n')


def test_data_is_there_where_it_was_asked_for():
    """Every record of a run with --select has the field, null where no page came; others have not."""
    asked = OutputSettings(select=("title=css:title",))
    assert "data" not in record(fetched(), OutputSettings())
    assert record(fetched(), asked)["data"] is None
    assert record(fetched(data={"title": "x"}), asked)["data"] == {"title": "x"}
    assert "data" in known_fields(asked)
    with pytest.raises(UsageError, match="the field data needs --select, --links or --text"):
        chosen_fields(OutputSettings(fields=("data",)))


def test_a_history_is_told_step_by_step():
    """Waits with their reasons, attempts without what they have not; an empty one for what never waited."""
    attempt = AttemptRecord(1, "http://a/", 0.0, 0.25, error=ErrorKind.RESET, detail="reset\x1b", remote="192.0.2.1")
    row = record(fetched(history=(Wait(WaitReason.ROBOTS, 0.0421), attempt)), OutputSettings(history=True))
    assert row["history"] == [
        {"waited": 0.042, "for": "robots"},
        {
            "attempt": 1,
            "url": "http://a/",
            "started": "1970-01-01T00:00:00.000Z",
            "elapsed": 0.25,
            "error": "reset",
            "detail": "reset\\x1b",
            "remote": "192.0.2.1",
            "reused": False,
        },
    ]
    assert record(fetched(), OutputSettings(history=True))["history"] == []
    line = encoder(OutputSettings(history=True))(fetched(history=(Wait(WaitReason.TURN, 1.5),)))
    assert b'"history":[{"waited":1.5,"for":"turn"}]' in line
    with pytest.raises(UsageError, match="needs --verbose"):
        chosen_fields(OutputSettings(fields=("url", "history")))


def test_an_unchanged_page_has_no_size() -> None:
    """A 304 says nothing of the body, so that its record has no bytes and no digest of nothing."""
    row = record(Unchanged(target=target(), status=304), OutputSettings())
    assert (row["bytes"], row["sha256"], row["wire_bytes"]) == (None, None, 0)
