"""What docs/security.md promises: a test for each sentence of its lists, and no sentence without one."""

from __future__ import annotations

import gzip
import json
import os
import re
import ssl
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import trustme
from place import CommandResult, Place

from scrapepool.header import HARMLESS
from tests.servers.polite import PoliteServer, Request, Response

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")

PROMISED: list[str] = []


def promise(*sentences: str) -> Callable[[Any], Any]:
    """Which sentences of the page a test is about."""
    PROMISED.extend(sentences)
    return lambda test: test


def answer(request: Request) -> Response | None:
    """Odd responses by path."""
    if request.target == "/named":
        return Response(body=b"x", headers=[("Content-Disposition", 'attachment; filename="../../evil.sh"')])
    if request.target == "/controls":
        return Response(status=404, headers=[("Location", "http://x/\x1b[31m")], body=b"\x1b[31m")
    if request.target == "/bomb":
        body = gzip.compress(bytes(2_000_000))
        return Response(body=body, headers=[("Content-Encoding", "gzip")])
    if request.target.startswith("/set?"):
        return Response(
            302, [("Location", request.target[5:]), ("Set-Cookie", "a=hush"), ("Set-Cookie", "b=hush; Domain=0.2.2")]
        )
    return None


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    with PoliteServer(2, handler=answer) as server:
        yield server


