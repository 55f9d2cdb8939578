"""``--since``: runs that know the last one, against a site that changes from night to night."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from running import Ran, ended, here, program

from scrapepool.demo.wire import Request
from tests.servers.changing import ChangingSite
from tests.servers.pages import Response
from tests.servers.polite import PoliteServer

PAGES, NIGHTS = 112, 8
OPTIONS = ("-q", "--no-robots", "--retries", 0, "--fail-if", "ok<0")


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def changes(path: Path, server: PoliteServer) -> list[str]:
    """By the number of the page."""
    found = {record["url"]: record["change"] for record in records(path)}
    return [found[server.url(f"/page/{number}")] for number in range(len(found))]


def write_list(path: Path, server: PoliteServer, pages: int) -> Path:
    path.write_text("".join(f"{server.url(f'/page/{number}')}\n" for number in range(pages)))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jsonl", "csv", "db", "parquet"])
def test_every_change_of_a_site_is_reported(capfd: pytest.CaptureFixture[str], tmp_path: Path, form: str) -> None:
    """Each run knows only the last one, in every form that records have."""
    site = ChangingSite(PAGES, NIGHTS)
    option = {"db": "--sqlite", "parquet": "--parquet"}.get(form, "-o")
    with PoliteServer(handler=site) as server:
        urls = write_list(tmp_path / "urls.txt", server, PAGES)
        last: tuple[object, ...] = ()
        for site.night in range(NIGHTS):
            out = tmp_path / f"{site.night}.{form}"
            plain = tmp_path / "plain.jsonl"
            args = ("fetch", urls, *OPTIONS, option, out, *last)
            ran = here(capfd, *args, *(() if form == "jsonl" else ("-o", plain) if form in ("db",) else ()))
            assert ran == (0, "", "")
            changes = {record["url"]: record.get("change") for record in read_back(capfd, out)}
            if last:
                found = [changes[server.url(f"/page/{number}")] for number in range(PAGES)]
                assert found == site.truth(), site.night
            last = ("--since", out)


def read_back(capfd: pytest.CaptureFixture[str], out: Path) -> list[dict[str, Any]]:
    """The records of a file of any form."""
    from scrapepool.cli.arguments.record_arguments import watched_records

    return [dict(record) for _, record in watched_records(str(out), print)]


def test_what_has_not_changed_is_not_sent_again(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Servers with validators send nothing. The digest decides for others, and for one with a new ETag each time."""
    site = ChangingSite(PAGES, 1)
    site.nights *= 2  # nothing changes
    with PoliteServer(handler=site) as server:
        urls = write_list(tmp_path / "urls.txt", server, PAGES)
        first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
        assert here(capfd, "fetch", urls, *OPTIONS, "-o", first).code == 0
        site.bodies.clear()
        site.night = 1
        assert here(capfd, "fetch", urls, *OPTIONS, "-o", second, "--since", first).code == 0
        assert +site.bodies == dict.fromkeys(("nothing", "new_etag", "one_etag"), PAGES / 8)
        assert set(changes(second, server)) == {"same", "unknown"}
    before = {record["url"]: record for record in records(first)}
    for record in records(second):
        old = before[record["url"]]
        if record["outcome"] == "unchanged" and record["change"] == "same":
            for name in ("sha256", "bytes", "etag", "last_modified", "charset", "final_url"):
                assert record[name] == old[name], name
            assert record["wire_bytes"] == 0


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    """What it has recorded is right, and so is the rest; --since is read again."""
    pages = 350
    site = ChangingSite(pages, 3)
    with PoliteServer(handler=site) as server:
        urls = write_list(tmp_path / "urls.txt", server, pages)
        last, out = tmp_path / "0.jsonl", tmp_path / "2.jsonl"
        assert ended(program("fetch", urls, *OPTIONS, "-o", last)).code == 0
        site.nights[1] = site.nights[0]
        site.night = 2
        process = program("fetch", urls, *OPTIONS, "-o", out, "--since", last, "--rate", 300)
        while not out.exists() or out.read_bytes().count(b"\n") < 50:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(records_so_far(out)) < pages
        ran = ended(program("fetch", urls, *OPTIONS, "-o", out, "--since", last, "--resume"))
        assert ran.code == 0
        assert len(records(out)) == pages
        assert changes(out, server) == site.truth()


