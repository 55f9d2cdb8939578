"""The fields of a record: their order, and how each is stored in a database and in a Parquet file.

Names, order and types are an API. Decides nothing about values: ``record`` writes them, ``results`` reads them back.
"""

from __future__ import annotations

from typing import Literal

from .named_tuple import NamedTuple

Kind = Literal[
    "text", "word", "int16", "int32", "int64", "real", "boolean", "time", "urls", "hops", "timings", "tls", "json"
]
"""``word``: text with few different values. ``time``: RFC 3339 in UTC. ``json``: an object or a list whose keys and
values are not known in advance."""


class Field(NamedTuple):
    """One field.

    comment: on the database column.
    required: whether the database column is NOT NULL.
    optional: whether a record without a value leaves the field out.
    later: whether record files of the first versions lack it.
    option: the option that it needs.
    """

    name: str
    kind: Kind
    comment: str = ""
    required: bool = False
    optional: bool = False
    later: bool = False
    option: str | None = None


TABLE = (
    Field("url", "text", required=True),
    Field("line", "int64"),
    Field("list", "word", "where several were read", optional=True, later=True),
    Field("outcome", "word", required=True),
    Field("status", "int16"),
    Field("error", "word"),
    Field("detail", "text"),
    Field("final_url", "text"),
    Field("redirects", "urls", "JSON; null for none, as in hops"),
    Field("hops", "hops", later=True),
    Field("attempts", "int32", required=True),
    Field("started", "time", "RFC 3339, UTC"),
    Field("elapsed", "real", "seconds, as are waited and dns to download", required=True),
    Field("waited", "real", required=True),
    Field("content_type", "word"),
    Field("charset", "word"),
    Field("bytes", "int64", "null for a 304, which says nothing of them"),
    Field("wire_bytes", "int64", required=True),
    Field("sha256", "text", "of the body, which is in bodies where --body was given"),
    Field("reused", "boolean", "0 or 1, as is complete", required=True),
    Field("path", "text"),
    Field("complete", "boolean"),
    Field("remote", "word"),
    Field("timings", "timings"),
    Field("tls", "tls", optional=True, later=True, option="--fields"),
    Field("etag", "text", later=True),
    Field("last_modified", "text", later=True),
    Field("fresh_until", "time", "RFC 3339, UTC", later=True),
    Field("vary", "word", later=True),
    Field("change", "word", "with --since, as are the next two", optional=True, later=True, option="--since"),
    Field("fresh", "boolean", "1, or null", optional=True, later=True, option="--since"),
    Field("before", "json", "JSON", optional=True, later=True, option="--since"),
    Field("not_before", "time", "RFC 3339, UTC", optional=True),
    Field("headers", "json", "JSON", optional=True, option="--headers"),
    Field("body", "text", optional=True, option="--body"),
    Field("data", "json", "JSON: values out of the page", optional=True, option="--select, --links or --text"),
    Field("history", "json", "JSON, with --verbose", optional=True, option="--verbose"),
    Field("input", "json", "JSON", optional=True),
    Field(
        "request",
        "json",
        "JSON: what tells a row's own request from others of its URL; '' for nothing",
        required=True,
        optional=True,
    ),
    Field("row_request", "json", "JSON: how a row that failed was requested", optional=True, later=True),
    Field("method", "word", required=True, optional=True),
)
"""Every field that a record can have, in order."""

FIELDS = tuple(field.name for field in TABLE)

TIMINGS = ("dns", "connect", "tls", "ttfb", "download")
"""The steps of ``timings``, in the order in which they happen."""

TLS_FACTS = ("version", "cipher", "issuer", "subject", "expires")
"""The entries of ``tls``; in a database each is a column ``tls_version`` and so on."""

LATER = frozenset(field.name for field in TABLE if field.later)
"""Fields that record files of earlier versions lack. A run may resume a CSV file without them."""

OPTIONAL = frozenset(field.name for field in TABLE if field.optional)
"""Fields that a record leaves out if they have no value. ``method`` is left out if it is GET."""


def of_kind(*kinds: Kind) -> frozenset[str]:
    """Return the names of the fields of these kinds."""
    return frozenset(field.name for field in TABLE if field.kind in kinds)
