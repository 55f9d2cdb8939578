"""Configuration from a folder that one does not trust, through the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from place import Place

from scrapepool.cli.commands.fetch_command import fetch
from scrapepool.cli.parameters.grouped_options import FetchOption
from tests.servers.polite import PoliteServer

GUARDED = sorted(
    option.key
    for option in fetch.params
    if isinstance(option, FetchOption) and option.guarded and option.key != "config"
)

SOMEBODY = 65534


# -- what a file may set that nobody named -------------------------------------------------------


def test_what_reads_writes_sends_or_chooses_is_guarded() -> None:
    """Files, secrets, proxies, and what makes the URLs of requests."""
    assert {
        "base-url", "cacert", "cert", "cookies", "header-everywhere", "host-memory", "http-fallback", "insecure", "key",
        "keep-versions", "list", "log-file", "netrc", "output", "overwrite", "parquet", "proxy", "save-cookies",
        "save-dir", "sqlite", "summary-json", "url-template", "warc",
    } <= set(GUARDED)  # fmt: skip


def test_the_documentation_names_all_of_them() -> None:
    """They are in the list of options that a file which was only found may not set."""
    page = (Path(__file__).parents[2] / "docs" / "config.md").read_text(encoding="utf-8")
    listed = page.split("It may not set\n")[1].split("These end the program")[0]
    assert [key for key in GUARDED if f"`{key}`" not in listed] == []


EXAMPLES = {"list": '["urls.txt"]', "proxy": '"http://127.0.0.1:9"', "keep-versions": "0"} | dict.fromkeys(
    ("header-everywhere", "http-fallback", "insecure", "netrc", "overwrite"), "true"
)


OTHERS = '"text.warc"'


@pytest.mark.parametrize("key", GUARDED)
@pytest.mark.parametrize("name", ["scrapepool.toml", "pyproject.toml"])
def test_a_found_file_may_not_set_it(key: str, name: str, place: Place) -> None:
    """One line says which option, why, and how to allow it; named, the file may."""
    section = "[tool.scrapepool]\n" if name == "pyproject.toml" else ""
    place.write(name, f"{section}{key} = {EXAMPLES.get(key, OTHERS)}\n")
    assert place.complaint("config") == (
        f"{name}: {key}: not accepted from a file that you did not name, as it reads or writes files, "
        f"sends secrets, or chooses where requests go; to accept it, name the file: --config {name}"
    )
    allowed = place.run("config", "--config", name)
    assert "not accepted from" not in allowed.err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            'data = "@secret"',
            "data: not accepted from a file that you did not name, as it reads a file;",
        ),
        ('header = ["A: b", "@secret"]', "as it reads a file;"),
        ('data = "@\\nsecret"', "as it reads a file;"),
        ('template = "\\u001b[2J{url}"', "as it holds control characters, which a terminal may obey;"),
        ("header = {A = '\u202e'}", "as it holds control characters"),
        ('header = "A: ${SECRET}"', "as it names a variable of the environment, which may hold a secret;"),
        ('method = "${SECRET}"', "as it names a variable"),
        ("[host.'*']\ncredentials = 'me:${SECRET}'", "as it names a variable"),
        ("[host.'*']\nheaders = {A = '${SECRET}'}", "as it names a variable"),
    ],
)
def test_a_found_file_may_not_send_secrets(text: str, reason: str, place: Place) -> None:
    """Neither files nor the environment."""
    place.write("secret", "A: hush")
    place.environment = {"SECRET": "hush"}
    place.write("scrapepool.toml", text)
    said = place.complaint("config")
    assert reason in said
    assert "hush" not in said
    assert "not accepted from" not in place.run("config", "--config", "scrapepool.toml").err


def test_harmless_options_of_a_found_file_are_obeyed(place: Place, web: PoliteServer) -> None:
    """Standard error and the log say which file was read."""
    place.write("scrapepool.toml", "workers = 3\nheader = 'Accept-Language: de'\ndata = 'text'\nuser-agent = 'me'")
    ran = place.run("fetch", web.url("/echo"), "-o", "out.jsonl", "--log-file", "log", "--progress", "none")
    assert ran.code == 0
    assert ran.err.startswith("reading options from scrapepool.toml\n")
    assert "reading options from scrapepool.toml\n" in (place.folder / "log").read_text()
    ran = place.run("plan", "--offline", web.url("/echo"))
    assert ran.err == "reading options from scrapepool.toml\n"


def test_only_the_user_makes_it_quiet(place: Place, web: PoliteServer) -> None:
    """With -q the line is in the log only; a file cannot keep itself quiet."""
    place.write("scrapepool.toml", "quiet = true")
    args = ("fetch", web.url("/page"), "-o", "out.jsonl", "--log-file", "log")
    assert place.run(*args).err == "reading options from scrapepool.toml\n"
    assert place.run(*args, "-q").err == ""
    assert (place.folder / "log").read_text().count("reading options from scrapepool.toml\n") == 2
    place.environment = {"SCRAPEPOOL_FETCH_QUIET": "1"}
    assert place.run(*args).err == ""


def test_the_users_own_file_is_trusted(place: Place, web: PoliteServer) -> None:
    """It sets all options, and is named as well."""
    path = place.write("home/.config/scrapepool/config.toml", 'output = "mine.jsonl"\nheader = "X-A: ${WORD}"')
    place.environment = {"WORD": "x"}
    ran = place.run("fetch", web.url("/page"), "--progress", "none")
    assert ran.code == 0
    assert ran.err.startswith(f"reading options from {path}\n")
    assert (place.folder / "mine.jsonl").exists()


def test_no_line_is_shown_without_a_file(place: Place, web: PoliteServer) -> None:
    """There is no file to name."""
    ran = place.run("fetch", web.url("/page"), "-o", "out.jsonl", "--progress", "none", "--config", "/dev/null")
    assert "options" not in ran.err


# -- whose file it is ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scrapepool.toml", "pyproject.toml", "home/.config/scrapepool/config.toml"])
@pytest.mark.parametrize("mode", [0o646, 0o666, 0o602])
def test_a_file_that_others_may_write_is_refused(name: str, mode: int, place: Place) -> None:
    """It is accepted if it is named."""
    path = place.write(name, "[tool.scrapepool]\nworkers = 3" if name == "pyproject.toml" else "workers = 3")
    path.chmod(mode)
    shown = name if name.endswith("l.toml") or name == "pyproject.toml" else str(path)
    assert place.complaint("config") == (
        f"{shown}: not used, because others may write to it; to accept it, name the file: --config {shown}"
    )
    assert place.run("config", "--config", shown).code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", ["scrapepool.toml", "pyproject.toml", "home/.config/scrapepool/config.toml"])
def test_a_file_of_another_user_is_refused(name: str, place: Place) -> None:
    """It is accepted if it is named."""
    path = place.write(name, "[tool.scrapepool]\nworkers = 3" if name == "pyproject.toml" else "workers = 3")
    os.chown(path, SOMEBODY, -1)
    shown = str(path) if name.startswith("home") else name
    assert place.complaint("config") == (
        f"{shown}: not used, because it belongs to another user; to accept it, name the file: --config {shown}"
    )
    assert place.run("config", "--config", shown).code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_group_of_others_may_not_write_either(place: Place) -> None:
    """A group of one's own, which many systems make for each user, may."""
    path = place.write("scrapepool.toml", "workers = 3")
    path.chmod(0o664)
    os.chown(path, -1, SOMEBODY)
    assert "others may write to it" in place.complaint("config")
    os.chown(path, -1, os.getegid())
    assert place.run("config").code == 0


