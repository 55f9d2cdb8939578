"""``scrapepool config`` and the configuration file, through the command line."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import click
import pytest
from place import Place

from scrapepool.cli.commands.fetch_command import fetch
from scrapepool.cli.config.config_values import keys
from scrapepool.cli.parameters.grouped_options import FetchOption
from scrapepool.cli.parameters.text_types import FileName

OPTIONS = [option for option in fetch.params if isinstance(option, FetchOption) and option.name != "config"]


def options(place: Place, *args: str) -> dict[str, Any]:
    """What ``config --json`` says of the options."""
    ran = place.run("config", "--json", *args)
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)["options"]


# -- which value holds ---------------------------------------------------------------------------


def test_precedence(place: Place) -> None:
    """The command line goes before the environment, that before the file, and that before the default."""
    place.write("scrapepool.toml", "retries = 7\nworkers = 7\nper-host = 7")
    place.environment = {"SCRAPEPOOL_FETCH_WORKERS": "8", "SCRAPEPOOL_FETCH_PER_HOST": "8"}
    said = options(place, "--per-host", "9")
    assert said["per-host"] == {"value": 9, "source": "command line"}
    assert said["workers"] == {"value": 8, "source": "SCRAPEPOOL_FETCH_WORKERS"}
    assert said["retries"] == {"value": 7, "source": "file:scrapepool.toml"}
    assert said["delay"] == {"value": 0, "source": "default"}


def test_every_option_is_there() -> None:
    """Every option of fetch has a name for files and for the environment, no two the same."""
    names = [key for option in OPTIONS for key in keys(option)]
    assert len(set(names)) == len(names) >= len(OPTIONS)
    assert len({option.envvar for option in OPTIONS}) == len(OPTIONS)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.key)
def test_every_option_can_be_set(option: FetchOption, place: Place) -> None:
    """Whatever an option's default is, it can be written into a file, under both spellings of its name."""
    example = _example(option)
    for key in {option.key, option.key.replace("-", "_")}:
        path = place.write("some.toml", f"{PARTNERS.get(option.key, '')}\n{key} = {json.dumps(example)}\n")
        said = options(place, "--config", str(path))[option.key]
        assert said["source"] == f"file:{path}"
        assert said["value"] == example


EXAMPLES = {"until": "06:00", "header": ["Accept: b"], "fields": ["url"], "retry-on": ["5xx"], "rate": 2.5, "proxy": "http://p:1",
            "base-url": "http://b/", "method": "HEAD", "user-agent": "me", "list": ["text"], "select": ["a=css:a"],
            "warc": "a.warc.gz", "name-template": "{hash}", "retry-budget": "150%",
            "fail-if": ["failures>5%"], "expect": ["type:image/*"],
            "resume": "all", "since": ["text"], "change-by": ["url"],
            "shard": "2/4", "warc-dedup": ["text"]}  # fmt: skip

PARTNERS = {"key": "cert = 'c'", "format": "output = 'parts/'"} | dict.fromkeys(
    ("name-template", "compress", "dedupe-bodies"), "save-dir = 'pages'"
)
"""What must stand beside an option."""


def _example(option: FetchOption) -> Any:
    if option.key in EXAMPLES:
        return EXAMPLES[option.key]
    if option.is_flag:
        return True
    if isinstance(option.type, click.Choice):
        return option.type.choices[-1]
    return "text" if isinstance(option.type, FileName | click.types.StringParamType) else 3


def test_names_in_the_environment(place: Place) -> None:
    """plan and config read fetch's variables; --header and --headers are distinguished."""
    place.environment = {"SCRAPEPOOL_FETCH_HEADER": "Accept: text/html", "SCRAPEPOOL_FETCH_HEADERS": "1"}
    said = options(place)
    assert said["header"] == {"value": ["Accept: text/html"], "source": "SCRAPEPOOL_FETCH_HEADER"}
    assert said["headers"] == {"value": True, "source": "SCRAPEPOOL_FETCH_HEADERS"}
    place.environment = {"SCRAPEPOOL_FETCH_WORKERS": "none"}
    assert place.complaint("config") == "SCRAPEPOOL_FETCH_WORKERS: 'none' is not a whole number"


# -- which file is read --------------------------------------------------------------------------


def test_the_first_file_of_four(place: Place) -> None:
    """--config, ./scrapepool.toml, ./pyproject.toml, the user's own: the first that there is, and no other."""
    user = place.write("home/.config/scrapepool/config.toml", "workers = 4\nretries = 4")
    assert options(place)["workers"] == {"value": 4, "source": f"file:{user}"}
    place.write("pyproject.toml", "[project]\nname = 'x'\n")
    assert options(place)["workers"]["value"] == 4
    place.write("pyproject.toml", "[tool.scrapepool]\nworkers = 3\n")
    said = options(place)
    assert said["workers"] == {"value": 3, "source": "file:pyproject.toml"}
    assert said["retries"]["source"] == "default"
    place.write("scrapepool.toml", "workers = 2")
    assert options(place)["workers"] == {"value": 2, "source": "file:scrapepool.toml"}
    place.write("other/pyproject.toml", "[tool.scrapepool]\nworkers = 1\n")
    assert options(place, "--config", "other/pyproject.toml")["workers"]["source"] == "file:other/pyproject.toml"
    place.environment = {"SCRAPEPOOL_FETCH_CONFIG": "other/pyproject.toml"}
    assert options(place)["workers"]["value"] == 1
    assert options(place, "--config", "/dev/null")["workers"]["source"] == "default"


