"""Compares the parser with the expectations of curl's test suite and of the web platform tests."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from scrapepool.settings import SizeLimits
from scrapepool.transport.errors import FetchError
from scrapepool.transport.http1.body import Body
from scrapepool.transport.http1.response import ResponseParser

CASES = Path(__file__).resolve().parents[3] / "../shared/cases"

# The exit codes of curl that have other causes than the bytes of the responses.
OTHER_CAUSES = {
    "23": "curl could not write its output",
    "28": "curl's time limit passed",
    "47": "curl would not follow so many redirects",
}

# The intended differences from curl: the number of curl's test, and the reason.
DIFFERS: dict[int, str] = {}


def cases(name: str) -> Path:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"the optional cases are not here: {name}")
    return path


def curl_cases() -> list[dict[str, Any]]:
    """Return all cases about the bytes of responses: an http URL, and a response to the first request."""
    lines = cases("curl_replies.jsonl").read_text().splitlines()
    every = [json.loads(line) for line in lines]
    return [
        case
        for case in every
        if "0" in case["reply_parts_b64"] and case["curl_exit"] not in OTHER_CAUSES and case["test"] != 23
    ]


def decoded(raw: bytes, *, trailers: bool = False) -> tuple[bytes | None, str | None]:
    """Return the decoded body of a response that ends with a close, or None and the error.

    trailers: add them to the body, as ``curl --include`` writes them.
    """
    parser = ResponseParser()
    try:
        parser.feed(raw)
        parser.eof()
        body = Body(SizeLimits(), parser.values.get(b"content-encoding"), keep=True)
        for piece in parser.take():
            body.feed(piece)
        body.finish()
    except FetchError as error:
        return None, f"{error.kind}: {error.detail}"
    content = body.content or b""
    if trailers:
        content += b"".join(b"%s: %s\r\n" % field for field in parser.trailers)
    return content, None


def test_curl_agrees() -> None:
    """The parser accepts and refuses the same responses as curl, with a few listed exceptions."""
    all_cases = curl_cases()
    differing = {}
    for case in all_cases:
        parts = [base64.b64decode(part) for _, part in sorted(case["reply_parts_b64"].items())]
        faults = [fault for _, fault in map(decoded, parts) if fault]
        if bool(faults) != (case["curl_exit"] != "0"):
            differing[case["test"]] = faults
    share = 1 - len(differing) / len(all_cases)
    assert len(all_cases) == 108
    assert share >= 0.97
    assert differing.keys() == DIFFERS.keys(), differing


def test_curl_bodies() -> None:
    """The body is the one that curl writes, if curl's test has it."""
    checked = 0
    for case in curl_cases():
        if case["curl_exit"] != "0" or case.get("final_body_b64") is None:
            continue
        _, last = sorted(case["reply_parts_b64"].items())[-1]
        content, fault = decoded(base64.b64decode(last), trailers=True)
        assert (content, fault) == (base64.b64decode(case["final_body_b64"]), None), case["test"]
        checked += 1
    assert checked == 46


def test_content_lengths() -> None:
    """Every list of Content-Length has the same meaning as in the web platform tests."""
    for case in json.loads(cases("content-lengths.json").read_text()):
        raw = b"HTTP/1.1 200 OK\r\n" + case["input"].encode() + b"\r\n\r\n" + b"x" * 42
        content, fault = decoded(raw)
        assert (None if content is None else len(content)) == case["output"], (case, fault)