def fetched(place: Place, *args: str, code: int | None = 0) -> tuple[CommandResult, list[dict[str, Any]]]:
    """What a run says, and its records."""
    ran = place.run("fetch", *args, "-o", "out.jsonl", "--no-robots", "--retries", "0", "--progress", "none")
    assert code is None or ran.code == code, ran.err
    path = place.folder / "out.jsonl"
    return ran, [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def away(web: PoliteServer, path: str = "/echo", via: str = "/redirect?status=302&to=") -> str:
    """A URL of the first host that leads to the second."""
    return web.url(via + quote(web.url(path, host=1), safe=":/" if via.startswith("/set") else ""))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_sentence_has_its_test() -> None:
    """Every test has its sentence, too."""
    said = [re.sub(r"\s+", " ", point) for point in re.findall(r"^- ((?:.|\n  )+)", PAGE, re.MULTILINE)]
    assert sorted(PROMISED) == sorted(said)


def test_the_page_lists_the_harmless_fields() -> None:
    """It lists all of them, and no other."""
    paragraphs = PAGE.split("## Redirects")[1].split("\n\n")
    assert {name.lower() for name in re.findall(r"`([^`]+)`", paragraphs[2])} == HARMLESS


# -- configuration -------------------------------------------------------------------------------


@promise(
    "The command line, the environment, a configuration file that they name and the one in your own folder may set "
    "every option.",
    "The value of an environment variable that a configuration file names as `${NAME}` is shown nowhere.",
)
@pytest.mark.parametrize("by", ["command line", "environment", "--config", "SCRAPEPOOL_FETCH_CONFIG", "own"])
def test_you_are_trusted(by: str, place: Place, web: PoliteServer) -> None:
    """An option that only these may set, and a secret."""
    place.environment = {"TOKEN": "hush"}
    args = {"command line": ["--log-file", "log"], "--config": ["--config", "mine.toml"]}.get(by, [])
    if by == "environment":
        place.environment["SCRAPEPOOL_FETCH_LOG_FILE"] = "log"
    elif by != "command line":
        name = "home/.config/scrapepool/config.toml" if by == "own" else "mine.toml"
        place.write(name, 'log-file = "log"\nuser-agent = "${TOKEN}"')
    if by == "SCRAPEPOOL_FETCH_CONFIG":
        place.environment[by] = "mine.toml"
    ran, _ = fetched(place, web.url("/page"), *args)
    assert (place.folder / "log").exists()
    shown = ran.err + (place.folder / "log").read_text() + place.run("config", *args).out
    assert "hush" not in shown


@promise(
    "A configuration file that was only found there cannot read or write files, send secrets, or choose where requests "
    "go.",
    "Standard error says which file was read.",
)
def test_a_found_file_is_not_trusted(place: Place, web: PoliteServer) -> None:
    """More in test_config_trust.py."""
    for text in ('log-file = "log"', "netrc = true", 'proxy = "http://127.0.0.1:9"', 'data = "@secret"'):
        place.write("scrapepool.toml", text)
        ran, _ = fetched(place, web.url("/page"), code=2)
        assert "name the file: --config scrapepool.toml" in ran.err
    place.write("scrapepool.toml", "workers = 2")
    ran, _ = fetched(place, web.url("/page"))
    assert "reading options from scrapepool.toml\n" in ran.err


@promise("One that belongs to anybody but you and root, or that others may write to, is not obeyed.")
def test_a_file_of_others_is_not_obeyed(place: Place, web: PoliteServer) -> None:
    """That holds whatever it contains."""
    path = place.write("scrapepool.toml", "workers = 2")
    path.chmod(0o666)
    assert "not used, because others may write to it" in fetched(place, web.url("/page"), code=2)[0].err
    if os.geteuid() == 0:
        path.chmod(0o644)
        os.chown(path, 65534, -1)
        assert "not used, because it belongs to another user" in fetched(place, web.url("/page"), code=2)[0].err


# -- lists ---------------------------------------------------------------------------------------


@promise("A list may name any address that this machine can reach, unless you say `--deny-private`.")
def test_addresses(place: Place, web: PoliteServer) -> None:
    """More in test_deny_private.py."""
    assert fetched(place, web.url("/page"))[1][0]["outcome"] == "ok"
    assert fetched(place, web.url("/page"), "--deny-private", code=None)[1][0]["error"] == "forbidden_address"


@promise("Only `http` and `https` are requested: a list cannot name a file of this machine.")
def test_schemes_of_lists(place: Place) -> None:
    """Other schemes, which another program would open, are rejected."""
    place.write("secret", "hush")
    place.write("urls.txt", f"file://{place.folder}/secret\nftp://127.0.0.1/x\ndata:text/plain,hush\n")
    _, records = fetched(place, "urls.txt", "--body", code=None)
    assert all(record["outcome"] == "skipped" and record["body"] is None for record in records)
    assert len(records) == 3


@promise("Text of a row is sent as it is: `@FILE` in its data or header fields reads no file.")
def test_rows_read_no_files(place: Place, web: PoliteServer) -> None:
    """On the command line, ``@FILE`` does."""
    place.write("secret", "A: hush")
    row = {"url": web.url("/echo"), "request": {"method": "POST", "data": "@secret", "headers": {"X-A": "@secret"}}}
    place.write("urls.jsonl", json.dumps(row))
    _, records = fetched(place, "urls.jsonl", "--body")
    assert records[0]["body"].count("@secret") == 2
    assert "hush" not in str(records)


@promise(
    "The name of a file below `--save-dir` never leads out of it.",
    "A server cannot choose the name of a file by `Content-Disposition`, unless `--name-template` has `{disposition}`.",
)
def test_names_of_bodies(place: Place, web: PoliteServer) -> None:
    """More in test_names.py and test_save_dir.py."""
    paths = ("/named", "/..%2f..%2fup", "/%2e%2e/%2e%2e/up", "/a/..%5c..%5cup")
    place.write("urls.txt", "".join(f"{web.url(path)}\n" for path in paths))
    fetched(place, "urls.txt", "--save-dir", "below/pages", "--name-template", "{path}", code=None)
    outside = [
        path for path in place.folder.rglob("*") if path.is_file() and place.folder / "below/pages" not in path.parents
    ]
    assert {path.name for path in outside} == {"urls.txt", "out.jsonl"}
    assert not list(place.folder.rglob("evil*"))


@promise(
    "Such a name of a server is made safe: it loses its folders, and the name of a file that is there gets a number."
)
def test_names_by_servers(place: Place, web: PoliteServer) -> None:
    """Only as the template asks for them; more in test_name_template_option.py."""
    place.write("below/pages/evil.sh", "mine")
    fetched(place, web.url("/named"), "--save-dir", "below/pages", "--name-template", "{disposition}")
    names = {path.relative_to(place.folder).as_posix() for path in place.folder.rglob("evil*")}
    assert names == {"below/pages/evil.sh", "below/pages/evil-2.sh"}
    assert (place.folder / "below/pages/evil.sh").read_text() == "mine"


@promise(
    "Control characters in a list do not reach the terminal.",
    "Control characters in a response do not reach the terminal.",
)
def test_control_characters(place: Place, web: PoliteServer) -> None:
    """More in tests/torture/hostile_lists.py."""
    (place.folder / "urls.txt").write_bytes(b"http://\x1b[31m/\nhttp://x\x9b31m/\n" + web.url("/controls").encode())
    ran, _ = fetched(place, "urls.txt", "-v", code=None)
    assert ran.err
    assert all(line.isprintable() for line in ran.err.splitlines())


# -- servers -------------------------------------------------------------------------------------


@promise("A redirect leads to `http` and `https` only.")
@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/", "data:text/plain,x", "javascript:x"])
def test_schemes_of_redirects(to: str, place: Place, web: PoliteServer) -> None:
    """Any other scheme is an error."""
    url = web.url("/redirect?status=302&to=" + quote(to, safe=""))
    assert fetched(place, url, code=1)[1][0]["error"] == "unsupported_scheme"


@promise(
    "Only harmless header fields follow a redirect to another origin, unless you say `--header-everywhere`.",
)
def test_fields_across_a_redirect(place: Place, web: PoliteServer) -> None:
    """More in test_header_option.py and test_redirect.py."""
    args = ["--body", "-H", "X-Functions-Key: hush", "-H", "Accept: text/plain"]
    assert "hush" not in fetched(place, away(web), *args)[1][0]["body"]
    assert "text/plain" in fetched(place, away(web), *args)[1][0]["body"]
    assert "hush" in fetched(place, away(web), *args, "--header-everywhere")[1][0]["body"]


@promise("User and password of a URL and of `~/.netrc` never follow a redirect to another origin.")
def test_credentials_across_a_redirect(place: Place, web: PoliteServer) -> None:
    """They are not sent, even with --header-everywhere."""
    place.write("netrc", "default login me password hush\n").chmod(0o600)
    place.environment = {"NETRC": str(place.folder / "netrc")}
    for url, args in ((away(web).replace("//", "//me:hush@", 1), []), (away(web), ["--netrc"])):
        body = fetched(place, url, "--body", "--header-everywhere", *args)[1][0]["body"]
        assert "Authorization" not in body


@promise("A cookie goes only to the host that set it, or to the domain that this host may set it for.")
def test_cookies_across_a_redirect(place: Place, web: PoliteServer) -> None:
    """More in test_cookies.py."""
    place.write("cookies", "")
    assert "hush" not in fetched(place, away(web, via="/set?"), "--body", "--cookies", "cookies")[1][0]["body"]
    near = web.url("/set?/echo")
    assert "a=hush" in fetched(place, near, "--body", "--cookies", "cookies")[1][0]["body"]


@promise("A server's certificate is verified, unless you say `--insecure`.")
def test_certificates(place: Place) -> None:
    """One that nobody vouches for is an error."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.2.1").configure_cert(context)
    with PoliteServer(tls=context) as server:
        assert fetched(place, server.url("/page"), code=1)[1][0]["error"] == "tls"
        assert fetched(place, server.url("/page"), "--insecure")[1][0]["outcome"] == "ok"


@promise("A body larger than `--max-size` is cut off, as received and as decoded.")
def test_sizes(place: Place, web: PoliteServer) -> None:
    """More in test_torture.py."""
    for path in ("/bytes/3000000", "/bomb"):
        assert fetched(place, web.url(path), "--max-size", "1MB", code=1)[1][0]["error"] == "too_large"


# -- secrets -------------------------------------------------------------------------------------


@promise("The password of a URL is shown as `***` in records, logs and messages.")
def test_passwords_of_urls(place: Place, web: PoliteServer) -> None:
    """More in test_passwords.py."""
    url = web.url("/status/404").replace("//", "//me:hush@")
    ran, records = fetched(place, url, "-v", "--log-file", "log", code=1)
    shown = ran.err + str(records) + (place.folder / "log").read_text()
    assert "hush" not in shown
    assert shown.count("me:***@") >= 3


@promise(
    "Records, logs and messages hold no header field of a request that may be a secret.",
    "The record of a row that failed holds the row's data and harmless header fields, so that `retry` can repeat it.",
)
def test_fields_of_requests(place: Place, web: PoliteServer) -> None:
    """Neither of the run nor of a row, whatever becomes of it."""
    own = {"headers": {"X-A": "hush", "Authorization": "hush", "Accept": "text/csv"}}
    place.write(
        "urls.jsonl",
        "".join(
            f"{json.dumps({'url': web.url(path), 'request': own})}\n" for path in ("/page", "/status/404", "/reset")
        ),
    )
    args = [
        "-v",
        "--log-file",
        "log",
        "--sqlite",
        "all.db",
        "--headers",
        "-H",
        "X-Functions-Key: hush",
        "-H",
        "Cookie: hush",
    ]
    ran, records = fetched(place, "urls.jsonl", *args, code=None)
    kept = {"X-A": "***", "Authorization": "***", "Accept": "text/csv"}
    said = [record.get("row_request") for record in records if record["outcome"] != "ok"]
    assert said
    assert said == [{"headers": kept}] * len(said)
    assert len(records) == 3
    shown = ran.err.encode() + str(records).encode() + (place.folder / "log").read_bytes()
    assert b"hush" not in shown + (place.folder / "all.db").read_bytes()


@promise("`scrapepool config` shows no password, and no header field but harmless ones.")
def test_what_config_shows(place: Place) -> None:
    """More in test_config_command.py."""
    ran = place.run("config", "-H", "X-Jwt: hush", "-H", "Accept: text/csv", "--proxy", "http://me:hush@proxy:3128")
    assert ran.code == 0
    assert "hush" not in ran.out
    assert "Accept: text/csv" in ran.out


@promise("An error in a file of header fields or cookies names the number of the line, never its content.")
def test_messages_about_files_of_secrets(place: Place, web: PoliteServer) -> None:
    """Its content may be the secret."""
    place.write("secret", "hush\n")
    for args in (["-H", "@secret"], ["--cookies", "secret"]):
        ran, _ = fetched(place, web.url("/page"), *args, code=2)
        assert "line 1 " in ran.err
        assert "hush" not in ran.err


@promise(
    "An archive of `--warc` holds requests as they were sent, `Authorization` and `Cookie` included, and is made with "
    "mode 0600, as is its index."
)
def test_archives(place: Place, web: PoliteServer) -> None:
    """Each file of an archive is private."""
    place.write("urls.txt", "".join(web.url(f"/page?{n}\n") for n in range(20)))
    fields = ["-H", "Authorization: Bearer hush", "-H", "Cookie: a=hush"]
    fetched(place, "urls.txt", "--warc", "all.warc", "--warc-size", "5kB", "--warc-cdx", *fields)
    archives = list(place.folder.glob("all*.warc"))
    assert len(archives) > 1
    indexes = list(place.folder.glob("all*.cdxj"))
    assert len(indexes) == len(archives)
    assert {mode(path) for path in archives + indexes} == {0o600}
    assert archives[0].read_bytes().count(b"hush") >= 2


@promise("A host memory and the cookies of `--save-cookies` are made with mode 0600.")
def test_host_memories_and_cookies(place: Place, web: PoliteServer) -> None:
    """SQLite's own files beside the former as well, as long as they are there."""
    fetched(place, web.url("/set?/page"), "--host-memory", "hosts", "--save-cookies", "cookies")
    assert mode(place.folder / "hosts") == mode(place.folder / "cookies") == 0o600
    assert "hush" in (place.folder / "cookies").read_text()


@promise("Records, databases, bodies and logs are made as your `umask` says, because other programs are to read them.")
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_outputs_for_other_programs(mask: int, place: Place, web: PoliteServer) -> None:
    """Private files are private for every umask."""
    before = os.umask(mask)
    try:
        fetched(place, web.url("/page"), "--sqlite", "all.db", "--save-dir", "pages", "--log-file", "log")
    finally:
        os.umask(before)
    body = next(
        path
        for path in (place.folder / "pages").rglob("*")
        if path.is_file() and "scrapepool" not in str(path.relative_to(place.folder))
    )
    for path in (place.folder / "out.jsonl", place.folder / "all.db", place.folder / "log", body):
        assert mode(path) == 0o666 & ~mask


@promise("Below `--save-dir` no link is followed, also one that comes during the run.")
def test_links_below_the_folder_of_bodies(place: Place, web: PoliteServer) -> None:
    """The linked folder stays empty, and the run says where the link is."""
    (place.folder / "victim").mkdir()
    (place.folder / "pages").mkdir()
    host = urlsplit(web.url("/")).netloc.replace(":", "_")
    (place.folder / "pages" / host).symlink_to("../victim")
    ran, _ = fetched(place, web.url("/page"), "--save-dir", "pages", code=3)
    assert f"pages/{host}: it is a link to ../victim" in ran.err
    assert not list((place.folder / "victim").iterdir())


@promise(
    "In `.scrapepool` only files with names that scrapepool makes are written or deleted; any other file ends the run.",
    "A FIFO, a hard link or another user's file in place of a file of scrapepool ends the run, and is not touched.",
)
@pytest.mark.parametrize("name", ["notes.tmp", "film.part", "lock", f"{'a' * 32}.part"])
def test_files_of_others_in_the_folder_for_work(name: str, place: Place, web: PoliteServer) -> None:
    """What has one of its names is a hard link here."""
    mine = place.write("mine", "mine")
    (place.folder / "pages/.scrapepool").mkdir(parents=True)
    (place.folder / "pages/.scrapepool" / name).hardlink_to(mine)
    ran, _ = fetched(place, web.url("/page"), "--save-dir", "pages", code=3)
    assert f"pages/.scrapepool/{name}:" in ran.err
    assert (place.folder / "pages/.scrapepool" / name).read_text() == mine.read_text() == "mine"


@promise("No body is called `scrapepool.toml` or `pyproject.toml`.")
@pytest.mark.parametrize("name", ["scrapepool.toml", "pyproject.toml", "PyProject.toml"])
def test_no_body_is_a_configuration_file(name: str, place: Place, web: PoliteServer) -> None:
    """Where bodies go into the current folder, the next run would obey it."""
    fetched(place, web.url(f"/{name}"), "--save-dir", ".", "--name-template", "{path}")
    assert (place.folder / f"_{name}").exists()
    assert not (place.folder / name).exists()


@promise("No output is written over a file that the run reads.")
def test_what_is_read_is_not_overwritten(place: Place, web: PoliteServer) -> None:
    """That holds whichever option reads it."""
    place.write("kept", "kept")
    ran, _ = fetched(place, web.url("/page"), "--data", "@kept", "--log-file", "kept", code=2)
    assert "kept is read by --data and would be overwritten by --log-file" in ran.err
    assert (place.folder / "kept").read_text() == "kept"


@promise("An archive that is there is replaced only with `--overwrite`.")
def test_archives_are_not_replaced(place: Place, web: PoliteServer) -> None:
    """A user who forgets --resume loses nothing."""
    fetched(place, web.url("/page"), "--warc", "a.warc")
    before = (place.folder / "a.warc").read_bytes()
    fetched(place, web.url("/page"), "--warc", "a.warc", code=2)
    assert (place.folder / "a.warc").read_bytes() == before
    fetched(place, web.url("/page"), "--warc", "a.warc", "--overwrite")
    assert (place.folder / "a.warc").read_bytes() != before
