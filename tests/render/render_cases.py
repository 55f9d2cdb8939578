"""Snapshots to show, and a small terminal to show them on."""

import math
import re

from hypothesis import strategies as st

from scrapepool.model import ErrorKind, HostKey
from scrapepool.ports import HostRow, Snapshot
from scrapepool.render.summary import OUTCOMES

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e[red]evil\r\n\x9b31m"


def row(number=0, **changes):
    """One host at work."""
    values = {
        "host": HostKey("https", f"host-{number}.example.org", 443),
        "done": 7,
        "total": 1000,
        "in_flight": 3,
        "limit": 4,
        "opened": 4,
        "idle": 1,
        "requests": 100,
        "p50": 0.023,
        "p95": 0.088,
        "errors": 0,
        "mean": 0.03,
        "state": "ok",
    }
    return HostRow(**values | changes)


def snapshot(hosts=3, **changes):
    """A run on its way: ``hosts`` is the number of its hosts, or their rows."""
    rows = tuple(row(number) for number in range(hosts)) if isinstance(hosts, int) else tuple(hosts)
    values = {
        "elapsed": 7.3,
        "done": 1204,
        "total": 20_000,
        "reading": False,
        "busy": 32,
        "workers": 32,
        "parked": 0,
        "bytes": 41_200_000,
        "outcomes": {"failed": 4, "ok": 1180, "http_error": 20},
        "errors": {"dns": 1, "http_4xx": 20, "read_timeout": 3},
        "requests": 1300,
        "opened": 41,
        "retried": 12,
        "rate": 183.2,
        "eta": 102.4,
        "hosts": rows,
        "host_count": len(rows),
    }
    return Snapshot(**values | changes)


COUNT = st.integers(0, 10**12)
SECONDS = st.floats(0, 1e12) | st.just(math.inf)

ROWS = st.builds(
    HostRow,
    host=st.builds(HostKey, st.sampled_from(["http", "https"]), st.text(st.characters()), st.integers(1, 65535)),
    done=COUNT,
    total=COUNT,
    in_flight=COUNT,
    limit=COUNT,
    opened=COUNT,
    idle=COUNT,
    requests=COUNT,
    p50=st.none() | SECONDS,
    p95=st.none() | SECONDS,
    errors=COUNT,
    mean=SECONDS,
    state=st.sampled_from(["ok", "waiting", "parked", "backoff", "done", "given up"]),
    until=st.none() | SECONDS,
    robots=st.sampled_from(["", "asked", "ok", "disallow 12", "unreachable"]),
    delay=SECONDS,
)

SNAPSHOTS = st.builds(
    lambda more, **values: Snapshot(**values, host_count=len(values["hosts"]) + more),
    more=st.integers(0, 10_000),
    elapsed=st.floats(0, 1e12),
    done=COUNT,
    total=COUNT,
    reading=st.booleans(),
    busy=COUNT,
    workers=COUNT,
    parked=COUNT,
    bytes=COUNT,
    outcomes=st.dictionaries(st.sampled_from(OUTCOMES), COUNT),
    errors=st.dictionaries(st.sampled_from([str(kind) for kind in ErrorKind]), COUNT),
    requests=COUNT,
    opened=COUNT,
    retried=COUNT,
    rate=SECONDS,
    eta=st.none() | SECONDS,
    hosts=st.lists(ROWS, max_size=5).map(tuple),
    grace=st.none() | st.floats(0, 5),
)


class Screen:
    """A terminal that knows what a redraw needs, wraps and reflows as today's terminals do, and refuses all else.

    rows: everything since the start, the last ``height`` of them visible.
    """

    _TOKEN = re.compile(r"\x1b\[(\d*)([AK])|\x1b\[(?:[\d;]*m|\?(?:25|2026)[hl])|\r|\n|[^\x00-\x1f\x7f-\x9f]", re.DOTALL)

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.rows = [""]
        self._row = self._column = 0

    @property
    def lines(self):
        """What is on it, without the blank lines at the end."""
        return "\n".join(line.rstrip() for line in self.rows).rstrip("\n").split("\n")

    def feed(self, text):
        """Obey ``text``; fails for a control that no redraw needs."""
        position = 0
        while position < len(text):
            token = self._TOKEN.match(text, position)
            assert token, f"unexpected control at {text[position : position + 20]!r}"
            position = token.end()
            match token[0], token[2]:
                case "\r", _:
                    self._column = 0
                case "\n", _:
                    self._down()
                case _, "A":
                    top = max(0, len(self.rows) - self.height)
                    self._row = max(top, self._row - int(token[1] or 1))
                case _, "K":
                    assert token[1] == "2"
                    self.rows[self._row] = ""
                case (char, _) if char[0] != "\x1b":
                    self._put(char)

    def resize(self, width):
        """Change the width; lines that are longer now are wrapped, and the cursor stays with its character."""
        rows, row = [], 0
        for number, line in enumerate(self.rows):
            if number == self._row:
                row = len(rows) + max(0, self._column - 1) // width
                column = self._column - max(0, self._column - 1) // width * width
            rows += [line[start : start + width] for start in range(0, max(1, len(line)), width)]
        while not rows[-1] and len(rows) > row + 1:  # blank rows below the cursor give way to what is wrapped
            rows.pop()
        self.rows, self._row, self._column, self.width = rows, row, column, width

    def _down(self):
        self._row, self._column = self._row + 1, 0
        if self._row == len(self.rows):
            self.rows.append("")

    def _put(self, char):
        if self._column == self.width:
            self._down()
        line = self.rows[self._row].ljust(self._column)
        self.rows[self._row] = line[: self._column] + char + line[self._column + 1 :]
        self._column += 1
