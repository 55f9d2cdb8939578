"""Bodies on their way into files: like requests do not share one."""

from __future__ import annotations

from pathlib import Path

from scrapepool.fetch.parts import Parts
from scrapepool.fetch.reply import ReplyParser


def test_like_requests_on_one_thread_have_a_file_each(tmp_path: Path) -> None:
    """However many there were before, and whichever of them have ended."""
    parser = ReplyParser("POST")
    parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
    parts = Parts(str(tmp_path))
    open_ = [parts.begin("POST", "http://a.test/", parser, None) for _ in range(4)]
    whole = []
    for number in range(20):
        ended = open_.pop(number % len(open_))
        whole.append(ended.finish())
        open_.append(parts.begin("POST", "http://a.test/", parser, None))
        assert len({part.path for part in open_}) == len(open_)
    for part in open_:
        part.abandon()
    assert len(set(whole)) == 20
    assert sorted(tmp_path.iterdir()) == sorted(map(Path, whole))