def test_a_pyproject_of_other_programs_is_none_of_our_business(place: Place) -> None:
    """Whoever may write to it, and however large it is."""
    place.write("pyproject.toml", "[project]\nname = 'scrapepool'\n").chmod(0o666)
    assert place.run("config").code == 0
    place.write("pyproject.toml", "[project]\n" + "# a comment\n" * 100_000)
    assert place.run("config").code == 0


# -- hostile files -------------------------------------------------------------------------------

HOSTILE = {
    "brackets": b"[" * 100_000,
    "arrays": b"workers = " + b"[" * 100_000,
    "tables": b"workers = " + b"{a=" * 60_000,
    "digits": b"workers = " + b"9" * 5_000,
    "digits within": b"retry-on = [" + b"9" * 5_000 + b"]",
    "hexadecimal digits": b"workers = 0x" + b"f" * 50_000,
    "a long number": b"workers = " + b"9" * 4_000,
    "a date": b"delay = 9999-99-99",
    "an offset": b"delay = 1979-05-27T07:32:00+99:99",
    "dots": b".".join([b"a"] * 100_000) + b" = 1",
    "dots in a header": b"[" + b".".join([b"a"] * 100_000) + b"]",
    "a long key": b"a" * 200_000 + b" = 1",
    "a key of two lines": b'"a\\nb\\u001b[31m" = 1',
    "a host of two lines": b'[host."a\\nb\\u009b31m"]\nx = 1',
    "a long value": b'workers = "' + b"x" * 200_000 + b'"',
    "NUL": b"workers = 3\0",
    "no UTF-8": b"workers = 3 # \xff",
    "UTF-16": "workers = 3".encode("utf-16"),
    "large": b"# " * 1_000_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_toml_is_one_line(kind: str, place: Place) -> None:
    """Exit code 2, and one short line without control characters."""
    (place.folder / "scrapepool.toml").write_bytes(HOSTILE[kind])
    named = [] if kind.startswith("dots") else ["--config", "scrapepool.toml"]  # which may take its time
    for said in (place.complaint("config"), place.complaint("config", *named)):
        assert said.startswith("scrapepool.toml: ")
        assert len(said) < 1100
        assert said.isprintable()


@pytest.mark.parametrize("name", ["scrapepool.toml", "pyproject.toml", "home/.config/scrapepool/config.toml"])
def test_what_is_no_regular_file_is_not_read(name: str, place: Place) -> None:
    """A FIFO would never end, nor would a device."""
    path = place.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    assert place.complaint("config").endswith("not a regular file, so it is not read as a configuration")
    path.unlink()
    path.symlink_to("/dev/zero")
    assert place.complaint("config").endswith("not a regular file, so it is not read as a configuration")


def test_a_pipe_may_be_named(place: Place) -> None:
    """``--config <(command)`` names one. A pipe without a writer and an endless device are refused."""
    os.mkfifo(place.folder / "pipe")
    assert place.complaint("config", "--config", "pipe") == "pipe: nobody writes to this pipe"
    assert "larger than" in place.complaint("config", "--config", "/dev/zero")
    reader, writer = os.pipe()
    os.write(writer, b"workers = 3")
    os.close(writer)
    try:
        assert "workers = 3 " in place.run("config", "--config", f"/dev/fd/{reader}").out
    finally:
        os.close(reader)


# -- values out of the environment ---------------------------------------------------------------

OURS = """
header = ["Authorization: Bearer ${TOKEN}", "Accept: ${KIND}"]
user-agent = "me/${TOKEN}"
workers = "${COUNT}"
proxy = "http://${NAME}:hush@proxy:3128"
data = "$${TOKEN} costs $5 and {$x}"
select = ["a=re:${TOKEN}"]
[host."example.org"]
credentials = "me:${TOKEN}"
headers = {Accept = "${KIND}", X-B = "${TOKEN}"}
"""


def test_variables_are_shown_as_an_ellipsis(place: Place) -> None:
    """They are so in every option, and in harmless header fields, too."""
    place.write("our.toml", OURS)
    place.environment = {"TOKEN": "hush1", "KIND": "hush2", "COUNT": "1234", "NAME": "hush3"}
    ran = place.run("config", "--config", "our.toml")
    assert ran.code == 0, ran.err
    assert "hush" not in ran.out
    assert "1234" not in ran.out
    for line in (
        'header = ["Authorization: …", "Accept: …"]',
        'user-agent = "me/…"',
        'workers = "…"',
        'proxy = "http://…:…@proxy:3128"',
        'data = "${TOKEN} costs $5 and {$x}"',
        'select = ["a=re:…"]',
        'credentials = "me:…"',
        'headers = ["Accept: …", "X-B: …"]',
    ):
        assert line in ran.out
    assert "hush" not in place.run("config", "--config", "our.toml", "--json").out


def test_variables_reach_the_server(place: Place, web: PoliteServer) -> None:
    """They are replaced in options and in sections. A doubled dollar sign stands for the text itself."""
    place.write("our.toml", 'header = "X-A: <${TOKEN}>"\ndata = "$${TOKEN}"\n[host."*"]\nheaders = {X-B = "${TOKEN}"}')
    place.environment = {"TOKEN": "hush"}
    ran = place.run("fetch", web.url("/echo"), "--config", "our.toml", "--body", "-o", "out.jsonl")
    assert ran.code == 0
    body = (place.folder / "out.jsonl").read_text()
    for text in ("<hush>", "${TOKEN}", "X-B"):
        assert text in body


def test_a_variable_that_is_not_set(place: Place) -> None:
    """Exit code 2: an empty token is never sent by mistake."""
    place.write("our.toml", 'header = "Authorization: Bearer ${NO_TOKEN}"')
    assert place.complaint("config", "--config", "our.toml") == (
        "our.toml: header: the environment has no variable NO_TOKEN; write $${NO_TOKEN} for the text itself"
    )


@pytest.mark.parametrize("text", ['workers = "${TOKEN}"', 'header = "${TOKEN}"', 'proxy = "${TOKEN}://x"'])
def test_a_value_that_does_not_fit_is_not_repeated(text: str, place: Place) -> None:
    """It may be a secret that was put into the wrong place."""
    place.write("our.toml", text)
    place.environment = {"TOKEN": "hush"}
    assert "is not valid" in place.complaint("config", "--config", "our.toml")


def test_keys_of_many_parts_are_parsed_in_time(place: Place) -> None:
    """As many dots as a line may have cost little time; see MAX_DOTS."""
    place.write("scrapepool.toml", "\n".join(".".join(f"k{n}" for n in range(200)) + f".x{m} = 1" for m in range(200)))
    assert "unknown option" in place.complaint("config")
