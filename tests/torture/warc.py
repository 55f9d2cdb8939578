"""An archive of runs that are killed, again and again, and resumed: is each byte in it what the server sent?

    python -m tests.torture.warc [KILLS] [SEED] [--count COMMAND]... [--check COMMAND]...

A small web of every kind of answer: plain, gzip, br, chunked, empty, longer than what is held in memory, 404, redirects
on the host and to another one, a 503 first, the same body at many URLs. One list of it is fetched in one go, others
with SIGKILL at random moments, each resumed until it comes to its end. Every list is archived, in small files. Then:

- warcio finds every digest right, and each response is, byte for byte, one that the server gives for that URL;
- what a revisit points to is in the archive, or in that of the first list (``--warc-dedup``), and has the body;
- the index beside each file lists its responses and revisits as warcio finds them, sorted, and nothing else;
- each record of the run, and each redirect on the way there, has its exchange, and the decoded body has its sha256.

count: what prints a line for each record of the file that is its last argument. check: what must find nothing wrong.
The suite runs a short form, with warcio alone.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import random
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import brotli
from warcio.archiveiterator import ArchiveIterator

from scrapepool.transport.exchange.transcript import IN_MEMORY
from tests.servers.polite import PoliteServer, Request, Response, render

from .journals import Plan, command, killed, run
from .journals import records as read_records

HOSTS = 3
LATENCY = 0.005
SIZE = "100kB"
"""Of a file of the archive: so small that every list takes several."""

OPTIONS = (
    "--workers",
    "4",
    "--per-host",
    "4",
    "--warc-size",
    SIZE,
    "--warc-cdx",
    "--backoff",
    "20ms",
    "--pace",
    "fixed",
)
SAME = b"the same body at many URLs " * 50


@dataclass
class Report:
    """What came of it. wrong: findings. counted: by command, the records that it found."""

    kills: int = 0
    lists: int = 0
    urls: int = 0
    files: int = 0
    bodies: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{times} {kind}" for kind, times in self.kinds.most_common())
        lines = [
            f"{self.kills} kills, {self.lists} lists of {self.urls} URLs in all, {self.files} files: "
            f"{len(self.wrong)} findings",
            f"{sum(self.kinds.values())} records: {kinds}; {self.bodies} bodies compared",
            *(f"{times} records by {what}" for what, times in self.counted.items()),
            *self.wrong[:20],
        ]
        return "\n".join(lines)


# -- the web -------------------------------------------------------------------------------------------


def text(target: str, size: int = 600) -> bytes:
    return (f"This is {target} ".encode() * size)[:size]


def answer(origins: Sequence[str], target: str, first: bool) -> Response:
    """What there is at a target: by the word it begins with. first: it is asked for the first time."""
    word = target.split("/")[2]
    body = text(target)
    match word:
        case "gzip":
            return Response(headers=[("Content-Encoding", "gzip")], body=gzip.compress(body, mtime=0))
        case "br":
            return Response(headers=[("Content-Encoding", "br")], body=brotli.compress(body, quality=4))
        case "chunked":
            return Response(body=text(target, 3500), chunked=True)
        case "both":
            return Response(body=body, chunked=True, gzip=True)
        case "empty":
            return Response()
        case "nothing":
            return Response(204)
        case "gone":
            return Response(404, body=body)
        case "moved":
            return Response(302, [("Location", target.replace("moved", "plain"))], b"over there")
        case "away":
            return Response(301, [("Location", origins[1] + target.replace("away", "plain"))], b"elsewhere")
        case "busy" if first:
            return Response(503, body=b"not yet")
        case "same":
            return Response(body=SAME)
        case "closed":
            return Response(body=body, close=True)
        case "long":
            return Response(body=random.Random(target).randbytes(IN_MEMORY + 5000))
    return Response(body=body)


WORDS = (
    "plain",
    "gzip",
    "br",
    "chunked",
    "both",
    "empty",
    "nothing",
    "gone",
    "moved",
    "away",
    "busy",
    "same",
    "closed",
)


class Web:
    """Answers, and knows what it can have answered."""

    def __init__(self) -> None:
        self.origins: list[str] = []

    def __call__(self, request: Request) -> Response:
        return answer(self.origins, request.target, request.nth == 1)

    def can_send(self, url: str) -> dict[bytes, bytes]:
        """Header block to body, both as sent, of what there is at a URL."""
        target = "/" + url.split("/", 3)[3]
        return {
            reply.head: reply.body for first in (True, False) for reply in [render(answer(self.origins, target, first))]
        }


def plan_of(server: PoliteServer, folder: Path, story: str, urls: int, dice: random.Random) -> Plan:
    """A list of URLs of one story, a few long ones among them; ``good`` are all that do not end with a 404."""
    words = [WORDS[number % len(WORDS)] for number in range(urls - 2)] + ["long", "long"]
    paths = [f"/{story}/{word}/{number}" for number, word in enumerate(words)]
    lines = [server.url(path, number % HOSTS) for number, path in enumerate(paths)]
    dice.shuffle(lines)
    good = [line for line in lines if "/gone/" not in line]
    return Plan.write(folder / f"{story}.txt", good, [line for line in lines if "/gone/" in line])


# -- runs ----------------------------------------------------------------------------------------------


def tortured(
    kills: int, seed: int, *, urls: int = 200, counts: Sequence[str] = (), checks: Sequence[str] = ()
) -> Report:
    """Fetch a list in one go, then others with kills, until there were so many."""
    dice = random.Random(seed)
    report, web = Report(), Web()
    with PoliteServer(HOSTS, web, latency=f"fixed:{LATENCY}") as server, tempfile.TemporaryDirectory() as name:
        web.origins = [site.origin for site in server.sites]
        usual, first = 0.0, Path(name, f"{seed}-0")
        earlier: dict[str, list[Exchange]] = {}
        while not report.lists or report.kills < kills:
            story = f"{seed}-{report.lists}"
            folder = Path(name, story)
            folder.mkdir()
            plan = plan_of(server, folder, story, urls, dice)
            output, archive = folder / "out.jsonl", folder / "pages.warc.gz"
            arguments = command(plan, output, *OPTIONS, "--warc", str(archive))
            if folder != first:
                arguments += ["--warc-dedup", str(first)]
            if usual:
                while report.kills < kills and killed(arguments, dice.uniform(0.1, usual)):
                    report.kills += 1
            began = time.monotonic()
            ended = run(arguments)
            usual = usual or time.monotonic() - began
            if ended.returncode != 1 or "Traceback" in ended.stderr:
                report.wrong.append(f"{story}: exit {ended.returncode}: {ended.stderr[-300:]}")
            found = _judge(report, web, plan, output, sorted(folder.glob("*.warc.gz")), story, earlier)
            earlier = earlier or found
            for file in sorted(folder.glob("*.warc.gz")):
                if sorted(map(repr, index_of(file))) != sorted(map(repr, index_by_warcio(file))):
                    report.wrong.append(f"{story}: {file.name} has another index")
                _read_by_others(report, file, counts, checks)
            report.lists += 1
            report.urls += len(plan.lines)
    total = sum(report.kinds.values())
    report.wrong += [f"{what}: {times} of {total} records" for what, times in report.counted.items() if times != total]
    return report


# -- what must be true ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exchange:
    """A response, or what stands for it. body: as sent. decoded: None where the body is in another record."""

    kind: str
    url: str
    date: str
    status: int
    head: bytes
    body: bytes
    decoded: bytes | None
    fields: dict[str, str]


def _exchanges(report: Report, files: Sequence[Path]) -> Iterator[Exchange]:
    """Those in some files, counted, their digests seen to."""
    for path in files:
        with path.open("rb") as raw, path.open("rb") as parsed:
            both = zip(
                ArchiveIterator(raw, no_record_parse=True), ArchiveIterator(parsed, check_digests=True), strict=True
            )
            for number, (record, read) in enumerate(both):
                report.kinds[record.rec_type] += 1
                block = record.raw_stream.read()
                if b"Content-Encoding: br\r\n" in block:  # warcio 1.8 cannot use the brotli of today
                    decoded = brotli.decompress(read.raw_stream.read())
                else:
                    decoded = read.content_stream().read()
                fields = dict(record.rec_headers.headers)
                if not read.digest_checker.passed and record.rec_type != "revisit":
                    report.wrong.append(f"{path.name}: {record.rec_type} {fields['WARC-Record-ID']}: digest")
                if (number == 0) != (record.rec_type == "warcinfo") and record.rec_type != "warcinfo":
                    report.wrong.append(f"{path.name}: begins with {record.rec_type}")
                if record.rec_type in ("response", "revisit"):
                    head, end, body = block.partition(b"\r\n\r\n")
                    yield Exchange(
                        record.rec_type,
                        fields["WARC-Target-URI"],
                        fields["WARC-Date"],
                        int(block[9:12]),
                        head + end,
                        body,
                        decoded if record.rec_type == "response" else None,
                        fields,
                    )


def _judge(
    report: Report,
    web: Web,
    plan: Plan,
    output: Path,
    files: Sequence[Path],
    story: str,
    earlier: dict[str, list[Exchange]],
) -> dict[str, list[Exchange]]:
    """Judge a list's archive; its exchanges by URL. earlier: those of the archive that it may point to."""
    report.files += len(files)
    wrong = report.wrong
    found: dict[str, list[Exchange]] = {}
    exchanges = list(_exchanges(report, files))
    for one in exchanges:
        found.setdefault(one.url, []).append(one)
    for one in exchanges:
        sent = web.can_send(one.url).get(one.head)
        if sent is None:
            wrong.append(f"{story}: no such header block at {one.url}")
        elif one.kind == "response":
            report.bodies += 1
            if one.body != sent:
                wrong.append(f"{story}: not the body that was sent at {one.url}")
        else:
            digest = "sha1:" + base64.b32encode(hashlib.sha1(sent).digest()).decode()
            originals = (_original(where, one, digest) for where in (found, earlier))
            if digest != one.fields["WARC-Payload-Digest"] or not any(originals):
                wrong.append(f"{story}: a revisit of nothing at {one.url}")
    for record in read_records(output):
        at_end = found.get(str(record["final_url"]), [])
        whole = [one for one in at_end if one.status == record["status"]]
        if not whole:
            wrong.append(f"{story}: {record['url']} has a record and no exchange")
        elif all(one.decoded is not None and _sha256(one.decoded) != record["sha256"] for one in whole):
            wrong.append(f"{story}: {record['url']} has another body in its record")
        hops = record["redirects"]
        assert isinstance(hops, list)
        wrong += [
            f"{story}: no redirect at {hop}"
            for hop in hops
            if not any(o.status in (301, 302) for o in found.get(hop, []))
        ]
    lost = set(plan.lines) - {str(record["url"]) for record in read_records(output)}
    wrong += [f"{story}: {url} has no record" for url in lost]
    return found


