import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.render.keys.decoder import LONGEST, Key, KeyDecoder

PRESSED = [
    (b"q", "q"),
    ("é".encode(), "é"),
    (b"\r", Key.ENTER),
    (b"\n", Key.ENTER),
    (b"\x7f", Key.BACKSPACE),
    (b"\x15", Key.CLEAR),
    (b"\x1b[A", Key.UP),
    (b"\x1bOB", Key.DOWN),
    (b"\x1b[5~", Key.PAGE_UP),
    (b"\x1b[6~", Key.PAGE_DOWN),
    (b"\x1b[H", Key.HOME),
    (b"\x1bOF", Key.END),
    (b"\x1b[1;5C", None),
    (b"\x1bx", None),
    (b"\x00", None),
]
"""Bytes, and the key that they are."""


@given(st.lists(st.sampled_from(PRESSED)), st.data())
def test_keys_may_come_in_any_pieces(pressed, data):
    """Sequences and characters that are split over reads are the same keys."""
    sent = b"".join(one for one, _ in pressed)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=5)))
    decoder, keys = KeyDecoder(), []
    for begin, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        keys += decoder.feed(sent[begin:end])
    assert keys == [key for _, key in pressed if key is not None]
    assert not decoder.pending


@pytest.mark.parametrize(
    ("sent", "keys"), [(b"\x1b", []), (b"\x1b\x1b", [Key.ESCAPE]), (b"\x1b\x1b[A", [Key.ESCAPE, Key.UP])]
)
def test_escape_is_a_key_if_nothing_follows(sent, keys):
    """The caller says when it has waited for long enough."""
    decoder = KeyDecoder()
    assert decoder.feed(sent) == keys
    assert decoder.flush() == ([Key.ESCAPE] if decoder.pending or sent[-1:] == b"\x1b" else [])
    assert not decoder.pending
    assert decoder.feed(b"a") == ["a"]


def test_an_unfinished_sequence_is_no_key():
    """What began like an arrow and ended there is dropped; nothing grows without a bound."""
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b[") == []
    assert decoder.flush() == []
    assert decoder.feed(b"\x1b[" + b"1" * 2 * LONGEST) == []
    assert not decoder.pending
