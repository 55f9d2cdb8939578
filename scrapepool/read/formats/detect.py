"""Detects the format of a list.

A file name's suffix decides, else the Content-Type, else the first bytes. Reads no files.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import ListError
from ...lazy_pattern import lazy_pattern
from ...settings import InputSettings
from ..streams.line_endings import line_endings
from .archives import ARCHIVE_HEAD
from .rows import MAX_RECORD, RowFormat, TextRows, start_of

if TYPE_CHECKING:
    from .url_template import URLTemplate

AUTO = "auto"
DOCUMENTS = frozenset({"parquet", "sitemap", "feed", "html", "prose"})
"""Formats that are not rows of bytes; their links are written into a spool as rows."""

XML = frozenset({"sitemap", "feed"})
MARKUP = frozenset({*XML, "html"})
"""Formats that follow from a document's first element."""

COLUMNS = frozenset({"csv", "tsv", "jsonl", "parquet"})
"""Formats whose rows have named columns."""

SUFFIXES = {
    "txt": "text",
    "csv": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
    "pq": "parquet",
    "rss": "feed",
    "atom": "feed",
    "html": "html",
    "htm": "html",
    "xhtml": "html",
}
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")

MEDIA_TYPES = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/vnd.apache.parquet": "parquet",
    "application/rss+xml": "feed",
    "application/atom+xml": "feed",
    "text/html": "html",
    "application/xhtml+xml": "html",
}

HEAD = 64 * 1024
"""Bytes at the beginning of a list that are examined."""

MAX_BINARY_SHARE = 0.1
"""A list with NULs in which more than this share is NULs and invalid UTF-8 is a binary file. UTF-16, images, archives
and programs have a third and more."""

UTF16 = (b"\xff\xfe", b"\xfe\xff")
PARQUET = b"PAR1"
ROOTS = {
    "urlset": "sitemap",
    "sitemapindex": "sitemap",
    "rss": "feed",
    "feed": "feed",
    "rdf": "feed",
    "channel": "feed",
    "html": "html",
}
_ROOT = lazy_pattern(
    rb"(?>(?:\s++|<\?.*?\?>|<!--.*?-->|<!doctype(?:[^\[>]*+\[.*?\]\s*>|[^\[>]*+>))*)<(?:[\w.-]++:)?([\w.-]++)[\s/>]",
    re.IGNORECASE | re.DOTALL,
)
LONGEST_BRACKET = len(b"<https://")
_TAG = lazy_pattern(rb"<(?!https?://)[a-z!?/]", re.IGNORECASE)
_ARRAY = lazy_pattern(rb"\[\s*+(?:[\[{\"\]]|\Z)")
"""The beginning of a JSON array. An IPv6 address, which is a host, has digits behind its bracket."""


def format_of_name(name: str) -> str:
    """Return the format that the suffix of a file name means, ``auto`` if it means none."""
    stem = name.lower()
    for suffix in COMPRESSED:
        stem = stem.removesuffix(suffix)
    return SUFFIXES.get(stem.rpartition("/")[2].rpartition(".")[2], AUTO)


def is_xml_name(name: str) -> bool:
    """Whether a file name has the suffix ``.xml``."""
    stem = name.lower()
    for suffix in COMPRESSED:
        stem = stem.removesuffix(suffix)
    return stem.endswith(".xml")


def format_of_url(url: str) -> str:
    """Return the format that the suffix of a URL's path means, ``auto`` if it means none."""
    return format_of_name(re.split(r"[?#]", url, maxsplit=1)[0])


def format_of_type(content_type: str | None) -> str:
    """Return the format that a Content-Type means, ``auto`` if it means none."""
    return MEDIA_TYPES.get((content_type or "").partition(";")[0].strip().lower(), AUTO)