def records_so_far(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]


def test_counts_of_changes_are_reported(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The summary, the display of a run, and --fail-if have them."""
    site = ChangingSite(PAGES, 2, seed=3)
    with PoliteServer(handler=site) as server:
        urls = write_list(tmp_path / "urls.txt", server, PAGES)
        first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
        assert here(capfd, "fetch", urls, *OPTIONS, "-o", first).code == 0
        site.night = 1
        truth = site.truth()
        summary = tmp_path / "summary.json"
        args = ("fetch", urls, *OPTIONS[1:], "-o", second, "--since", first, "--summary-json", summary)
        ran = here(capfd, *args, "--progress", "none", "--fail-if", "gone>0")
    counts = {word: truth.count(word) for word in ("new", "changed", "same", "gone", "back", "unknown")}
    assert counts["gone"]
    assert counts["changed"]
    assert ran.code == 1
    line = "  ".join(f"{word} {number}" for word, number in counts.items() if number)
    assert f"changes   {line}\n" in ran.err
    assert json.loads(summary.read_text())["changes"] == counts


def test_a_failure_keeps_what_was_known(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The run after it can still compare, and request the page conditionally."""
    answers = [Response(200, [("ETag", '"1"')], b"page"), Response(503, body=b"later")]
    asked: list[str | None] = []

    def answer(request: Request) -> Response:
        tag = dict(request.headers).get("If-None-Match")
        asked.append(tag)
        return Response(304) if tag == '"1"' and len(asked) > 2 else answers[min(len(asked) - 1, 1)]

    with PoliteServer(handler=answer) as server:
        out = [tmp_path / f"{number}.jsonl" for number in range(3)]
        for number in range(3):
            since = ("--since", out[number - 1]) if number else ()
            here(capfd, "fetch", server.url("/"), *OPTIONS, "-o", out[number], *since)
    (first,), (failed,), (last,) = map(records, out)
    assert asked == [None, '"1"', '"1"']
    assert (failed["change"], failed["before"]["sha256"], failed["before"]["etag"]) == (
        "unknown",
        first["sha256"],
        '"1"',
    )
    assert (last["outcome"], last["change"], last["sha256"]) == ("unchanged", "same", first["sha256"])
    assert "before" not in last


def test_conditions_are_for_the_url_that_they_came_from(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A redirect is asked without them, and where it leads with them; another method, row or Vary without."""
    asked: list[tuple[str, str, str | None]] = []

    def answer(request: Request) -> Response:
        headers = dict(request.headers)
        asked.append((request.method, request.target, headers.get("If-None-Match")))
        if request.target == "/old":
            return Response(302, [("Location", "/new")])
        if headers.get("If-None-Match") == '"1"':
            return Response(304)
        return Response(200, [("ETag", '"1"'), ("Vary", "accept-language, Cookie")], b"page")

    with PoliteServer(handler=answer) as server:
        out = tmp_path / "1.jsonl"
        args = ("fetch", server.url("/old"), *OPTIONS, "-H", "Accept-Language: da")
        here(capfd, *args, "-o", out)
        again = (("--since", out), ("--since", out, "-H", "Cookie: a=b"), ("--since", out, "-X", "HEAD"))
        ran = [here(capfd, *args, *more).records[0] for more in again]
    assert [record["change"] for record in ran] == ["same", "same", "new"]
    assert [entry[2] for entry in asked] == [None, None, None, '"1"', None, None, None, None]
    assert "a=b" not in out.read_text()


def test_an_unsolicited_304_says_nothing(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """That holds whatever is known of the page."""
    with PoliteServer(handler=lambda _: Response(304)) as server:
        url = server.url("/")
        out = tmp_path / "1.jsonl"
        out.write_text(f"{json.dumps({'url': url, 'outcome': 'ok', 'status': 200, 'sha256': 'aa', 'bytes': 3})}\n")
        (record,) = here(capfd, "fetch", url, *OPTIONS, "--since", out).records
    assert (record["outcome"], record["change"], record["sha256"]) == ("unchanged", "unknown", None)
    assert record["detail"] == "the server sent 304 to a request without a condition"


@pytest.mark.slow
def test_fields_decide_where_that_is_wanted(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A new nonce is no change then; a page without the field says nothing."""
    bodies = iter(["<p>5 kr</p>1", "<p>5 kr</p>2", "<p>6 kr</p>3", "4"])
    args = ("--select", "price=css:p", "--change-by", "data.price")
    changes = []
    with PoliteServer(
        handler=lambda _: Response(200, [("Content-Type", "text/html")], next(bodies).encode())
    ) as server:
        last = tmp_path / "0.jsonl"
        here(capfd, "fetch", server.url("/"), *OPTIONS, *args[:2], "-o", last)
        for number in (1, 2, 3):
            out = tmp_path / f"{number}.jsonl"
            here(capfd, "fetch", server.url("/"), *OPTIONS, *args, "--since", last, "-o", out)
            changes += [record["change"] for record in records(out)]
            last = out
    assert changes == ["same", "changed", "unknown"]


def test_values_out_of_pages_stay_with_a_304(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """There is no page to take them out of."""

    def answer(request: Request) -> Response:
        fields = [("ETag", '"1"'), ("Content-Type", "text/html")]
        return Response(304, fields) if "If-None-Match" in dict(request.headers) else Response(200, fields, b"<p>5</p>")

    with PoliteServer(handler=answer) as server:
        args = ("fetch", server.url("/"), *OPTIONS, "--select", "price=css:p")
        out = tmp_path / "1.jsonl"
        here(capfd, *args, "-o", out)
        (record,) = here(capfd, *args, "--since", out).records
    assert (record["outcome"], record["data"], record["content_type"]) == ("unchanged", {"price": "5"}, "text/html")


def test_the_last_of_several_files_goes_first(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It counts as far as it says something about a page. A folder counts as its files."""
    with PoliteServer(handler=lambda _: Response(200, body=b"page")) as server:
        url = server.url("/")
        now = here(capfd, "fetch", url, *OPTIONS).records[0]["sha256"]

        def changes(*digests: str | None) -> str:
            files: list[object] = []
            for number, digest in enumerate(digests):
                path = tmp_path / f"{number}.jsonl"
                state = {"outcome": "failed", "error": "dns"} if digest is None else {"outcome": "ok", "sha256": digest}
                path.write_text(f"{json.dumps({'url': url, **state})}\n")
                files += ["--since", path]
            return str(here(capfd, "fetch", url, *OPTIONS, *files).records[0]["change"])

        assert changes("aa", now) == "same"
        assert changes(now, "aa") == "changed"
        assert changes(now, None) == "same"
        assert changes(None) == "new"
        folder = tmp_path / "parts"
        folder.mkdir()
        (folder / "a.jsonl").write_text(json.dumps({"url": url, "outcome": "ok", "sha256": now}) + "\n")
        assert here(capfd, "fetch", url, *OPTIONS, "--since", folder).records[0]["change"] == "same"


def test_records_come_through_a_pipe(tmp_path: Path) -> None:
    """They can, if the list does not."""
    with PoliteServer() as server:
        url = server.url("/page")
        out = tmp_path / "1.jsonl"
        ended(program("fetch", url, *OPTIONS, "-o", out))
        with out.open() as stream:
            assert ended(program("fetch", url, *OPTIONS, "--since", "-", stdin=stream)).records[0]["change"] == "same"


@pytest.mark.slow
def test_a_database_is_its_own_last_run(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It is read before it is written to, and an unchanged page's row keeps its body."""
    site = ChangingSite(PAGES, NIGHTS, seed=5)
    base = tmp_path / "site.db"
    with PoliteServer(handler=site) as server:
        urls = write_list(tmp_path / "urls.txt", server, PAGES)
        for site.night in range(NIGHTS):
            ran = here(capfd, "fetch", urls, *OPTIONS, "--sqlite", base, "--body", "--since", base, "--since-if-there")
            assert ran.code == 0
            changes = {record["url"]: record["change"] for record in read_back(capfd, base)}
            assert [changes[server.url(f"/page/{number}")] for number in range(PAGES)] == site.truth()


@pytest.mark.parametrize("outputs", [(), ("-o", "out.jsonl")])
def test_a_database_that_is_its_own_last_run_is_not_resumed(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, outputs: tuple[str, ...]
) -> None:
    """Its rows do not say of which night they are: those of the last night would pass for done."""
    (tmp_path / "link.db").symlink_to(tmp_path / "site.db")
    args = ("fetch", "http://127.0.0.1:1/", "-q", *(tmp_path / word if "." in word else word for word in outputs))
    for name in ("site.db", "link.db"):
        ran = here(
            capfd, *args, "--sqlite", tmp_path / "site.db", "--since", tmp_path / name, "--since-if-there", "--resume"
        )
        assert (ran.code, ran.out) == (2, "")
        assert f"--since {tmp_path / name} contradicts --resume" in ran.err
        assert "without --resume" in ran.err


def test_a_folder_of_nights_with_tonight_in_it(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Tonight's own records are not earlier ones, also where --resume goes on with them."""
    status = 200
    with PoliteServer(handler=lambda _: Response(status, body=b"page")) as server:
        nights = tmp_path / "nights"
        nights.mkdir()

        def changes(name: str, *options: str) -> str:
            args = ("fetch", server.url("/"), *OPTIONS, "-o", nights / name, "--since", nights, "--since-if-there")
            assert here(capfd, *args, *options).code == 0
            return str(records(nights / name)[0]["change"])

        assert [changes("1.jsonl"), changes("1.jsonl"), changes("2.jsonl")] == ["new", "new", "same"]
        status = 404
        assert [changes("3.jsonl"), changes("3.jsonl", "--resume"), changes("3.jsonl")] == ["gone"] * 3
        assert changes("4.jsonl", "--resume") == "same"


@pytest.mark.slow
def test_a_night_that_was_killed_is_one_of_a_folder(tmp_path: Path) -> None:
    """Nobody goes on with it. The next night knows its pages from there, and the others from the night before."""
    pages = 300
    site = ChangingSite(pages, 3, seed=6)
    site.nights[1] = site.nights[0]
    nights = tmp_path / "nights"
    nights.mkdir()
    with PoliteServer(handler=site) as server:
        urls = write_list(tmp_path / "urls.txt", server, pages)
        args = ("fetch", urls, *OPTIONS, "--since", nights, "--since-if-there", "--resume", "-o")
        assert ended(program(*args, nights / "0.jsonl")).code == 0
        site.night = 1
        process = program(*args, nights / "1.jsonl", "--rate", 200)
        while not (nights / "1.jsonl").exists() or (nights / "1.jsonl").read_bytes().count(b"\n") < 50:
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert len(records_so_far(nights / "1.jsonl")) < pages
        site.night = 2
        assert ended(program(*args, nights / "2.jsonl")).code == 0
        assert changes(nights / "2.jsonl", server) == site.truth()


@pytest.mark.slow
def test_a_database_goes_on_after_a_kill(tmp_path: Path) -> None:
    """The run begins again, and knows what the one that was killed found; each change is a version, once."""
    pages = 300
    site = ChangingSite(pages, 2, seed=4)
    base = tmp_path / "site.db"
    with PoliteServer(handler=site) as server:
        urls = write_list(tmp_path / "urls.txt", server, pages)
        args = ("fetch", urls, *OPTIONS, "--sqlite", base, "--since", base, "--since-if-there")
        assert ended(program(*args)).code == 0
        site.night, site.sent = 1, 0
        process = program(*args, "--rate", 100, "--fsync", "always")
        while site.sent < pages / 4:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert ended(program(*args)).code == 0
        truth = {server.url(f"/page/{number}"): change for number, change in enumerate(site.truth())}
    expected = {(url, change) for url, change in truth.items() if change not in ("same", "unknown")}
    with closing(sqlite3.connect(base)) as db:
        found = db.execute("SELECT url, change, run FROM versions WHERE run > 1").fetchall()
    assert sorted((url, change) for url, change, _ in found) == sorted(expected)
    assert {run for *_, run in found} == {2, 3}


def test_a_file_that_is_not_there(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Is an error, unless it may be missing; then everything is new."""
    with PoliteServer() as server:
        url = server.url("/page")
        gone = tmp_path / "gone.jsonl"
        ran = here(capfd, "fetch", url, *OPTIONS, "--since", gone)
        assert ran == (
            2,
            "",
            f"scrapepool: --since {gone}: No such file or directory; --since-if-there skips a file that does "
            "not exist yet, as on the first day\n",
        )
        ran = here(capfd, "fetch", url, *OPTIONS, "--since", gone, "--since-if-there")
        assert (ran.code, ran.records[0]["change"], ran.err) == (0, "new", "")


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("rain\n", [], "s.jsonl:1: not a record of scrapepool (no column url)\n"),
        ('{"url": "http://a/", "outcome": "ok"}\n{"url', ["--header", "If-None-Match: x"],
         "--since sends conditions itself, so --header If-None-Match contradicts it\n"),
        ("", ["--since", "-", "--since", "-"], "standard input can be read only once: --since has - twice\n"),
        ("", ["-o", "{path}"], "is read by --since and would be overwritten by --output; name another file\n"),
        ("", ["--change-by", "data.price"], "--change-by: the field data.price needs --select, --links or --text\n"),
        ("", ["--change-by", "rain"], "--change-by: unknown field: rain; choose from url,"),
    ],
)  # fmt: skip
def test_wrong_usage_of_since_is_reported(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, content: str, options: list[str], message: str
) -> None:
    """It is reported before anything is fetched or written."""
    path = tmp_path / "s.jsonl"
    path.write_text(content)
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--since", path, *(word.format(path=path) for word in options))
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert path.read_text() == content


@pytest.mark.parametrize("option", ["--since-if-there", "--change-by=url"])
def test_options_that_need_it(capfd: pytest.CaptureFixture[str], option: str) -> None:
    """They have no effect without --since."""
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", option)
    assert (ran.code, ran.err) == (2, f"scrapepool: {option.partition('=')[0]} needs --since\n")


def test_a_torn_file_is_read_as_far_as_it_goes(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A note says so. Records of a later version, which have more fields, are read, too."""
    with PoliteServer() as server:
        url = server.url("/page")
        (tmp_path / "s.jsonl").write_text(f'{json.dumps({"url": url, "outcome": "ok", "weather": [1]})}\n{{"url":"ht')
        ran: Ran = here(capfd, "fetch", url, "--no-robots", "--progress", "none", "--since", tmp_path / "s.jsonl")
    assert ran.code == 0
    assert ran.records[0]["change"] == "unknown"
    assert "s.jsonl: the last record is incomplete and was skipped\n" in ran.err


@pytest.mark.slow
def test_ctrl_c_while_records_are_read(tmp_path: Path) -> None:
    """Ends the run before it begins."""
    process = program("fetch", "http://127.0.0.1:1/", "--since", "-", stdin=-1)
    assert process.stdin is not None
    record = b'{"url": "http://a/1", "outcome": "ok"}\n'
    process.stdin.write(record * 20_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    try:
        process.stdin.write(record * 20_000)
        process.stdin.flush()
    except BrokenPipeError:
        pass
    assert process.wait(60) == 130


@pytest.mark.slow
def test_a_database_keeps_the_versions_of_pages(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A row for each change of each night, with its body; a database from before --since gets the table, too."""
    site = ChangingSite(PAGES, NIGHTS, seed=9)
    base = tmp_path / "site.db"
    expected = []
    with PoliteServer(handler=site) as server:
        urls = write_list(tmp_path / "urls.txt", server, PAGES)
        for site.night in range(NIGHTS):
            since = ("--since", base) if site.night else ()
            ran = here(capfd, "fetch", urls, *OPTIONS, "--sqlite", base, "--body", *since)
            assert ran.code == 0
            if site.night:
                changes = ((server.url(f"/page/{number}"), change) for number, change in enumerate(site.truth()))
                expected.append({(url, change) for url, change in changes if change not in ("same", "unknown")})
        with closing(sqlite3.connect(base)) as db:
            found = [
                set(db.execute("SELECT url, change FROM versions WHERE run = ?", (run,)))
                for run in range(2, NIGHTS + 1)
            ]
            assert found == expected
            lost = "SELECT count(*) FROM versions WHERE outcome = 'ok' AND sha256 NOT IN (SELECT sha256 FROM bodies)"
            assert db.execute(lost).fetchone() == (0,)
            by_run = dict(db.execute("SELECT run, changed FROM changes_by_run WHERE run > 1"))
            assert by_run == {run: sum(change == "changed" for _, change in one) for run, one in enumerate(expected, 2)}
            assert db.execute("SELECT count(*) FROM changes").fetchone() == (sum(map(len, expected)),)