def test_the_users_folder(place: Place) -> None:
    """XDG_CONFIG_HOME moves the user's folder; a relative one is ignored, as its specification says."""
    place.write("elsewhere/scrapepool/config.toml", "workers = 5")
    place.environment = {"XDG_CONFIG_HOME": str(place.folder / "elsewhere")}
    assert options(place)["workers"]["value"] == 5
    place.environment = {"XDG_CONFIG_HOME": "elsewhere"}
    assert options(place)["workers"]["source"] == "default"


def test_no_file_at_all(place: Place) -> None:
    """Without a file everything is the default, and the output says so."""
    assert {said["source"] for said in options(place).values()} == {"default"}
    assert place.run("config").out.startswith("# no configuration file\n")


def test_a_broken_file_of_others(place: Place) -> None:
    """A pyproject.toml that nobody can read is none of our business, unless it speaks of us."""
    place.write("pyproject.toml", "[tool\n")
    assert options(place)["workers"]["source"] == "default"
    place.write("pyproject.toml", "[project]\ndependencies = ['scrapepool']\n[tool.other\n")
    assert options(place)["workers"]["source"] == "default"
    place.write("pyproject.toml", "[tool.scrapepool\n")
    assert place.complaint("config").startswith("pyproject.toml: not valid TOML: ")


@pytest.mark.parametrize(
    "content",
    [
        " [ tool . 'scrapepool' ]\nworkers = 3",
        "[tool]\nscrapepool = {workers = 3}",
        "[tool]\nscrapepool.workers = 3",
        "tool.scrapepool.workers = 3",
        "tool = {scrapepool = {workers = 3}}",
    ],
)
def test_every_spelling_of_the_section_is_found(place: Place, content: str) -> None:
    """TOML has several spellings for one table."""
    place.write("pyproject.toml", content)
    assert options(place)["workers"] == {"value": 3, "source": "file:pyproject.toml"}


def test_help_needs_no_file(place: Place) -> None:
    """A broken file does not keep anyone from reading the help."""
    place.write("scrapepool.toml", "[")
    assert place.run("fetch", "--help").code == 0


# -- what is wrong with it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("workers = ", "scrapepool.toml: not valid TOML: Invalid value (at end of document)"),
        ("worker = 3", "scrapepool.toml: worker: unknown option; did you mean workers?"),
        ("xyz = 3", "scrapepool.toml: xyz: unknown option"),
        ("config = 'x'", "scrapepool.toml: config: unknown option; did you mean cron?"),
        ("help = true", "scrapepool.toml: help: unknown option"),
        ("workers = 'eight'", "scrapepool.toml: workers: 'eight' is not a whole number"),
        ("workers = true", "scrapepool.toml: workers: expected text or a number, not true or false"),
        ("workers = 2.5", "scrapepool.toml: workers: '2.5' is not a whole number"),
        ("workers = 0", "scrapepool.toml: workers: 0 is too small; the minimum is 1"),
        ("workers = [1, 2]", "scrapepool.toml: workers: '1,2' is not a whole number"),
        ("base-url = ['a', 'b']", "scrapepool.toml: base-url: expected text in quotes, not a list"),
        ("delay = true", None),
        ("delay = -1", None),
        ("delay = nan", None),
        ("delay = 07:32:00", "scrapepool.toml: delay: expected text or a number, not a date or time"),
        ("delay = '5 parsecs'", None),
        ("dedupe = 'no'", "scrapepool.toml: dedupe: expected true or false, not text"),
        ("dedupe = 0", "scrapepool.toml: dedupe: expected true or false, not a number"),
        ("output = 3128", "scrapepool.toml: output: expected text in quotes, not a number"),
        ("progress = 'loud'", None),
        ("header = 'no colon'", None),
        ("header = ['A: b', 3]", None),
        ("header = 3", None),
        ("retry-on = [429, '504-500']", "scrapepool.toml: retry-on: 504-500: the first status is above the last"),
        ("per-host = 1\nper_host = 2", "scrapepool.toml: per_host: the key appears twice, in two spellings"),
        ("host = 3", 'scrapepool.toml: host: expected sections, such as [host."example.org"]'),
        ("host.a = 3", 'scrapepool.toml: host."a": expected a section, such as [host."example.org"]'),
        (
            "[host.example.org]\ndelay = 2",
            'scrapepool.toml: host.example.org: write the host in quotes: [host."example.org"]',
        ),
        ("[host.'a']\nworkers = 3", 'scrapepool.toml: host."a".workers: unknown option'),
        ("[host.'a']\ndelay = 'x'", None),
        ("[host.'a']\nrobots = 'no'", 'scrapepool.toml: host."a".robots: expected true or false, not text'),
        ("[host.'a']\nper-host = 0", 'scrapepool.toml: host."a".per-host: 0 is too small; the minimum is 1'),
        ("[host.'a']\ncredentials = 'me'", 'scrapepool.toml: host."a": credentials have no colon; write user:password'),
        ("[host.'a']\nwindow = 'at night'", None),
        ("[host.'a']\nwindow = '01:00-02:00 Europe/Bärlin'", None),
        ("[host.'a']\nheaders = {A = true}", None),
        ("[host.'a*']", "scrapepool.toml: host: 'a*' is not a host; write example.org, *.example.org or *"),
        ("[host.'a']\n[host.'A']", "scrapepool.toml: host: two sections for the host A"),
    ],
)
def test_what_cannot_be_meant(text: str, line: str | None, place: Place) -> None:
    """One line says the file, the key and what is wrong, and the exit code is 2."""
    place.write("scrapepool.toml", text)
    complaint = place.complaint("config")
    if line is not None:
        assert complaint == line
    else:
        key = text.rpartition("\n")[2].partition(" = ")[0]
        assert complaint.startswith("scrapepool.toml: ")
        assert f"{key}: " in complaint


