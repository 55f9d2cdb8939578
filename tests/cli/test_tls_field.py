"""TLS facts in records, on request: ``--fields +tls``."""

from __future__ import annotations

import csv
import json
import sqlite3
import ssl
from collections.abc import Iterator

import pyarrow.parquet
import pytest
import trustme
from place import Place

from scrapepool.results.record_parts import RecordParts
from tests.servers.polite import PoliteServer

ENTRIES = ["version", "cipher", "issuer", "subject", "expires"]


@pytest.fixture
def urls(place: Place) -> Iterator[tuple[str, ...]]:
    """A URL over TLS, one without, and the options of a run."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.2.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(place.folder / "ca.pem"))
    with PoliteServer(1, tls=context) as secure, PoliteServer(1) as plain:
        quick = ("--no-robots", "--progress", "none", "--cacert", "ca.pem")
        yield ("fetch", secure.url("/page"), plain.url("/page"), *quick)


def test_every_output_has_them(place: Place, urls: tuple[str, ...]) -> None:
    """JSON Lines, a database and Parquet have them beside all other fields, and they can be read back."""
    outputs = ("-o", "out.jsonl", "--sqlite", "out.db", "--parquet", "out.parquet")
    ran = place.run(*urls, "--fields", "+tls", *outputs)
    assert ran.code == 0, ran.err
    lines = [json.loads(line) for line in (place.folder / "out.jsonl").read_text().splitlines()]
    by_scheme = {line["url"].partition(":")[0]: line for line in lines}
    facts = by_scheme["https"]["tls"]
    assert list(facts) == ENTRIES
    assert facts["version"] == "TLSv1.3"
    assert facts["subject"].startswith("OU=Testing cert #")
    assert facts["expires"].endswith(".000Z")
    assert by_scheme["http"]["tls"] is None
    assert {"timings", "sha256"} <= by_scheme["https"].keys()
    columns = ", ".join(f"tls_{name}" for name in ENTRIES)
    database = sqlite3.connect(place.folder / "out.db")
    assert database.execute(f"SELECT {columns} FROM records ORDER BY url DESC").fetchall() == [
        tuple(facts.values()),
        (None,) * 5,
    ]
    database.close()
    ran = place.run(*urls, "--fields", "url,tls", "-o", "-", "--parquet", "alone.parquet")
    assert ran.code == 0, ran.err
    for name in ("out.parquet", "alone.parquet"):
        table = pyarrow.parquet.read_table(place.folder / name).to_pylist()
        assert {row["url"].partition(":")[0]: row["tls"] for row in table} == {"https": facts, "http": None}
    for name in ("out.db", "out.parquet"):
        records = RecordParts([str(place.folder / name)], None, print).with_records()
        assert {record.get("tls", {}).get("version") for _, record in records} == {"TLSv1.3", None}
    place.run("merge", "out.jsonl", "-o", "merged.csv")
    (row,) = [row for row in csv.DictReader((place.folder / "merged.csv").open()) if row["tls.version"]]
    assert [row[f"tls.{name}"] for name in ENTRIES] == list(facts.values())


def test_fields_choose_them(place: Place, urls: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    """Whole or by entry, in the order of --fields; with worker processes, too; and not without being named."""
    ran = place.run(*urls, "--fields", "tls,url", "--processes", "2", "-o", "out.csv")
    assert ran.code == 0, ran.err
    rows = list(csv.DictReader((place.folder / "out.csv").open()))
    assert list(rows[0]) == [*(f"tls.{name}" for name in ENTRIES), "url"]
    assert {row["tls.version"] for row in rows} == {"TLSv1.3", ""}
    ran = place.run(*urls, "--fields", "tls.version", "-o", "out.tsv")
    assert set((place.folder / "out.tsv").read_text().split()) == {"tls.version", "TLSv1.3", '""'}
    ran = place.run(*urls, "--template", "{tls.version} {tls.age}\\n")
    assert (ran.code, "unknown field: tls.age; choose from version, cipher" in ran.err) == (2, True)
    ran = place.run(*urls, "--template", "{tls.version}\\n", "-o", "all.jsonl")
    assert set(capfd.readouterr().out.split()) == {"TLSv1.3", "-"}
    assert '"tls":{' not in (place.folder / "all.jsonl").read_text()


def test_a_plus_adds_any_field(place: Place, urls: tuple[str, ...]) -> None:
    """Those that records have anyway stay as they are; those that need an option say so."""
    ran = place.run(*urls, "--fields", "+method,status,timings.ttfb", "-o", "out.jsonl")
    assert ran.code == 0, ran.err
    records = [json.loads(line) for line in (place.folder / "out.jsonl").read_text().splitlines()]
    assert {record["method"] for record in records} == {"GET"}
    assert all(record["timings.ttfb"] == record["timings"]["ttfb"] for record in records)
    assert all("tls" not in record for record in records)
    ran = place.run(*urls, "--fields", "+headers")
    assert (ran.code, "the field headers needs --headers" in ran.err) == (2, True)
    ran = place.run(*urls, "--fields", "+")
    assert (ran.code, "--fields names no field" in ran.err) == (2, True)
    ran = place.run(*urls, "--since", "out.jsonl", "--change-by", "tls.issuer")
    assert (ran.code, "--change-by: the field tls needs --fields" in ran.err) == (2, True)
    ran = place.run(*urls, "--since", "out.jsonl", "--change-by", "tls.issuer", "--fields", "+tls", "-o", "new.jsonl")
    assert ran.code == 0, ran.err
    ran = place.run(*urls, "--fields", "+lunch")
    assert (ran.code, "unknown field: lunch" in ran.err) == (2, True)
