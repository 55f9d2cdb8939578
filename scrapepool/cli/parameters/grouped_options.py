"""Help whose options stand under subjects, each with its default and unit, and how help reaches standard output."""

from __future__ import annotations

from typing import Any

import click

from ..standard_streams import say

LAST = "Help"  # the subject of what has none


class GroupedOption(click.Option):
    """An option that knows its subject. bare: its value where it stands without one, None where it needs one."""

    def __init__(self, *args: Any, subject: str, bare: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject = subject
        self.bare = bare


class FetchOption(GroupedOption):
    """An option of ``fetch``, also where another command has it: of one name in the environment and in files.

    guarded: it reads or writes files, sends secrets, or chooses where requests go, so that a configuration file which
    the user did not name may not set it. All options that take the name of a file are guarded.
    """

    def __init__(self, *args: Any, guarded: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guarded = guarded or getattr(self.type, "guarded", False)
        self.allow_from_autoenv = False  # Click would take the parameter's name, which is not always the option's
        self.envvar = f"SCRAPEPOOL_FETCH_{self.key.upper().replace('-', '_')}"

    @property
    def key(self) -> str:
        """Its long name, without the dashes."""
        return next(name for name in self.opts if name.startswith("--")).removeprefix("--")


class HelpfulCommand(click.Command):
    """A command whose --help is told as all output is where that is closed or full: Click's own raises OSError."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Click's, with our callback."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _say_help
        return option


class GroupedCommand(HelpfulCommand):
    """A command whose help lists options by subject, in the order in which subjects first appear, --help last."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give options that stand bare their value: Click's own way would take the next argument, a list, for it."""
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
        """Options with their help, by subject."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(param, "subject", LAST), []).append(record)
        if LAST in sections:
            sections[LAST] = sections.pop(LAST)
        return sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section a subject."""
        for subject, records in self.sections(ctx).items():
            with formatter.section(subject):
                formatter.write_dl(records)


def _say_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001 - Click's signature
    if value and not ctx.resilient_parsing:
        say(ctx.get_help())
        ctx.exit()
