"""Users and passwords in URLs: each is a request of its own, and no output shows a password."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from running import Ran, here

from tests.servers.polite import PoliteServer, Request, Response

SECRETS = ("pw1-secret", "pw2-secret", "key-secret")


def user_of(request: Request) -> str | None:
    """The user and password that a request has."""
    fields = {name.lower(): value for name, value in request.headers}
    value = fields.get("authorization")
    return None if value is None else base64.b64decode(value.removeprefix("Basic ")).decode()


class Door:
    """Remembers who knocked. Lets all in but those in ``refused``; ``/moved`` redirects to ``/new``."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str | None]] = []
        self.refused: set[str] = set()

    def __call__(self, request: Request) -> Response:
        user = user_of(request)
        self.requests.append((request.target, user))
        if request.target == "/moved":
            return Response(302, headers=[("Location", "/new")])
        body = b'<a href="b">b</a>'
        return Response(401 if user in self.refused else 200, headers=[("Content-Type", "text/html")], body=body)

    def taken(self) -> Counter[tuple[str, str | None]]:
        """The requests since the last call."""
        requests, self.requests = self.requests, []
        return Counter(requests)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def web(door: Door) -> Iterator[PoliteServer]:
    with PoliteServer(1, door) as server:
        yield server


def with_user(web: PoliteServer, userinfo: str, path: str = "/x") -> str:
    return web.url(path).replace("://", f"://{userinfo}@")


def fetch(capfd: pytest.CaptureFixture[str], *args: object) -> Ran:
    return here(capfd, "fetch", *args, "--no-robots", "--progress", "none")


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_users_and_passwords_make_targets(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, door: Door, tmp_path: Path
) -> None:
    """A URL with another user or password, or without, is another request; two spellings of the same are one."""
    users = ["ann:pw1-secret", "bob:pw2-secret", "ann:pw2-secret", "ann:pw%31-secret", "key-secret", "key-secret:"]
    urls = tmp_path / "urls"
    urls.write_text("\n".join([web.url("/x"), *(with_user(web, user) for user in users)]))
    ran = fetch(capfd, urls, "-o", "-")
    requested = [None, "ann:pw1-secret", "bob:pw2-secret", "ann:pw2-secret", "key-secret:"]
    assert door.taken() == Counter(("/x", user) for user in requested)
    by_line = {record["line"]: (record["url"], record["outcome"], record.get("request")) for record in ran.records}
    assert by_line == {
        1: (web.url("/x"), "ok", None),
        2: (with_user(web, "ann:***"), "ok", None),
        3: (with_user(web, "bob:***"), "ok", None),
        4: (with_user(web, "ann:***"), "ok", {"occurrence": 2}),
        5: (with_user(web, "ann:***"), "skipped", None),
        6: (with_user(web, "***"), "ok", None),
        7: (with_user(web, "***"), "skipped", None),
    }


@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.db", "out.parquet"])
@pytest.mark.parametrize("resume", ["--resume", "--resume=all"])
def test_resume_goes_by_user_and_password(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, door: Door, tmp_path: Path, output: str, resume: str
) -> None:
    """What one password fetched is skipped, and what another password failed at is not."""
    if output == "out.parquet":
        pytest.importorskip("pyarrow")
    urls = tmp_path / "urls"
    users = ["ann:pw1-secret", "ann:pw2-secret", "bob:pw1-secret", "key-secret"]
    urls.write_text("\n".join(with_user(web, user) for user in users))
    option = {"out.db": "--sqlite", "out.parquet": "--parquet"}.get(output, "-o")
    door.refused = {"ann:pw1-secret", "key-secret:"}
    assert fetch(capfd, urls, option, tmp_path / output).code == 1
    assert sum(door.taken().values()) == 4
    door.refused.clear()
    urls.write_text(
        urls.read_text() + "\n" + with_user(web, "bob:pw2-secret") + "\n" + with_user(web, "eve:pw1-secret")
    )
    assert fetch(capfd, urls, option, tmp_path / output, resume).code == (0 if resume == "--resume" else 1)
    new = Counter([("/x", "bob:pw2-secret"), ("/x", "eve:pw1-secret")])
    failed = Counter([("/x", "ann:pw1-secret"), ("/x", "key-secret:")])
    assert door.taken() == (new + failed if resume == "--resume" else new)


