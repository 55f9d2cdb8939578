"""Which lists and URLs a command line names.

Decides when standard input is read, and which combinations contradict each other. Opens nothing but standard input.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from ...errors import UsageError
from ...storage.urls import local_path
from ...text import printable, without_password

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...settings import InputSettings

STDIN = "standard input"

EXAMPLE = """give a list of URLs, a URL or a pipe, for example
  scrapepool fetch urls.txt -o results.jsonl
  scrapepool fetch https://example.org/
  cat urls.txt | scrapepool fetch - | jq .status"""


def sources_or_stdin(sources: Sequence[str], settings: InputSettings) -> Sequence[str]:
    """Return the lists and URLs that were given, or standard input if there are none.

    Raises UsageError if standard input is a terminal, and for an option about lists if only URLs are given.
    """
    if not sources and not settings.lists:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(EXAMPLE)
        return ("-",)
    option = "--input-format" if settings.format != "auto" else "--url-template" if settings.url_template else None
    if option and not settings.lists and all(map(_is_url, sources)):
        url = without_password(sources[0])
        raise UsageError(f"{option} is about lists, but {url} is fetched itself; use --list URL to read it as a list")
    return tuple(map(local_path, sources))


def all_names(sources: Sequence[str], settings: InputSettings) -> Sequence[str]:
    """Return all names that were given, those of ``--list`` included."""
    return (*sources, *settings.lists)


def are_several(sources: Sequence[str], settings: InputSettings) -> bool:
    """Return whether records must say which list a URL is from. URLs that are arguments are from no list."""
    urls = sum("://" in name if settings.glob else _is_url(name) for name in sources)
    lists = len(sources) - urls + len(settings.lists)
    return lists > 1 or (lists == 1 and urls > 0)


def standard_input(sources: Sequence[str], settings: InputSettings) -> BinaryIO | None:
    """Return standard input if it is named and open."""
    return sys.stdin.buffer if "-" in all_names(sources, settings) and sys.stdin is not None else None


def source_names(sources: Sequence[str], settings: InputSettings, read_as: Mapping[str, str] | None = None) -> str:
    """Return the names as they are shown in messages.

    read_as: formats by the names of lists. They are shown, with a hint how to choose another one.
    """
    formats = read_as or {}
    names = []
    for name in all_names(sources, settings):
        shown = STDIN if name == "-" else name
        found = formats.get(shown)
        names.append(printable(without_password(shown)) + ("" if found is None else f" (read as {found})"))
    hint = "; --input-format chooses another format" if formats and settings.format == "auto" else ""
    return ", ".join(names) + hint


def _is_url(source: str) -> bool:
    return source[:8].lower().startswith(("http://", "https://"))