def test_files_that_cannot_be_read(place: Place) -> None:
    """A file that was named must be there, readable, text, and ours."""
    assert place.complaint("config", "--config", "none.toml") == "none.toml: no such file"
    assert place.complaint("config", "--config", ".") == ".: cannot be read: Is a directory"
    (place.folder / "latin.toml").write_bytes(b"user-agent = '\xe4'")
    assert place.complaint("config", "--config", "latin.toml") == "latin.toml: not UTF-8 at byte 14"
    place.write("pyproject.toml", "[tool.other]")
    assert (
        place.complaint("config", "--config", "pyproject.toml")
        == "pyproject.toml: the file has no section [tool.scrapepool]"
    )
    place.write("pyproject.toml", "[tool]\nscrapepool = 3")
    assert place.complaint("config") == "pyproject.toml: tool.scrapepool: expected a table"


def test_contradictions_are_refused(place: Place) -> None:
    """What fetch would refuse is refused here, wherever it comes from."""
    place.write("scrapepool.toml", "quiet = true")
    assert place.complaint("config", "--progress", "live") == "--quiet and --progress live contradict each other"


# -- what is printed -----------------------------------------------------------------------------

FULL = """
workers = 8
delay = "500ms"
retry_on = [503, 429]
retry-budget = "150%"
fields = ["url", "status"]
header = {Accept = "text/html", "Accept-Language" = "a\\tb"}
user-agent = "bücher/1"
[host."*.example.org"]
delay = 2
per-host = 1
robots = false
headers = ["Accept: b"]
window = "00:00 - 5:00 Europe/Berlin"
[host.'[::1]:8080']
delay = 0.25
"""


def test_the_output_is_a_configuration(place: Place) -> None:
    """What config prints can be used as the file, and says the same again."""
    place.write("scrapepool.toml", FULL)
    first = place.run("config", "-w", "5").out
    assert tomllib.loads(first)["workers"] == 5
    assert tomllib.loads(first)["host"]["*.example.org"]["window"] == "00:00-05:00 Europe/Berlin"
    place.write("again.toml", first)
    once, again = (json.loads(place.run("config", "--json", *args).out) for args in (["-w5"], ["--config=again.toml"]))
    assert {key: said["value"] for key, said in once["options"].items()} == {
        key: said["value"] for key, said in again["options"].items()
    }
    assert once["hosts"] == again["hosts"]
    assert (once["file"], again["file"]) == ("scrapepool.toml", "again.toml")


def test_hosts(place: Place) -> None:
    """A host's section says what it sets and no more."""
    place.write("scrapepool.toml", FULL)
    hosts = json.loads(place.run("config", "--json").out)["hosts"]
    assert hosts["[::1]:8080"] == {"delay": 0.25}
    assert hosts["*.example.org"] == {
        "delay": 2,
        "per-host": 1,
        "robots": False,
        "headers": ["Accept: b"],
        "window": "00:00-05:00 Europe/Berlin",
    }


def test_secrets_are_not_shown(place: Place) -> None:
    """Passwords and tokens do not reach the terminal, and what stands for them is not taken for one."""
    place.write(
        "scrapepool.toml",
        """proxy = "http://me:hush@proxy:3128"
        header = ["Authorization: Bearer hush", "X-Api-Key: hush", "Accept: text/html"]
        [host."example.org"]
        credentials = "me:hush"
        headers = {Cookie = "hush"}""",
    )
    for args in ([], ["--json"]):
        ran = place.run("config", "--config", "scrapepool.toml", *args)
        assert ran.code == 0
        assert "hush" not in ran.out
    place.write("copy.toml", place.run("config", "--config", "scrapepool.toml").out)
    assert "outside latin-1" in place.complaint("config", "--config", "copy.toml")


def test_lists_are_not_read(place: Place) -> None:
    """So config accepts any command line of fetch."""
    assert place.run("config", "no-such-list.txt", "-o", "no-such-folder/x.jsonl").code == 0
