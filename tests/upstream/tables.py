"""Do the programs that people open tables with read ours as they were meant? pandas, DuckDB, pyarrow and sqlite3.

By hand, not in CI: it needs an environment of its own.

    python -m venv READERS && READERS/bin/pip install pandas duckdb pyarrow
    python -m tests.upstream.tables READERS/bin/python [URLS]

One run writes CSV, TSV, SQLite and Parquet of the same pages, whose texts, types and list columns are as nasty as can
be had; each reader's answer is compared with the JSON Lines, value by value. Prints a count for each, and exits with 1
where one differs.
"""

# ruff: noqa: T201 - it prints its findings
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.polite import PoliteServer, Request, Response

PAGES = [
    'plain, "quoted", and;semicolons',
    "lines\nof\r\nall\rkinds",
    "nul\0 bell\a escape\x1b[31m",
    "caf\u00e9 \u4f60\u597d \U0001f600 \u202e \u2028 \ufeff",
    "=HYPERLINK('http://evil.example')",
    "NA",
    "'",
    "tab\tseparated\tvalues",
    "",
]
TYPES = ["text/html", "=cmd|' /C calc'!A0", "text/plain; charset=utf-8", 'a/b; x="y"', "null"]

NAMES = ["url", "outcome", "status", "content_type", "bytes", "elapsed", "sha256", "body", "reused"]

READER = """
import json, math, sys
folder, kind = sys.argv[1:]
def plain(value):
    if value is None or (isinstance(value, float) and math.isnan(value)): return None
    return value.item() if hasattr(value, "item") else value
names = ["url", "outcome", "status", "content_type", "bytes", "elapsed", "sha256", "body", "reused"]
if kind in ("csv", "tsv"):
    import pandas
    table = pandas.read_csv(f"{folder}/out.{kind}", sep="," if kind == "csv" else "\\t", keep_default_na=False,
        na_values={name: [""] for name in ("status", "elapsed")}, parse_dates=["started"])
    assert str(table.started.dtype).startswith("datetime64"), table.started.dtype
elif kind == "parquet by pandas":
    import pandas
    table = pandas.read_parquet(f"{folder}/out.parquet")
    assert str(table.started.dtype).startswith("datetime64"), table.started.dtype
elif kind == "parquet by duckdb":
    import duckdb
    table = duckdb.sql(f"SELECT * FROM '{folder}/out.parquet'").df()
elif kind == "csv by duckdb":
    import duckdb
    table = duckdb.sql(f"SELECT * FROM read_csv('{folder}/out.csv', all_varchar = false, sample_size = -1)").df()
elif kind == "sqlite":
    import sqlite3, zlib
    db = sqlite3.connect(f"{folder}/out.db")
    rows = []
    columns = "url, outcome, status, content_type, records.bytes, elapsed, sha256, reused, bodies.bytes, content"
    for *row, size, content in db.execute(f"SELECT {columns} FROM records LEFT JOIN bodies USING (sha256)"):
        text = None if content is None else (content if len(content) == size else zlib.decompress(content)).decode()
        rows.append([*row[:7], text, bool(row[7])])
    json.dump(rows, sys.stdout)
    sys.exit()
json.dump([[plain(row[name]) for name in names] for row in table.to_dict("records")], sys.stdout)
"""

KINDS = ["csv", "tsv", "csv by duckdb", "sqlite", "parquet by pandas", "parquet by duckdb"]


def answer(request: Request) -> Response:
    number = int(request.target.rsplit("/", 1)[1])
    page = PAGES[number % len(PAGES)]
    fields = [("Content-Type", TYPES[number % len(TYPES)])]
    return Response(404 if number % 13 == 12 else 200, body=page.encode(), headers=fields)


def differences(kind: str, ours: dict[str, list[object]], rows: list[list[object]]) -> list[object]:
    """Where a reader says something else than JSON Lines. CSV has no null, and is of a run of its own."""
    if sorted(str(row[0]) for row in rows) != sorted(ours):
        return [f"{len(rows)} rows of other URLs"]
    flat = kind.startswith(("csv", "tsv"))
    return [
        (field, here, there)
        for row in rows
        for field, here, there in zip(NAMES, ours[str(row[0])], row, strict=True)
        if not (flat and field in ("elapsed", "reused"))
        and ((here or None) if flat else here) != ((there or None) if flat else there)
    ]


def main() -> None:
    python, urls = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    wrong = False
    with tempfile.TemporaryDirectory() as name, PoliteServer(3, answer) as server:
        folder = Path(name)
        (folder / "urls").write_text("".join(f"{server.url(f'/p/{n}', n % 3)}\n" for n in range(urls)))
        command = [sys.executable, "-m", "scrapepool", "fetch", f"{folder}/urls", "-q", "--no-robots", "--body"]
        for options in (
            ("-o", f"{folder}/out.jsonl", "--sqlite", f"{folder}/out.db", "--parquet", f"{folder}/out.parquet"),
            ("-o", f"{folder}/out.csv"),
            ("-o", f"{folder}/out.tsv"),
        ):
            subprocess.run([*command, *options], check=False)
        records = [json.loads(line) for line in (folder / "out.jsonl").read_bytes().splitlines()]
        ours = {record["url"]: [record[field] for field in NAMES] for record in records}
        for kind in KINDS:
            read = subprocess.run([python, "-c", READER, name, kind], capture_output=True, text=True, check=False)
            if read.returncode:
                print(f"{kind}: {read.stderr[-2000:]}")
                wrong = True
                continue
            rows = json.loads(read.stdout)
            found = differences(kind, ours, rows)
            print(
                f"{kind}: {len(rows):,} rows, {len(rows) * len(NAMES):,} values, {len(found)} differ {found[:3] or ''}"
            )
            wrong |= bool(found)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
