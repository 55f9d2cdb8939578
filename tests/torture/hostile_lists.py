"""Lists that nobody should trust, through the command: URL cases, IDNA cases, and text that terminals obey.

    python -m tests.torture.hostile_lists [LINES [SEED]]

Every line that is a target must come to one record, every record must be one line of JSON in ASCII, and nothing may
end in a traceback. The same lists then go through a pseudo-terminal, with the records on it as well, and through
``failed``, ``explain`` and ``plan``: no control byte may come out but those that Rich uses itself. All requests go
through a proxy on loopback whose answers are as hostile as the lists, so that no name is ever looked up.

The cases of the WHATWG (URL Standard) are read where they are; without them there are as many lines of our own.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import pty
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.transport.loopback import Server, read_head

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "../shared/cases"

TIMEOUT = 300.0
"""Seconds after which a run of the command hangs."""

EXPLAINED = 15
"""URLs that ``explain`` is run on."""

NAUGHTY = (
    "\x1b[2J\x1b[H",  # clears the screen
    "\x1b[5mblink",
    "\x1b[41mred",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.test/\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[6n",  # asks the terminal to type
    "\x1bP$q\x1b\\",
    "\x1bc",
    "\x9b2J",
    "\x9d0;title\x9c",
    "a\rb",
    "a\x08\x08b",
    "\x07",
    "\x00",
    "\x7f",
    "\x0b\x0c",
    "\x85\u2028\u2029",
    "\u202egpj.exe",
    "\u2066\u2067\u2068\u2069",
    "\u200b\u200d\ufeff",
    "\ud800",
    "\udfff",
    "\U0010ffff",
    "\ufffe",
    "[red]markup[/red]",
    "[link=http://evil.test]x[/]",
    "[/]",
    "{0.__class__}",
    "%s%n%d",
    "%00%0a%0d",
    "%1b%5b2J",
    "'\"`;--",
    "=HYPERLINK()",
    "../../etc/passwd",
    "\\\\host\\share",
    "http://",
    "https:///",
    "//",
    "://",
    ":",
    "@",
    "[::1",
    "[::1]]",
    "1.2.3.4.5",
    "0x7f.1",
    "999999999999",
    ":0",
    ":65536",
    ":\u0663",
    "xn--",
    "xn--a-\xe4",
    "\u0130",
    "\xdf",
    "\u0301",
    "a" * 300,
    ".".join(["a" * 63] * 5),
    "\ufdfa" * 20,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "\u0661\u0662\u0667.\u0660.\u0660.\u0661",
    "\u2460\u2461\u2466.0.0.1",
    "#",
    "\t",
    "mailto:x",
    "javascript:alert(1)",
    "data:,x",
    "file:///etc/passwd",
    "localhost:1",
)
"""What has gone wrong in terminals, parsers, formats and spreadsheets."""

PLACES = ("{}", "http://a.test/{}", "http://{}/", "http://a{}.test/", "https://a.test/?q={}", "http://{}@a.test/#{}")

PREFACE = (b"# " + b"-" * 61,) * 1024
"""Comments, 64 KiB of them: a file that has a NUL before that is no text, and is refused whole."""

RAW = (b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"http://\xe9.test/", b"http://a.test/\xe9\xff")
"""Bytes that are no UTF-8."""

_RICHS_OWN = re.compile(
    r"\r?\x1b\[(?:\?(?:25|2026)[lh]|[12]K|\d*A|(?:(?:0|1|2|3|4|7|22|23|24|27|3\d|39|9\d|38;5;\d+|38;2;\d+;\d+;\d+)(?:;(?=\d))?)*m)\r?"
)
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


@dataclass
class Report:
    """What was found. lines: of the list. targets: lines that are to have a record. cases: lines made of cases."""

    lines: int = 0
    cases: int = 0
    targets: int = 0
    records: int = 0
    shown: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.lines} lines, {self.cases} of them out of cases: {self.records} records of {self.targets} targets "
            f"({dict(self.outcomes)}); {self.shown} bytes on a terminal; {len(self.wrong)} findings"
        )


def cases() -> list[str]:
    """The inputs of the WHATWG's cases, none where they are not there."""
    if not CASES.exists():
        return []
    found: list[str] = []
    for name, place in (("urltestdata", "{}"), ("toascii", "http://{}/x"), ("percent-encoding", "http://a.test/?q={}")):
        rows = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
        found += [place.format(row["input"]) for row in rows if isinstance(row, dict)]
    return found


