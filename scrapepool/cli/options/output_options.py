"""Where records go and what they hold: the options on outputs."""

from __future__ import annotations

from typing import Any

import click

from ...settings import MOST_WORKERS, OutputSettings, WarcSettings
from ..parameters.declare import DEFAULTS, Decorator, duration_text, option, option_group, refuse_if
from ..parameters.quantity_types import Duration, Size, Whole
from ..parameters.text_types import EXPECTATION, SELECTION, FileName, Names, Resume, record_field_names

NAMES_OF_STDOUT = frozenset({"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})
"""Names of standard output, which is not opened again: a file that the shell opened must not be truncated."""

OPTIONS: list[Decorator] = [
    *option_group(
        "Output",
        option("-o", "--output", type=FileName(),
            help="Write records to this file, or to an object of s3:// or the like; - is standard output. A name that "
            "ends with / is a folder of parts.  [default: standard output, unless --sqlite or --parquet is given]"),
        option("--part-size", type=Size(), default=DEFAULTS.output.part_size, show_default=False,
            help="Begin the next part when one has this size.  [default: 128MiB]"),
        option("--sqlite", type=FileName(), metavar="FILE.db",
            help="Store records in this SQLite database, one per URL; with --body, store bodies too."),
        option("--sqlite-timeout", type=Duration(), default=duration_text(DEFAULTS.output.sqlite_timeout),
            help="End the run if another program locks the database for longer than this."),
        option("--parquet", type=FileName(), metavar="FILE.parquet",
            help="Write all records to this Parquet file at the end of the run."),
        option("--template", metavar="TEXT",
            help="Print this text for each URL on standard output instead of a record; names in braces are fields of "
            "the record, as in '{status} {elapsed:.2f} {url}\\n'."),
        option("--format", type=click.Choice(["jsonl", "csv", "tsv", "parquet"]),
            help="Write records in this format; parquet is for parts.  [default: by the file's suffix, else jsonl]"),
        option("--fields", type=Names(record_field_names), metavar="a,b,c",
            help="Write only these fields, in this order; input.id is one entry of input, and likewise for data, "
            "headers, timings and tls. A + in front, as in +tls, adds fields to all others. tls is there only if it "
            "is named: version, cipher, issuer, subject, expires.  [default: all but tls]"),
        option("--ordered", is_flag=True,
            help="Write records in the order of the lists. At most 10,000 records wait for a slow URL; then no further "
            "URL is started until it ends."),
        option("--safe-csv", is_flag=True,
            help="Put ' before cells that begin with = + - @, tab or CR, which a spreadsheet would run as formulas."),
        option("--csv-bom", is_flag=True,
            help="Begin CSV and TSV with a byte order mark, so that Excel reads them as UTF-8."),
        option("--headers", is_flag=True, help="Add the response's header fields to records."),
        option("--body", is_flag=True, help="Add the text of the response to records."),
        option("--resume", type=Resume(), bare="failed", metavar="[failed|all|a,b,c]",
            help="Continue with the records in --output, else --parquet or --sqlite. failed: fetch again what did not "
            "succeed; all: fetch only what has no record; --resume=timeout,http_5xx: of the failures, fetch again only "
            "these classes.  [default: overwrite the file; --resume alone means failed]"),
        option("--fsync", type=click.Choice(["never", "second", "always"]), default=DEFAULTS.output.fsync,
            help="Flush records to disk never, once per second, or after every write."),
    ),
    *option_group(
        "Fields from pages",
        option("--select", type=SELECTION, multiple=True, metavar="NAME=KIND:EXPR",
            help="Add a value to the record's data, as 'title=css:title'; may be repeated. KIND is css, xpath, re, "
            "json, meta or jsonld; NAME[] collects all matches."),
        option("--expect", type=EXPECTATION, multiple=True, metavar="KIND:VALUE",
            help="Fail a response that is not as expected (error unexpected), and do not save it: type:image/*, "
            "url:https://example.org/*, status:200-299, css:h1, text:REGEX. With ! in front, as in '!url:*/login*', it "
            "must not be so. May be repeated; all must hold."),
        option("--links", is_flag=True,
            help="Add the page's links to the record's data, as absolute URLs without repeats."),
        option("--text", is_flag=True,
            help="Add the page's readable text, without its navigation, to the record's data."),
        option("--extract-workers", type=Whole(0, MOST_WORKERS), default=DEFAULTS.output.extract_workers,
            help="Extract fields in this many processes; 0 uses only the run's own.  [default: 1 per core, at most 8]"),
    ),
    *option_group(
        "Web archive",
        option("--warc", type=FileName(), metavar="FILE.warc.gz",
            help="Archive all requests and responses as they were sent and received; uncompressed if the name ends in "
            ".warc. If the archive exists, append to it with --resume, replace it with --overwrite, and refuse to run "
            "otherwise."),
        option("--warc-size", type=Size(), default=DEFAULTS.warc.size, show_default=False,
            help="Begin FILE-00001.warc.gz and so on when an archive file reaches this size.  [default: 1GB]"),
        option("--warc-dedup", type=FileName(), metavar="OLD", multiple=True,
            help="Do not archive bodies again that an earlier archive has, but point to them. OLD is a WARC, CDX or "
            "CDXJ file, a folder of these, or a quoted pattern; may be repeated."),
        option("--warc-cdx", is_flag=True,
            help="Write an index beside each archive file: FILE.cdxj, sorted, as pywb reads it."),
        option("--overwrite", guarded=True, is_flag=True, help="Replace the archive of --warc if it exists."),
    ),
]  # fmt: skip


def output_settings(o: dict[str, Any]) -> OutputSettings:
    """Return the settings of where records go and what they contain."""
    return OutputSettings(
        path="-" if o["output"] in NAMES_OF_STDOUT else o["output"],
        format=o["format"],
        part_size=o["part_size"],
        fields=o["fields"],
        headers=o["headers"],
        body=o["body"],
        history=o["verbose"],
        resume=o["resume"],
        fsync=o["fsync"],
        safe_csv=o["safe_csv"],
        csv_bom=o["csv_bom"],
        select=tuple(o["select"]),
        expect=tuple(o["expect"]),
        links=o["links"],
        text=o["text"],
        extract_workers=o["extract_workers"],
        sqlite=o["sqlite"],
        sqlite_timeout=o["sqlite_timeout"],
        template=o["template"],
        parquet=o["parquet"],
        ordered=o["ordered"],
    )


def warc_settings(o: dict[str, Any]) -> WarcSettings:
    """Return the settings of the archive of requests and responses. Raises UsageError."""
    refuse_if(
        o["overwrite"] and o["resume"],
        "--overwrite and --resume contradict each other: one replaces the archive, the other appends to it",
    )
    return WarcSettings(
        path=o["warc"],
        size=o["warc_size"],
        overwrite=o["overwrite"],
        dedup=tuple(o["warc_dedup"]),
        cdx=o["warc_cdx"],
    )