def format_of_bytes(head: bytes, url_field: str | None = None) -> str:
    """Return the format of a list by its first bytes, for which ``is_enough`` is True.

    url_field: the URL's column in a header row, None for the usual names.
    """
    if head.startswith(PARQUET):
        return "parquet"
    text = _markup(head)
    if text.startswith(b"{"):
        return "jsonl"
    if not _TAG.match(text):
        from .csv_header import begins_as_csv  # noqa: PLC0415 - a run without lists needs none

        return "csv" if begins_as_csv(line_endings(AUTO, text).with_newlines(text), url_field) else "text"
    return format_of_root(head) or ("sitemap" if text[:5].lower() == b"<?xml" else "html")


def format_of_root(head: bytes) -> str | None:
    """Return the format of markup by its first element, None if that is none of the known ones."""
    root = _ROOT.match(_markup(head))
    return None if root is None else ROOTS.get(root[1].decode("latin-1").lower())


def is_enough(kind: str, head: bytes) -> bool:
    """Whether ``head`` is long enough to detect the format and to call ``row_format``. kind: the format, or ``auto``.

    NULs may separate URLs or be part of an archive, which is recognized by its first block.
    """
    if b"\0" in head and len(head) < ARCHIVE_HEAD:
        return False
    from .csv_header import holds_first_row, holds_header  # noqa: PLC0415 - as above

    lines = line_endings(kind, head).with_newlines(head.removesuffix(b"\r"))
    match kind:
        case "csv" | "tsv":
            return len(head) >= MAX_RECORD or holds_header(lines, tabs=kind == "tsv")
        case "auto":
            text = _markup(lines)
            markup = text.startswith(b"<") and (len(text) < LONGEST_BRACKET or _TAG.match(text) is not None)
            whole = _ROOT.match(text) is not None if markup else holds_first_row(lines)
            return whole or len(head) >= HEAD
        case _:
            return len(head) >= HEAD or b"\n" in lines


def row_format(
    name: str, kind: str, head: bytes, settings: InputSettings, on_note: Callable[[str], None] = lambda _: None
) -> RowFormat:
    """Make the row format of a list by its first bytes. Raises ListError for an unreadable list, UsageError.

    on_note: receives lines for the user.
    """
    if head.startswith(UTF16):
        raise ListError(name, "is UTF-16; convert it to UTF-8")
    check_text(name, head[:HEAD])
    if kind in ("jsonl", "text") and _ARRAY.match(_markup(head)):
        raise ListError(name, "is a JSON array; lists are JSON Lines, one object per line, as jq -c '.[]' prints them")
    template = template_for(name, kind, settings)
    match kind:
        case "csv" | "tsv":
            from .csv_rows import CsvRows  # noqa: PLC0415 - most lists are lines

            return CsvRows(name, head, tabs=kind == "tsv", url_field=settings.url_field, template=template)
        case "jsonl":
            from .jsonl_rows import JsonlRows  # noqa: PLC0415 - as above

            return JsonlRows(
                name,
                head,
                url_field=settings.url_field,
                template=template,
                requests=settings.row_requests,
                on_note=on_note,
            )
        case _:
            return TextRows(start_of(head))


def template_for(name: str, kind: str, settings: InputSettings) -> URLTemplate | None:
    """Parse ``--url-template``, None without it. Raises ListError for a format without columns, UsageError."""
    if settings.url_template is None:
        return None
    if kind not in COLUMNS:
        raise ListError(
            name, f"its format, {kind}, has no columns", "input.url_template needs CSV, TSV, JSONL or Parquet"
        )
    from .url_template import URLTemplate  # noqa: PLC0415 - rarely needed

    return URLTemplate(settings.url_template)


def check_text(name: str, head: bytes) -> None:
    """Raise ListError for a binary file. A few NULs are no reason: the lines with them are rejected one by one."""
    nuls = head.count(0)
    if nuls and nuls + head.decode(errors="replace").count("\ufffd") > len(head) * MAX_BINARY_SHARE:
        raise ListError(name, "is a binary file")


def _markup(head: bytes) -> bytes:
    """Strip what may precede the first character of a document: white space, a byte order mark, the NULs of UTF-16."""
    if head.startswith(UTF16):
        head = head[2:].replace(b"\0", b"")
    return head[start_of(head) :].lstrip()
