"""Which lists and URLs a command line names.

Decides when standard input is read, and which combinations contradict each other. Opens nothing but standard input.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from ...errors import UsageError
from ...storage.urls import local_path
from ...text import printable, without_password
from ..parameters.grouped_options import is_typed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import click

    from ...settings import InputSettings

STDIN = "standard input"

ABOUT_LISTS = ("input_format", "url_template", "url_field")
"""Parameters that have no effect on URLs that are arguments."""

EXAMPLE = """give a list of URLs, a URL or a pipe, for example
  scrapepool fetch urls.txt -o results.jsonl
  scrapepool fetch https://example.org/
  cat urls.txt | scrapepool fetch - | jq .status"""


def sources_or_stdin(sources: Sequence[str], settings: InputSettings) -> Sequence[str]:
    """Return the lists and URLs that were given, or standard input if there are none.

    Raises UsageError if standard input is a terminal.
    """
    if not sources and not settings.lists:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(EXAMPLE)
        return ("-",)
    return tuple(map(local_path, sources))


def check_list_options(ctx: click.Context, sources: Sequence[str], settings: InputSettings) -> None:
    """Raise UsageError for an option about lists on the command line if only URLs are given.

    sources: as ``sources_or_stdin`` returns them.
    """
    if settings.lists or not all(map(is_url, sources)):
        return
    for name in ABOUT_LISTS:
        if is_typed(ctx, name):
            option, url = f"--{name.replace('_', '-')}", without_password(sources[0])
            raise UsageError(
                f"{option} is about lists, but {url} is fetched itself; use --list URL to read it as a list"
            )


class ListFormats:
    """The formats of lists, by name, as they become known.

    on_note: gets a line for each list that lacks the columns which ``--url-field`` needs; None if the command line does
    not have that option.
    """

    def __init__(self, on_note: Callable[[str], None] | None = None) -> None:
        self.by_name: dict[str, str] = {}
        self._on_note = on_note

    def add(self, name: str, form: str) -> None:
        """Take the format of a list."""
        from ...read.formats.detect import COLUMNS  # noqa: PLC0415 - a quick --help needs none of it

        self.by_name[name] = form
        if self._on_note is not None and form not in COLUMNS:
            self._on_note(f"--url-field names a column, but {without_password(name)} (read as {form}) has none")


def all_names(sources: Sequence[str], settings: InputSettings) -> Sequence[str]:
    """Return all names that were given, those of ``--list`` included."""
    return (*sources, *settings.lists)


def are_several(sources: Sequence[str], settings: InputSettings) -> bool:
    """Return whether records must say which list a URL is from. URLs that are arguments are from no list."""
    urls = sum("://" in name if settings.glob else is_url(name) for name in sources)
    lists = len(sources) - urls + len(settings.lists)
    return lists > 1 or (lists == 1 and urls > 0)


def standard_input(sources: Sequence[str], settings: InputSettings) -> BinaryIO | None:
    """Return standard input if it is named and open."""
    return sys.stdin.buffer if "-" in all_names(sources, settings) and sys.stdin is not None else None


def source_names(sources: Sequence[str], settings: InputSettings, formats: ListFormats | None = None) -> str:
    """Return the names as they are shown in messages.

    formats: are shown, with a hint how to choose another one.
    """
    read_as = {} if formats is None else formats.by_name
    names = []
    for name in all_names(sources, settings):
        shown = STDIN if name == "-" else name
        found = read_as.get(shown)
        names.append(printable(without_password(shown)) + ("" if found is None else f" (read as {found})"))
    hint = "; --input-format chooses another format" if read_as and settings.format == "auto" else ""
    return ", ".join(names) + hint


def is_url(source: str) -> bool:
    """Return whether an argument is a URL, and not a file."""
    return source[:8].lower().startswith(("http://", "https://"))
