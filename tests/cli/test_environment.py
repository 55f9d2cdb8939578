"""Every option of every command has an environment variable by its long name."""

from __future__ import annotations

from unittest import mock

import click
import pytest
from place import Place

from scrapepool.cli.parameters.grouped_options import FetchOption, GroupedOption
from scrapepool.cli.program import PROGRAM, cli

CONTEXT = click.Context(cli, info_name=PROGRAM, **cli.context_settings)


@pytest.mark.parametrize("name", cli.list_commands(CONTEXT))
def test_each_option_is_read_from_the_environment(name: str) -> None:
    """By the name that the user sees, not by the name in the code; options of fetch by fetch's in all commands."""
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
