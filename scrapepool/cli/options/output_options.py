"""Where records go and what they hold: the options on outputs."""

from __future__ import annotations

from typing import Any

import click

from ...settings import OutputSettings, WarcSettings
from ..parameters.declare import D, Decorator, opt, refuse, spelt, subject
from ..parameters.option_types import MOST_WORKERS, Duration, FileName, Names, Resume, Select, Size, Whole

NAMES_OF_STDOUT = frozenset({"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})
"""Names of what the shell opened: a file is not opened again, so that what stands in it stays."""

OPTIONS: list[Decorator] = [
    *subject(
        "Output",
        opt("-o", "--output", type=FileName(),
           help="Where records go, - for standard output.  [default: standard output, but for --sqlite and --parquet]"),
        opt("--sqlite", type=FileName(), metavar="FILE.db",
           help="Gather records in a database, one a URL, and bodies with --body."),
        opt("--sqlite-timeout", type=Duration(), default=spelt(D.output.sqlite_timeout),
           help="How long another program may hold the database before the run ends."),
        opt("--parquet", type=FileName(), metavar="FILE.parquet",
           help="Make a Parquet file of the records at the end of the run."),
        opt("--template", metavar="TEXT",
           help="What to print on standard output of each URL, instead of a record: fields of the record in braces, as "
           "in '{status} {elapsed:.2f} {url}\\n'."),
        opt("--format", type=click.Choice(["jsonl", "csv", "tsv"]),
           help="Of the records.  [default: by the file's suffix, else jsonl]"),
        opt("--fields", type=Names(), metavar="a,b,c",
           help="Fields of the records, in this order; an entry of input, data, headers or timings as input.id.  "
           "[default: all]"),
        opt("--ordered", is_flag=True,
           help="Write records in the order of the lists. At most 10,000 wait for one that takes long; then nothing "
           "further down is begun."),
        opt("--safe-csv", is_flag=True,
           help="Put ' before cells that begin with = + - @, tab or CR, which a spreadsheet would run as formulas."),
        opt("--csv-bom", is_flag=True,
           help="Begin CSV and TSV with a byte order mark, by which Excel knows that they are UTF-8."),
        opt("--headers", is_flag=True, help="Add the response's header fields to records."),
        opt("--body", is_flag=True, help="Add the text of the response to records."),
        opt("--resume", type=Resume(), bare="failed", metavar="[failed|all|a,b,c]",
           help="Go on with the records in --output, else --parquet or --sqlite: what succeeded stays, the rest is "
           "fetched again; all: only what has no record; --resume=timeout,http_5xx: of failures only these classes.  "
           "[default: the file is overwritten; --resume alone means failed]"),
        opt("--fsync", type=click.Choice(["never", "second", "always"]), default=D.output.fsync,
           help="When records are seen onto the disk, against a loss of power."),
    ),
    *subject(
        "Fields out of pages",
        opt("--select", type=Select(), multiple=True, metavar="NAME=KIND:EXPR",
           help="Add a value to the record's data, as 'title=css:title'; may be repeated. KIND is css, re, json, meta "
           "or jsonld; NAME[] takes all matches."),
        opt("--links", is_flag=True, help="Add all links of the page, absolute and each once."),
        opt("--text", is_flag=True, help="Add the readable text of the page, without its navigation."),
        opt("--extract-workers", type=Whole(0, MOST_WORKERS), default=D.output.extract_workers,
           help="Processes that do this; 0 for none but the run's own.  [default: one a core, 8 at most]"),
    ),
    *subject(
        "Archive",
        opt("--warc", type=FileName(), metavar="FILE.warc.gz",
           help="Archive all requests and responses as they went over the wire; uncompressed where it ends in .warc. "
           "An archive that is there is appended to with --resume, replaced with --overwrite, and refused otherwise."),
        opt("--warc-size", type=Size(), default=D.warc.size, show_default="1GB",
           help="Of an archive's file, after which FILE-00001.warc.gz and so on are begun."),
        opt("--overwrite", guarded=True, is_flag=True, help="Replace the archive of --warc where there is one."),
    ),
]  # fmt: skip


def output_settings(o: dict[str, Any]) -> OutputSettings:
    """Where records go and what they hold."""
    return OutputSettings(
        path="-" if o["output"] in NAMES_OF_STDOUT else o["output"],
        format=o["format"],
        fields=o["fields"],
        headers=o["headers"],
        body=o["body"],
        history=o["verbose"],
        resume=o["resume"],
        fsync=o["fsync"],
        safe_csv=o["safe_csv"],
        csv_bom=o["csv_bom"],
        select=tuple(o["select"]),
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
    """Where exchanges are archived. Raises UsageError."""
    refuse(o["overwrite"] and o["resume"], "--overwrite replaces an archive, and --resume goes on with it")
    return WarcSettings(path=o["warc"], size=o["warc_size"], overwrite=o["overwrite"])