def _original(found: dict[str, list[Exchange]], revisit: Exchange, digest: str) -> bool:
    url, date = revisit.fields["WARC-Refers-To-Target-URI"], revisit.fields["WARC-Refers-To-Date"]
    return any(
        one.kind == "response" and one.date[:19] == date[:19] and one.fields["WARC-Payload-Digest"] == digest
        for one in found.get(url, [])
    )


def index_by_warcio(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Timestamp and values that the index of a file should have for each response, in no order."""
    lines = []
    with path.open("rb") as stream:
        records = ArchiveIterator(stream)
        for record in records:
            if record.rec_type not in ("response", "revisit"):
                continue
            offset = records.get_record_offset()
            field = record.rec_headers.get_header
            record.raw_stream.read()
            said = {"url": field("WARC-Target-URI"), "mime": "warc/revisit"}
            if record.rec_type == "response":
                content_type = record.http_headers.get_header("Content-Type", "unk")
                said |= {"mime": content_type.split(";")[0], "status": record.http_headers.get_statuscode()}
            said |= {"digest": field("WARC-Payload-Digest").removeprefix("sha1:")}
            said |= {"length": str(records.get_record_length()), "offset": str(offset), "filename": path.name}
            lines.append(("".join(filter(str.isdigit, field("WARC-Date")))[:14], said))
    return lines


def index_of(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Timestamp and values of each line of the index beside a file, whose lines are sorted."""
    lines = path.with_name(path.name.removesuffix(".gz").removesuffix(".warc") + ".cdxj").read_bytes().splitlines()
    assert lines == sorted(lines)
    return [(line.split()[1].decode(), json.loads(line.split(b" ", 2)[2])) for line in lines]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read_by_others(report: Report, file: Path, counts: Sequence[str], checks: Sequence[str]) -> None:
    for what in counts:
        report.counted[what] += len(run([*shlex.split(what), str(file)]).stdout.splitlines())
    for what in checks:
        ended = run([*shlex.split(what), str(file)])
        if ended.returncode:
            report.wrong.append(f"{what} {file.name}: exit {ended.returncode}: {ended.stdout[-300:]}")


def main() -> None:
    """The long form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", type=int, nargs="?", default=10)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--count", action="append", default=[])
    parser.add_argument("--check", action="append", default=[])
    options = parser.parse_args()
    report = tortured(options.kills, options.seed, counts=options.count, checks=options.check)
    print(report)  # noqa: T201 - what the script is for
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
