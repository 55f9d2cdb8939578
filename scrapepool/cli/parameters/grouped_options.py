"""Commands whose help lists options in groups, and how help is written to standard output."""

from __future__ import annotations

import os
import re
from typing import Any

import click
from click.core import ParameterSource

from ...lazy_pattern import lazy_pattern
from ..standard_streams import echo

_NO_BREAK = "\N{NO-BREAK SPACE}"
_SHORT_DEFAULT = lazy_pattern(r"\[default: [^]]{1,20}\]")

COMPLETE = "_SCRAPEPOOL_COMPLETE"
"""The variable that a shell sets to request completions, by Click's convention."""

FETCH_PREFIX = "SCRAPEPOOL_FETCH_"
"""What the environment variables of all options of ``fetch`` begin with."""

LAST = "Help"
"""The group of options that name none; it comes last."""


def is_typed(ctx: click.Context, name: str) -> bool:
    """Return whether the value of a parameter is from the command line, and not from the environment or a file."""
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


class GroupedOption(click.Option):
    """An option that knows its group in the help. bare: its value if none is given, None if it needs one."""

    def __init__(self, *args: Any, group: str, bare: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group
        self.bare = bare

    @property
    def key(self) -> str:
        """The long name, without the dashes."""
        return next(name for name in self.opts if name.startswith("--")).removeprefix("--")

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value in the environment, by the long name. Click would use the parameter's, which can differ."""
        if self.envvar is not None or ctx.auto_envvar_prefix is None:
            return super().resolve_envvar_value(ctx)
        return os.environ.get(f"{ctx.auto_envvar_prefix}_{self.key.upper().replace('-', '_')}") or None


class FetchOption(GroupedOption):
    """An option of ``fetch``. Other commands that take it use the same name in the environment and in files.

    guarded: the option reads or writes files, sends secrets, or chooses where requests go. A configuration file that
    the user did not name may not set it. All options that take a file name are guarded.
    """

    def __init__(self, *args: Any, guarded: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guarded = guarded or getattr(self.type, "guarded", False)
        self.allow_from_autoenv = False  # Click would use the parameter's name, which can differ from the option's
        self.envvar = f"{FETCH_PREFIX}{self.key.upper().replace('-', '_')}"


class HelpfulCommand(click.Command):
    """A command whose --help reports a closed or full standard output as other output does; Click's raises OSError."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Give Click's own option our callback."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _echo_help
        return option


class GroupedCommand(HelpfulCommand):
    """A command whose help lists options by group, in the order in which the groups first appear, --help last."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give options without a value their ``bare`` one. Click alone would take the next argument, a list, for it."""
        bare = {
            name: option
            for option in self.params
            if isinstance(option, GroupedOption) and option.bare is not None
            for name in option.opts
        }
        end = args.index("--") if "--" in args else len(args)
        for place in range(end - 1, -1, -1):
            if (option := bare.get(args[place])) is not None:
                choices = getattr(option.type, "choices", ())
                given = set(args[place + 1 : place + 2]) & set(choices)
                value = args.pop(place + 1) if given else option.bare
                args[place] = f"{args[place]}={value}"
        return super().parse_args(ctx, args)

    def sections(self, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
        """List options with their help, by group."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(param, "group", LAST), []).append(record)
        if LAST in sections:
            sections[LAST] = sections.pop(LAST)
        return sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section per group. A short default is kept on one line."""
        for group, records in self.sections(ctx).items():
            with formatter.section(group):
                formatter.write_dl([(names, _SHORT_DEFAULT.sub(_unbroken, text)) for names, text in records])

    def get_help(self, ctx: click.Context) -> str:
        """Write the help as plain text."""
        return super().get_help(ctx).replace(_NO_BREAK, " ")


def _unbroken(found: re.Match[str]) -> str:
    return found[0].replace(" ", _NO_BREAK)


def _echo_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001 - Click's signature
    if value and not ctx.resilient_parsing:
        echo(ctx.get_help())
        ctx.exit()