def test_resume_finds_passwords_wherever_the_list_has_them(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, door: Door, tmp_path: Path
) -> None:
    """A list that was put into another order is passed over, and a new password does not fetch successes again."""
    urls, out = tmp_path / "urls", tmp_path / "out.jsonl"
    urls.write_text("\n".join(with_user(web, "ann:pw1-secret", f"/{number}") for number in range(9)))
    assert fetch(capfd, urls, "-o", out).code == 0
    door.taken()
    urls.write_text("\n".join(with_user(web, "ann:pw2-secret", f"/{number}") for number in reversed(range(10))))
    assert fetch(capfd, urls, "-o", out, "--resume").code == 0
    assert door.taken() == Counter([("/9", "ann:pw2-secret")])


@pytest.mark.slow
def test_no_output_shows_a_password(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, door: Door, tmp_path: Path
) -> None:
    """Records of every format, database, archive, log, summary, plan, file names and messages; redirects and links."""
    pytest.importorskip("pyarrow")
    urls = tmp_path / "urls"
    port = web.url("/").rpartition(":")[2].strip("/")
    lines = [
        with_user(web, "ann:pw1-secret", "/a"),
        with_user(web, "ann:pw1-secret", "/a"),  # a repeat
        with_user(web, "ann:pw2-secret", "/moved"),
        with_user(web, "key-secret", "/c"),
        f"http://ann:pw1-secret@127.0.0.1:{port}0/",  # no such port
        "http://ann:pw1-secret@/",
        "http://ann:pw1-secret/more@127.0.0.1/",  # a slash that is not encoded
        "http://ann:pw1-secret#more@127.0.0.1/",
        "ftp://ann:pw1-secret@127.0.0.1/",
        "ann:pw1-secret@127.0.0.1/",
        "//ann:pw1-secret@127.0.0.1:99999/",
    ]
    urls.write_text("\n".join(lines))
    door.refused = {"key-secret:"}
    out = tmp_path / "out"
    out.mkdir()
    links = ["--links"]
    ran = fetch(
        capfd, urls, "-o", out / "out.jsonl", "--sqlite", out / "out.db", "--log-file", out / "log", "--verbose",
        "--summary-json", out / "summary.json", "--save-dir", out / "bodies", "--headers", *links,
    )  # fmt: skip
    assert ran.code == 1
    shown = [ran.out, ran.err]
    shown.append(fetch(capfd, urls, "-o", out / "out.csv", "--warc", out / "out.warc.gz", *links).err)
    shown.append(fetch(capfd, urls, "--parquet", out / "out.parquet").err)
    shown.append(fetch(capfd, urls, "--template", "{url} {final_url} {detail}").out)
    shown += here(capfd, "plan", urls, "--offline")[1:]
    shown += here(capfd, "plan", urls, "--offline", "--json")[1:]
    shown += here(capfd, "failed", out / "out.jsonl", "--class", "invalid_url,http_4xx")[1:]
    shown += here(capfd, "explain", out / "out.jsonl", with_user(web, "ann:pw1-secret", "/a"))[1:]
    shown += here(capfd, "explain", out / "out.jsonl", with_user(web, "ann:pw1-secret", "/none"))[1:]
    shown += here(capfd, "config", "--list", with_user(web, "ann:pw1-secret"))[1:]
    with closing(sqlite3.connect(out / "out.db")) as db:
        shown += db.iterdump()
    parquet = __import__("pyarrow.parquet").parquet.read_table(out / "out.parquet")
    shown.append(str(parquet.to_pylist()))
    import gzip

    archive = gzip.decompress((out / "out.warc.gz").read_bytes()).decode("latin-1")
    shown.append("\n".join(line for line in archive.splitlines() if not line.startswith("Authorization:")))
    for path in out.rglob("*"):
        shown.append(path.name)
        if path.is_file() and path.suffix not in (".gz", ".parquet", ".db"):
            shown.append(path.read_text(errors="replace"))
    for text in shown:
        for secret in SECRETS:
            assert secret not in text
    written = records(out / "out.jsonl")
    moved = next(record for record in written if record["redirects"])
    assert (moved["redirects"], moved["final_url"]) == ([with_user(web, "ann:***", "/moved")], web.url("/new"))
    assert all(record["data"] == {"links": [web.url("/b")]} for record in written if record["outcome"] == "ok")


