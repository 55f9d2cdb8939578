"""Which format a list has.

Decides by its name's suffix, by what a server calls it, and by its first bytes, in this order. Reads nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import ListError
from ...settings import InputSettings
from ..streams.line_ends import line_ends
from .archives import ARCHIVE_HEAD
from .rows import MAX_RECORD, RowFormat, TextRows, start_of

if TYPE_CHECKING:
    from .url_template import URLTemplate

AUTO = "auto"
DOCUMENTS = frozenset({"parquet", "sitemap", "feed", "html", "prose"})
"""Formats that are no rows of bytes: they are read to their end before a row can be found again."""

XML = frozenset({"sitemap", "feed"})
MARKUP = frozenset({*XML, "html"})
"""Formats that a document's first element tells."""

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
"""Bytes of a list that are looked at to tell what it is."""

STRANGE = 0.1
"""Share of zeros and of what is no UTF-8 above which a list with zeros is a binary file: a list has a few at most, and
UTF-16, pictures, archives and programs have a third of it and more."""

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
_ROOT = re.compile(
    rb"(?>(?:\s++|<\?.*?\?>|<!--.*?-->|<!doctype(?:[^\[>]*+\[.*?\]\s*>|[^\[>]*+>))*)<(?:[\w.-]++:)?([\w.-]++)[\s/>]",
    re.IGNORECASE | re.DOTALL,
)
LONGEST_BRACKET = len(b"<https://")
_TAG = re.compile(rb"<(?!https?://)[a-z!?/]", re.IGNORECASE)
_ARRAY = re.compile(rb"\[\s*+(?:[\[{\"\]]|\Z)")
"""How a JSON array begins, and no host: an IPv6 address has digits behind its bracket."""


def format_of_name(name: str) -> str:
    """Tell the format by the suffix of a file's name, ``auto`` where it has none that says it."""
    stem = name.lower()
    for suffix in COMPRESSED:
        stem = stem.removesuffix(suffix)
    return SUFFIXES.get(stem.rpartition("/")[2].rpartition(".")[2], AUTO)


def is_xml_name(name: str) -> bool:
    """Whether a file's name says that it is XML, of whatever kind."""
    stem = name.lower()
    for suffix in COMPRESSED:
        stem = stem.removesuffix(suffix)
    return stem.endswith(".xml")


def format_of_url(url: str) -> str:
    """Tell the format by the suffix of a URL's path, ``auto`` where it has none that says it."""
    return format_of_name(re.split(r"[?#]", url, maxsplit=1)[0])


def format_of_type(content_type: str | None) -> str:
    """Tell the format by a Content-Type, ``auto`` where it may be anything."""
    return MEDIA_TYPES.get((content_type or "").partition(";")[0].strip().lower(), AUTO)


def format_of_bytes(head: bytes, url_field: str | None = None) -> str:
    """Tell the format by a list's first bytes, which ``enough`` takes for enough.

    url_field: the column of the URL in a header row, None for the usual ones.
    """
    if head.startswith(PARQUET):
        return "parquet"
    text = _markup(head)
    if text.startswith(b"{"):
        return "jsonl"
    if not _TAG.match(text):
        from .csv_header import begins_as_csv  # noqa: PLC0415 - URLs alone need none

        return "csv" if begins_as_csv(line_ends(AUTO, text).as_feeds(text), url_field) else "text"
    return format_of_root(head) or ("sitemap" if text[:5].lower() == b"<?xml" else "html")


def format_of_root(head: bytes) -> str | None:
    """Tell the format of markup by its first element, None where that is none that says it."""
    root = _ROOT.match(_markup(head))
    return None if root is None else ROOTS.get(root[1].decode("latin-1").lower())


def enough(kind: str, head: bytes) -> bool:
    """Whether so much of a list's beginning tells its format and lets ``rows_of`` judge it. kind: or ``auto``.

    NULs may separate URLs, or be those of an archive, which is told by its first block.
    """
    if b"\0" in head and len(head) < ARCHIVE_HEAD:
        return False
    from .csv_header import holds_first_row, holds_header  # noqa: PLC0415 - as above

    lines = line_ends(kind, head).as_feeds(head.removesuffix(b"\r"))
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


def rows_of(
    name: str, kind: str, head: bytes, settings: InputSettings, on_note: Callable[[str], None] = lambda _: None
) -> RowFormat:
    """Prepare a format by the beginning of a list. Raises ListError for a list that cannot be read, UsageError.

    on_note: gets what a person should know of its rows.
    """
    if head.startswith(UTF16):
        raise ListError(name, "is UTF-16; lists are read as UTF-8")
    check_text(name, head[:HEAD])
    if kind in ("jsonl", "text") and _ARRAY.match(_markup(head)):
        raise ListError(name, "is a JSON array; lists are JSON Lines, an object a line, as jq -c '.[]' makes them")
    template = template_for(name, kind, settings)
    match kind:
        case "csv" | "tsv":
            from .delimited import DelimitedRows  # noqa: PLC0415 - most lists are lines

            return DelimitedRows(name, head, tabs=kind == "tsv", url_field=settings.url_field, template=template)
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
    """Take ``--url-template`` apart, None without it. Raises ListError for a format without columns, UsageError."""
    if settings.url_template is None:
        return None
    if kind not in COLUMNS:
        raise ListError(name, f"--url-template needs columns, as CSV, TSV, JSONL and Parquet have; this is {kind}")
    from .url_template import URLTemplate  # noqa: PLC0415 - rarely needed

    return URLTemplate(settings.url_template)


def check_text(name: str, head: bytes) -> None:
    """Raise ListError for bytes that are no text; a zero in a line or two is for these lines' own judgement."""
    zeros = head.count(0)
    if zeros and zeros + head.decode(errors="replace").count("\ufffd") > len(head) * STRANGE:
        raise ListError(name, "is a binary file")


def _markup(head: bytes) -> bytes:
    """Strip what may stand before the first character of a document: white space, a byte order mark, UTF-16's zeros."""
    if head.startswith(UTF16):
        head = head[2:].replace(b"\0", b"")
    return head[start_of(head) :].lstrip()
