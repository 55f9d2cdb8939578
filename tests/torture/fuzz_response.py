"""Fuzzes the response parser with a coverage-guided fuzzer (libFuzzer, through atheris).

    pip install atheris
    python -m tests.torture.fuzz_response tests/transport/http1/corpus -max_total_time=300 -seed=1
    python -m tests.torture.fuzz_response -merge=1 SMALLER tests/transport/http1/corpus

The options and the corpora are those of libFuzzer. The first command adds its findings to a corpus. The second one
copies only the files that reach code which no other file reaches. ``response_invariants`` has the invariants.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

WORDS = (
    "HTTP/1.1 200 OK\\x0d\\x0a",
    "HTTP/1.0 204 \\x0d\\x0a",
    "HTTP/1.1 103 \\x0d\\x0a\\x0d\\x0a",
    "HTTP/1.1 304\\x0a",
    "\\x0d\\x0a\\x0d\\x0a",
    "Content-Length: 5\\x0d\\x0a",
    "Content-Length: 9223372036854775808\\x0a",
    "Transfer-Encoding: chunked\\x0d\\x0a",
    "Transfer-Encoding: identity\\x0d\\x0a",
    "Connection: close\\x0d\\x0a",
    "Connection: keep-alive\\x0d\\x0a",
    "5\\x0d\\x0ahello\\x0d\\x0a",
    "0\\x0d\\x0a\\x0d\\x0a",
    "8000000000000000",
    ";a=b",
    "\\x0a folded",
    "X: y\\x0a",
)
"""The parts that inputs are built from, in the syntax of libFuzzer's dictionaries."""


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    with atheris.instrument_imports(include=["scrapepool.transport"]):
        from tests.torture.response_invariants import check, small_limits
    with tempfile.TemporaryDirectory() as name, small_limits():
        words, again = Path(name, "words"), Path(name, "again")
        words.write_text("".join(f'"{word}"\n' for word in WORDS))
        # To merge, libFuzzer starts this program again by its name, so the name must be an executable file.
        again.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.torture.fuzz_response "$@"\n')
        again.chmod(0o700)
        atheris.Setup([str(again), f"-dict={words}", *sys.argv[1:]], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