def listed(count: int, seed: int) -> tuple[list[bytes], int]:
    """So many lines, and how many are made of cases; the same for the same seed."""
    dice = random.Random(seed)
    texts = cases()
    out_of_cases = min(len(texts), count // 2)
    texts = dice.sample(texts, out_of_cases)
    texts += [place.replace("{}", word) for word, place in itertools.product(NAUGHTY, PLACES)]
    lines = [text.encode("utf-8", "surrogatepass") for text in texts] + list(RAW)
    while len(lines) < count:
        lines.append(_bred(dice, lines))
    lines = lines[:count]
    dice.shuffle(lines)
    return lines, out_of_cases


def _bred(dice: random.Random, lines: Sequence[bytes]) -> bytes:
    """A line of those that there are, with something put into it."""
    line, other = dice.choice(lines), dice.choice(NAUGHTY).encode("utf-8", "surrogatepass")
    at = dice.randrange(len(line) + 1)
    return line[:at] + (other if dice.random() < 0.8 else bytes([dice.randrange(256)])) + line[at:]


def targets_of(content: bytes) -> list[int]:
    """The numbers of the lines that must come to a record: neither blank nor a comment."""
    lines = re.split(rb"\r\n|\r|\n", content)
    texts = (line.decode("utf-8", "replace").strip().lstrip("\ufeff").lstrip() for line in lines)
    return [number for number, text in enumerate(texts, 1) if text and not text.startswith("#")]


def answer(sock: socket.socket) -> None:
    """A proxy whose answers depend on what was asked, and are never nice."""
    while head := read_head(sock):
        word = (
            NAUGHTY[sum(head) % len(NAUGHTY)].encode("utf-8", "surrogatepass").replace(b"\0", b"").replace(b"\r", b"")
        )
        if head.startswith(b"CONNECT"):
            sock.sendall(b"HTTP/1.1 502 %b\r\nContent-Length: 0\r\n\r\n" % word)
            return
        match sum(head) % 3:
            case 0:
                sock.sendall(b"HTTP/1.1 200 %b\r\nContent-Type: text/%b\r\nContent-Length: 2\r\n\r\nok" % (word, word))
            case 1:
                sock.sendall(b"HTTP/1.1 302 x\r\nLocation: /%b\r\nContent-Length: 0\r\n\r\n" % word)
            case _:
                sock.sendall(b"HTTP/1.1 500 %b\r\nX: %b\r\nContent-Length: 0\r\n\r\n" % (word, word))


def _fetch(list_: Path, proxy: int, *options: str) -> list[str]:
    command = [sys.executable, "-m", "scrapepool", "fetch", str(list_), "--proxy", f"http://127.0.0.1:{proxy}"]
    usual = ["--no-dedupe", "--no-robots", "--retries", "0", "--max-redirects", "2", "--break-after", "1000000"]
    return [*command, *usual, "--pace", "fixed", "--workers", "8", "--config", os.devnull, *options]


def into_a_file(report: Report, list_: Path, output: Path, proxy: int, targets: Sequence[int]) -> None:
    """Run the list, and compare the records with its lines."""
    command = _fetch(list_, proxy, "-o", str(output), "--progress", "none", "-v", "--log-file", f"{output}.log")
    ended = subprocess.run(command, capture_output=True, timeout=TIMEOUT, cwd=ROOT, check=False)
    if ended.returncode != 1 or b"Traceback" in ended.stderr:
        report.wrong.append(f"exit {ended.returncode}: {ended.stderr[-500:]!r}")
        return
    outcomes = Counter[int]()
    for line in output.read_bytes().split(b"\n")[:-1]:
        try:
            record = json.loads(line.decode("ascii"))
        except ValueError as error:
            report.wrong.append(f"no record: {line!r}: {error}")
            continue
        outcomes[record["line"]] += 1
        report.outcomes[record["outcome"]] += 1
        if record["error"] == "internal":
            report.wrong.append(f"a bug: {record['url']!r}: {record['detail']}")
    report.records += sum(outcomes.values())
    wanted = Counter(targets)
    report.wrong += [f"line {number} has no record" for number in (wanted - outcomes)]
    report.wrong += [f"line {number} has a record too many" for number in (outcomes - wanted)]
    log = Path(f"{output}.log").read_bytes().decode("utf-8", "replace")
    report.wrong += [f"log: {finding}" for finding in unsafe(log)]


def onto_a_terminal(report: Report, command: Sequence[str]) -> None:
    """Run a command on a terminal, all of its streams, and look at every byte that comes out."""
    shown = _shown(command)
    report.shown += len(shown)
    if b"Traceback" in shown:
        report.wrong.append(f"{command[3:5]}: {shown[-500:]!r}")
    report.wrong += [f"{command[3:5]}: {finding}" for finding in unsafe(shown.decode("utf-8", "replace"))]


def unsafe(text: str) -> Iterator[str]:
    """What a terminal might obey, but for what Rich uses."""
    text = _RICHS_OWN.sub("", text)
    for found in re.finditer(r"[^\n]", text):
        char = found[0]
        around = text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 1]
        at_an_edge = char == "\r" and (around[0] in "\r\n" or around[1] in "\r\n")  # of a line; '' is in any text
        control = unicodedata.category(char) == "Cc" and not at_an_edge
        if control or char in _BIDI:
            yield f"{char!r} in {text[max(0, found.start() - 40) : found.end() + 20]!r}"


