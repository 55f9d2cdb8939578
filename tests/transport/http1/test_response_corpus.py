"""Replays the inputs that a coverage-guided fuzzer kept; ``tests/torture/fuzz_response.py`` searches for more."""

from __future__ import annotations

from pathlib import Path

from tests.torture.response_invariants import check, small_limits

CORPUS = Path(__file__).with_name("corpus")


def test_every_input_of_the_corpus_keeps_the_invariants() -> None:
    """The result does not depend on how an input is split or what follows it; no byte is lost or added."""
    paths = sorted(CORPUS.iterdir())
    assert len(paths) > 100
    with small_limits():
        for path in paths:
            try:
                check(path.read_bytes())
            except Exception as error:
                raise AssertionError(f"{path.name}: {error!r}") from error