def test_lists_by_their_url_show_no_password(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, door: Door, tmp_path: Path
) -> None:
    """Neither where one cannot be had, nor in what is relative to one: its URLs are requested with its user."""
    found = with_user(web, "ann:pw1-secret", "/list")
    ran = fetch(capfd, "--list", found, "--input-format", "html", "-o", "-")
    assert [record["url"] for record in ran.records] == [with_user(web, "ann:***", "/b")]
    assert door.taken() == Counter([("/list", "ann:pw1-secret"), ("/b", "ann:pw1-secret")])
    door.refused = {"ann:pw1-secret"}
    ran = fetch(capfd, "--list", found, "--input-format", "html", "-o", "-")
    assert (ran.code, ran.out) == (2, "")
    assert f"{with_user(web, 'ann:***', '/list')}: 401 Unauthorized" in ran.err
    assert "secret" not in ran.err


def test_a_hidden_password_is_not_sent(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, door: Door, tmp_path: Path
) -> None:
    """What ``failed`` prints of such URLs is rejected in words, and it says what takes the passwords from the list."""
    urls, out, again = tmp_path / "urls", tmp_path / "out.jsonl", tmp_path / "again"
    door.refused = {"ann:pw1-secret", "key-secret:"}
    urls.write_text("\n".join([with_user(web, "ann:pw1-secret"), with_user(web, "key-secret"), web.url("/gone")]))
    fetch(capfd, urls, "-o", out)
    door.taken()
    failed = here(capfd, "failed", out)
    assert sorted(failed.out.splitlines()) == [with_user(web, "***"), with_user(web, "ann:***")]
    assert "URLs whose passwords are hidden (***); only fetch --resume reads them from the list: 2" in failed.err
    again.write_text(failed.out)
    ran = fetch(capfd, again, "-o", "-")
    assert not door.taken()
    assert [record["error"] for record in ran.records] == ["invalid_url"] * 2
    assert "password is hidden" in str(ran.records[0]["detail"])


def test_explain_tells_users_apart(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, door: Door, tmp_path: Path
) -> None:
    """A URL is found with its password as it is and hidden; with another user it is only near."""
    urls, out = tmp_path / "urls", tmp_path / "out.jsonl"
    door.refused = {"bob:pw2-secret"}
    urls.write_text("\n".join([with_user(web, "ann:pw1-secret"), with_user(web, "bob:pw2-secret")]))
    fetch(capfd, urls, "-o", out)
    for userinfo in ("ann:pw1-secret", "ann:***"):
        ran = here(capfd, "explain", out, with_user(web, userinfo))
        assert (ran.code, ran.out.splitlines()[0]) == (0, with_user(web, "ann:***"))
    ran = here(capfd, "explain", out, web.url("/x"))
    assert ran.code == 1
    assert with_user(web, "bob:***") in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--glob", "http://ann:pw1-secret@127.0.0.1/[1-"],
        ["--glob", "http://ann:pw1-secret@127.0.0.1/{a"],
        ["ann:pw1-secret@example.org"],
        ["http:/ann:pw1-secret@example.org"],
        ["ftp://ann:pw1-secret@example.org"],
        ["http://ann:pw1-secret@127.0.0.1/", "--input-format", "csv"],
        ["missing", "--base-url", "http://ann:pw1-secret@[bad/"],
        ["missing", "--base-url", "http://ann:pw1-secret/@127.0.0.1/"],
    ],
)
def test_no_message_about_arguments_shows_a_password(capfd: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """That holds even for arguments that are no URL, no pattern and no file."""
    ran = fetch(capfd, *arguments)
    assert ran.code == 2
    assert ran.err
    assert "secret" not in ran.err
