"""Help whose options stand under subjects, each with its default and unit."""

from __future__ import annotations

from typing import Any

import click


class GroupedOption(click.Option):
    """An option that knows its subject."""

    def __init__(self, *args: Any, subject: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject = subject


class GroupedCommand(click.Command):
    """A command whose help lists options by subject, in the order in which subjects first appear."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section a subject."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(param, "subject", "Other"), []).append(record)
        for subject, records in sections.items():
            with formatter.section(subject):
                formatter.write_dl(records)
