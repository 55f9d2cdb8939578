"""The reply parser against whatever a coverage-guided fuzzer comes up with.

    pip install atheris
    python -m tests.torture.fuzz_reply tests/transport/corpus -max_total_time=300 -seed=1
    python -m tests.torture.fuzz_reply -merge=1 SMALLER tests/transport/corpus

The options and the corpora are libFuzzer's: the first line adds to a corpus what it finds, the second copies of it what
reaches something that no other file does. ``reply_invariants`` says what must hold.
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
"""Pieces that inputs are made of, in libFuzzer's spelling."""


def main() -> None:
    """Fuzz until libFuzzer has had enough; it ends the process."""
    with atheris.instrument_imports(include=["scrapepool.transport"]):
        from tests.torture.reply_invariants import check, small_limits
    with tempfile.TemporaryDirectory() as name, small_limits():
        words, again = Path(name, "words"), Path(name, "again")
        words.write_text("".join(f'"{word}"\n' for word in WORDS))
        # libFuzzer merges in processes of its own, which it starts as a program by its name.
        again.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.torture.fuzz_reply "$@"\n')
        again.chmod(0o700)
        atheris.Setup([str(again), f"-dict={words}", *sys.argv[1:]], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
