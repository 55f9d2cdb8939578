"""``scrapepool explain``: what happened to one URL of a record file."""

from __future__ import annotations

import click

from ...errors import UsageError
from ...text import printable, without_passwords
from ..arguments.record_arguments import named_records
from ..arguments.text_output import write_text
from ..exits import Exit
from ..parameters.grouped_options import GroupedCommand, GroupedOption
from ..parameters.text_types import FileName
from ..standard_streams import warn

EPILOG = """Exit codes: 0 the URL was found; 1 no record has this URL (similar ones are named); 2 wrong usage, or a file
that cannot be read."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("records", type=FileName(), nargs=-1, metavar="RECORDS...")
@click.argument("url")
@click.option(
    "--curl",
    is_flag=True,
    help="Print the same request as a curl command instead. Secrets stay hidden.",
    cls=GroupedOption,
    group="How",
)
def explain(records: tuple[str, ...], url: str, curl: bool) -> int:
    """Show what happened to one URL: waits, attempts and outcome.

    RECORDS are files that fetch wrote (JSONL, CSV or TSV, also as .gz, databases or Parquet), folders of such files,
    globs, or - for standard input. If the URL has several records, the last one is shown. Records of fetch --verbose
    hold the most detail.
    """
    from ...render.url_history import url_history  # noqa: PLC0415
    from ...results.find import find  # noqa: PLC0415
    from ...results.record_parts import name_of  # noqa: PLC0415 - a quick --help needs none of these

    if not records:
        raise UsageError(
            "explain needs records and a URL, as in scrapepool explain records.jsonl https://example.org/a"
        )
    found = find(named_records(records), url)
    if found.record is None:
        verb = "has" if len(records) == 1 else "have"
        warn(f"{', '.join(map(name_of, records))} {verb} no record of {printable(without_passwords(url))}")
        if found.near:
            warn("\n  ".join(["it has records of", *map(printable, found.near)]))
        return Exit.SOME_FAILED
    if curl:
        from ...render.curl_command import curl_command  # noqa: PLC0415 - as above

        command, notes = curl_command(found.record)
        write_text([f"{command}\n"], None)
        for note in notes:
            warn(note)
        return Exit.OK
    write_text([url_history(found.record, found.times)], None)
    return Exit.OK
