"""Every option of every command has an environment variable by its long name; other names are reported."""

from __future__ import annotations

from unittest import mock

import click
import pytest
from place import Place

from scrapepool.cli.parameters.grouped_options import FetchOption, GroupedOption
from scrapepool.cli.program import PROGRAM, cli
from tests.servers.polite import PoliteServer

CONTEXT = click.Context(cli, info_name=PROGRAM, **cli.context_settings)


@pytest.mark.parametrize("name", cli.list_commands(CONTEXT))
def test_each_option_is_read_from_the_environment(name: str) -> None:
    """The variable has the option's name; that of an option of fetch is the same in all commands."""
    command = cli.get_command(CONTEXT, name)
    assert command is not None
    with click.Context(command, info_name=name, parent=CONTEXT) as context:
        options = [param for param in command.params if isinstance(param, click.Option)]
        assert all(isinstance(option, GroupedOption) for option in options)
        for option in options:
            assert isinstance(option, GroupedOption)
            prefix = "SCRAPEPOOL_FETCH" if isinstance(option, FetchOption) else f"SCRAPEPOOL_{name.upper()}"
            variable = f"{prefix}_{option.key.upper().replace('-', '_')}"
            with mock.patch.dict("os.environ", {variable: "1"}):
                assert option.resolve_envvar_value(context) == "1", variable


def test_a_flag_of_another_name_in_the_code(place: Place) -> None:
    """``demo --list`` is such a flag."""
    place.environment["SCRAPEPOOL_DEMO_LIST"] = "1"
    place.environment["SCRAPEPOOL_DEMO_PORT"] = "8123"
    assert place.run("demo").out.startswith("http://127.0.1.1:8123/")


VARIABLE = "SCRAPEPOOL_FETCH_WORKER is ignored: unknown option; did you mean SCRAPEPOOL_FETCH_WORKERS?\n"


@pytest.mark.parametrize("command", ["fetch", "plan", "retry", "config"])
def test_a_misspelt_variable_is_reported_and_ignored(place: Place, command: str) -> None:
    """Every command that takes the options of fetch says so. It may be an option of another version: no error."""
    place.write("records.jsonl", '{"url": "http://127.0.0.1:1/", "outcome": "ok"}\n')
    place.environment["SCRAPEPOOL_FETCH_WORKER"] = "8"
    rest = {"fetch": ["--retries", "0", "-o", "out.jsonl"], "plan": ["--offline"]}.get(command, [])
    ran = place.run(command, "records.jsonl", *rest)
    assert ran.code == (1 if command == "fetch" else 0)
    assert VARIABLE in ran.err


def test_variables_that_are_no_misspelling(place: Place) -> None:
    """The file, the request of a shell for completions, an empty variable, and options of other commands are silent."""
    place.environment |= {
        "SCRAPEPOOL_FETCH_CONFIG": "/dev/null",
        "SCRAPEPOOL_FETCH_NOTHING": "",
        "SCRAPEPOOL_FETCH_WORKERS": "8",
        "SCRAPEPOOL_DEMO_PORT": "8123",
        "_SCRAPEPOOL_COMPLETE": "",
    }
    assert place.run("plan", "--offline", "http://127.0.0.1:1/").err == ""


def test_a_variable_that_resembles_no_option(place: Place) -> None:
    """Nothing is suggested, and no character of its name acts on a terminal."""
    place.environment["SCRAPEPOOL_FETCH_ZZZ\x1b"] = "1"
    said = place.run("plan", "--offline", "http://127.0.0.1:1/").err
    assert said == "SCRAPEPOOL_FETCH_ZZZ\\x1b is ignored: unknown option\n"


@pytest.mark.parametrize("option", [("--quiet",), ("--cron", "--splay", "0")])
def test_a_quiet_run_writes_opening_notes_to_its_log_only(place: Place, option: tuple[str, ...]) -> None:
    """Cron sends mail for every line."""
    with PoliteServer() as server:
        place.environment["SCRAPEPOOL_FETCH_WORKER"] = "8"
        place.write("scrapepool.toml", "retries = 1\n")
        ran = place.run("fetch", server.url("/page"), "-o", "out.jsonl", "--log-file", "log", *option)
    assert (ran.code, ran.err) == (0, "")
    log = (place.folder / "log").read_text()
    assert VARIABLE in log
    assert "reading options from scrapepool.toml\n" in log
