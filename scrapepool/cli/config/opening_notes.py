"""The first lines of a command: where its options come from, and which environment variables set none.

Decides when these lines are shown, and that a variable which names no option is reported and ignored. In a
configuration file such a name is an error, since the file is for this program alone; an environment may be shared with
another version, which has other options.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from ...text import brief, printable
from ..parameters.grouped_options import FETCH_PREFIX, FetchOption
from .config_file import ConfigFile
from .config_values import did_you_mean

SET_BY_USER = frozenset({ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT})


def opening_notes(ctx: click.Context, values: Mapping[str, Any]) -> list[str]:
    """Return the lines, and show them on standard error unless the user asked for quiet. values: of the parameters.

    A configuration file cannot keep itself quiet.
    """
    config: ConfigFile = values["config"]
    notes = [*([] if config.note is None else [config.note]), *unknown_variables(ctx)]
    sources = {ctx.get_parameter_source(name) for name in ("quiet", "cron") if ctx.params[name]}
    if not (values["quiet"] and sources & SET_BY_USER):
        for note in notes:
            click.echo(printable(note), err=True)
    return notes


def unknown_variables(ctx: click.Context) -> list[str]:
    """Return a line for each variable that is named like an option of ``fetch`` and is none. Empty ones are unset."""
    given = {name for name, value in os.environ.items() if name.startswith(FETCH_PREFIX) and value}
    known = {str(option.envvar) for option in ctx.command.params if isinstance(option, FetchOption)} if given else set()
    return [
        f"{brief(name)} is ignored: unknown option{did_you_mean(name, known, prefix=FETCH_PREFIX)}"
        for name in sorted(given - known)
    ]
