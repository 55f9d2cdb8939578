import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.model import ErrorKind, Failed, Timings
from scrapepool.record.formats.text_template import template_serializer
from scrapepool.record_fields import FIELDS, TIMINGS
from scrapepool.settings import OutputSettings
from tests.record.record_cases import OUTCOMES, fetched, target


def spelled(template, outcome=None, **output):
    """What a template makes of an outcome."""
    return template_serializer(OutputSettings(template=template, **output)).encode(outcome or fetched()).decode()


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (r"{status} {elapsed:.2f} {url}\n", "200 0.01 https://example.org/a\n"),
        (r"{status:>5d}|{outcome:<6}|{url:.8}|{wire_bytes:,}\t{reused}", "  200|ok    |https://|700\ttrue"),
        (r"{{{line}}}\0\\n\r", "{7}\0\\n\r"),
        ("{timings.ttfb:.3f} {timings.dns:>5} {timings.connect:^7.2f}", "0.010     -    -   "),
        ("{input.id}{input.none}", "3-"),
        ("{error:->4}{not_before}", "-----"),
        ("{redirects}{input}", '[]{"id":3,"name":null}'),
        ("plain", "plain"),
    ],
)
def test_what_a_template_says(template, text):
    """Fields and entries of objects with Python's format specs; null is a dash as wide as a value."""
    assert spelled(template, fetched(target=target(input={"id": 3, "name": None}))) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{nope}", "unknown field: nope; choose from url, line"),
        ("{}", "unknown field: ;"),
        ("{url.__class__}", "unknown field: url.__class__"),
        ("{url[0]}", r"unknown field: url\[0\]"),
        ("{input.}", "unknown field: input."),
        ("{timings.lunch}", "unknown field: timings.lunch; choose from dns, connect"),
        ("{url", "expected '}' before end of string"),
        ("}", "Single '}' encountered"),
        ("{status:q}", "{status:q}: Unknown format code 'q'"),
        ("{url:d}", "{url:d}: Unknown format code 'd'"),
        ("{status:c}", "{status:c}: this format is not supported"),
        ("{url!r}", "{url!r}: this"),
        ("{url:{status}}", "{url:{status}}: this"),
        ("{url:1000000000}", "{url:1000000000}: this"),
        ("{elapsed:.1000000f}", "{elapsed:.1000000f}: this"),
        (r"\x", r"unknown escape: \\x; there are"),
        ("\x1b{nop\x1be}", r"unknown field: nop\\x1be"),
        ("{body}", "the field body needs --body"),
    ],
)
def test_what_cannot_be_meant_is_said_before_the_first_request(template, message):
    """With what is wrong, and what there is."""
    with pytest.raises(UsageError, match=message):
        template_serializer(OutputSettings(template=template))


NAMES = st.sampled_from([*FIELDS, *(f"timings.{step}" for step in TIMINGS), "input.a", "headers.server", "data.title"])
SPECS = st.text("<>=^+- #0,_.123456789bcdeEfFgGnosxX%z*{}!r:", max_size=6)


@pytest.mark.slow
@given(OUTCOMES, NAMES, SPECS)
@settings(max_examples=100, deadline=None)
def test_a_template_that_is_taken_spells_every_outcome(outcome, name, spec):
    """Whatever a server sent and whatever is missing, a record that is due is written, and no terminal obeys it."""
    output = {"headers": True, "body": True, "links": True}
    try:
        form = template_serializer(OutputSettings(template=f"{{{name}:{spec}}}", **output))
    except UsageError:
        assume(False)
    text = form.encode(outcome).decode()
    assert not any(
        (ord(char) < 32 or 127 <= ord(char) < 160) and not (name == "body" and char in "\n\t") for char in text
    )


def test_a_page_keeps_its_lines():
    """The text of a page is what a template prints; what a terminal would obey is spelled out in it."""
    assert spelled("{body}", fetched(body=b"a\nb\x1b[2J", charset="utf-8"), body=True) == "a\nb\\x1b[2J"


def test_what_is_missing_is_as_wide_as_what_is_there():
    """Columns stay columns where a request has failed."""
    failed = Failed(target=target(), error=ErrorKind.DNS, timings=Timings(None, None, None, None, None))
    assert (
        spelled("{status:6d}|{status:<6}|{timings.ttfb:^7.3f}|{final_url:*>4}|", failed)
        == "     -|-     |   -   |***-|"
    )


def test_a_value_of_a_page_has_to_be_asked_for():
    """A name that no --select gives is a slip, and would be null in every line."""
    asked = {"select": ("title=css:title",), "links": True}
    assert spelled("{data.title}{data.links}", **asked) == "--"
    with pytest.raises(UsageError, match=r"unknown field: data\.titel; choose from title, links"):
        spelled("{data.titel}", **asked)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"path": "-"}, "template writes to standard output"),
        ({"format": "csv"}, "output.format and output.fields need output.path"),
        ({"fields": ("url",)}, "output.format and output.fields need output.path"),
    ],
)
def test_it_does_not_share_standard_output(others, message):
    """Two outputs on one stream would be neither."""
    with pytest.raises(UsageError, match=message):
        OutputSettings(template="x", **others)


def test_a_template_goes_beside_every_other_output():
    """What is printed has nothing to do with what the others hold."""
    assert spelled("{status}", path="a.jsonl", parquet="a.parquet", sqlite="a.db") == spelled("{status}")
    assert spelled("{status}", sqlite="a.db") == spelled("{status}", parquet="a.parquet") == spelled("{status}")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_page_that_is_json_stays_json(end):
    """Tabs and line ends between its tokens stay, control characters that it may hold are escaped as it does it."""
    value = {"a": "\x7f\x85\x9b31m", "b": ["é", "\U0001f600"]}
    page = json.dumps(value, ensure_ascii=False, indent="\t").replace("\n", end)
    encode = template_serializer(OutputSettings(template="{body}\\n", body=True)).encode
    out = encode(fetched(body=page.encode(), charset="utf-8")).decode()
    assert json.loads(out) == value
    assert not set(out) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))}