def _shown(command: Sequence[str]) -> bytes:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    for name in ("NO_COLOR", "CI", "COLUMNS", "LINES"):
        environment.pop(name, None)
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=ROOT)
    os.close(slave)
    pieces: list[bytes] = []
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while piece := os.read(master, 65536):
            pieces.append(piece)
    os.close(master)
    process.wait(TIMEOUT)
    return b"".join(pieces)


def run(count: int, seed: int = 1, *, explained: int = EXPLAINED) -> Report:
    """Run everything over lists of so many lines."""
    report = Report()
    lines, report.cases = listed(count, seed)
    content = b"\n".join([*PREFACE, *lines])
    targets = targets_of(content)
    report.lines, report.targets = content.count(b"\n") + 1 - len(PREFACE), len(targets)
    with Server(answer) as proxy, tempfile.TemporaryDirectory() as name:
        list_, output = Path(name, "list.txt"), Path(name, "out.jsonl")
        list_.write_bytes(content)
        into_a_file(report, list_, output, proxy.port, targets)
        program = [sys.executable, "-m", "scrapepool"]
        onto_a_terminal(report, _fetch(list_, proxy.port, "--progress", "live", "-v"))
        onto_a_terminal(report, _fetch(list_, proxy.port, "--progress", "live", "-o", f"{output}.csv"))
        onto_a_terminal(report, [*program, "failed", str(output)])
        onto_a_terminal(report, [*program, "plan", str(list_), "--offline", "--rejects", "1000"])
        urls = [json.loads(line)["url"] for line in output.read_bytes().splitlines()]
        for url in random.Random(seed).sample([url for url in urls if "\0" not in url], explained):
            onto_a_terminal(report, [*program, "explain", "--", str(output), url.encode("utf-8", "replace").decode()])
    return report


def main() -> None:
    """The long form."""
    report = run(*map(int, sys.argv[1:3] or ["6000"]))
    print(report)  # noqa: T201 - what the script is for
    print(*report.wrong[:20], sep="\n")  # noqa: T201
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
