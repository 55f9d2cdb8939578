"""Which lists and URLs a command line names.

Decides when standard input is read, and which combinations cannot be meant. Opens nothing but standard input.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from ...errors import UsageError
from ...text import printable, without_password

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...settings import InputSettings

STDIN = "standard input"

EXAMPLE = """give a list of URLs, a URL, or a pipe, as in
  scrapepool fetch urls.txt -o results.jsonl
  scrapepool fetch https://example.org/
  cat urls.txt | scrapepool fetch - | jq .status"""


def sources_or_stdin(sources: Sequence[str], settings: InputSettings) -> Sequence[str]:
    """The lists and URLs that were given, standard input where there are none.

    Raises UsageError on a terminal, and where only URLs are given and something is said of lists.
    """
    if not sources and not settings.lists:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(EXAMPLE)
        return ("-",)
    option = "--input-format" if settings.format != "auto" else "--url-template" if settings.url_template else None
    if option and not settings.lists and all(map(_is_url, sources)):
        url = without_password(sources[0])
        raise UsageError(f"{option} is about lists, and {url} is fetched itself; a list by its URL is --list URL")
    return sources


def all_names(sources: Sequence[str], settings: InputSettings) -> Sequence[str]:
    """Everything that is named, those of ``--list`` too."""
    return (*sources, *settings.lists)


def are_several(sources: Sequence[str], settings: InputSettings) -> bool:
    """Whether a URL may come from one list or another, or from none: URLs that are arguments are no list."""
    urls = sum("://" in name if settings.glob else _is_url(name) for name in sources)
    lists = len(sources) - urls + len(settings.lists)
    return lists > 1 or (lists == 1 and urls > 0)


def standard_input(sources: Sequence[str], settings: InputSettings) -> BinaryIO | None:
    """Standard input, if it is named and there."""
    return sys.stdin.buffer if "-" in all_names(sources, settings) and sys.stdin is not None else None


def spoken(sources: Sequence[str], settings: InputSettings, read_as: Mapping[str, str] | None = None) -> str:
    """The names as a person is told them.

    read_as: formats by the names of lists; they are told, and how to choose another one.
    """
    formats = read_as or {}
    told = []
    for name in all_names(sources, settings):
        shown = STDIN if name == "-" else name
        found = formats.get(shown)
        told.append(printable(without_password(shown)) + ("" if found is None else f" (read as {found})"))
    hint = "; --input-format reads lists as another format" if formats and settings.format == "auto" else ""
    return ", ".join(told) + hint


def _is_url(source: str) -> bool:
    return source[:8].lower().startswith(("http://", "https://"))
