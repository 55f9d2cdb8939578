"""What a coverage-guided fuzzer found worth keeping, replayed; ``tests/torture/fuzz_reply.py`` looks for more."""

from __future__ import annotations

from pathlib import Path

from tests.torture.reply_invariants import check, small_limits

CORPUS = Path(__file__).with_name("corpus")


def test_every_input_of_the_corpus_keeps_the_invariants() -> None:
    """However it is cut, and whatever follows it, an input is read in one way, and nothing is lost or invented."""
    paths = sorted(CORPUS.iterdir())
    assert len(paths) > 100
    with small_limits():
        for path in paths:
            try:
                check(path.read_bytes())
            except Exception as error:
                raise AssertionError(f"{path.name}: {error!r}") from error
