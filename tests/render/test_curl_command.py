import shlex

import pytest

from scrapepool.render.curl_command import ROW_NOTE, RUN_NOTE, SECRET_NOTE, curl_command
from scrapepool.version import __version__

USUAL = ["curl", "--include", "--compressed"]
AGENT = ["--user-agent", f"scrapepool/{__version__}"]

URL = ["http://h/a?b=c&d"]
MORE = ["--data-raw", "it's", "--max-time", "2", *URL]


@pytest.mark.parametrize(
    ("record", "words", "notes"),
    [
        ({}, [*AGENT, "http://h/a?b=c&d"], []),
        ({"method": "HEAD"}, ["--head", *AGENT, "http://h/a?b=c&d"], []),
        ({"method": "PUT", "redirects": ["x"]}, ["--location", "--request", "PUT", *AGENT, "http://h/a?b=c&d"], []),
        ({"url": "http://h/[1]'$(x)"}, ["--globoff", *AGENT, "http://h/[1]'$(x)"], []),
        (
            {"row_request": {"method": "POST", "data": "it's", "headers": {"User-Agent": "me", "A": ""}, "timeout": 2}},
            ["--header", "User-Agent: me", "--header", "A;", "--header", "Content-Type:", *MORE],
            [],
        ),
        (
            {"row_request": {"data": "{}", "method": "PUT", "headers": {"content-type": "t", "Cookie": "***"}}},
            [
                "--request",
                "PUT",
                *AGENT,
                "--header",
                "content-type: t",
                "--header",
                "Cookie: ***",
                "--data-raw",
                "{}",
                *URL,
            ],
            [SECRET_NOTE],
        ),
        ({"request": {"data_sha256": "ab"}, "row_request": []}, [*AGENT, "http://h/a?b=c&d"], [ROW_NOTE]),
    ],
)
def test_a_request_as_a_command(record, words, notes):
    """It is quoted for the shell, and has what the row set. What the record does not hold is named."""
    command, remarks = curl_command({"url": "http://h/a?b=c&d", **record})
    assert shlex.split(command) == USUAL + words
    assert remarks == [RUN_NOTE, *notes]
