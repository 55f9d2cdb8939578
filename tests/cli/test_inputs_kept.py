"""No output is written over a file that the run reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import here

OUTPUTS = ["--output", "--summary-json", "--log-file", "--parquet", "--sqlite", "--host-memory", "--save-cookies"]
KEPT = "mine\n"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file that is read, and has to be the same after."""
    path = tmp_path / "kept"
    path.write_text(KEPT)
    return path


def refused(capfd, kept: Path, reads: list[object], writes: list[object], said: str) -> None:
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--retries", 0, "-q", *reads, *writes)
    assert ran.code == 2, ran.err
    assert f"is read by {said} and would be overwritten by" in ran.err
    assert ran.err.count("\n") == 1
    assert kept.read_text() == KEPT


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(
    ("reads", "said"),
    [
        (["--data", "@{}"], "--data"),
        (["--cert", "{}"], "--cert"),
        (["--cert", "/etc/hostname", "--key", "{}"], "--key"),
        (["--cacert", "{}"], "--cacert"),
    ],
    ids=["data", "cert", "key", "cacert"],
)
def test_a_file_that_an_option_reads_is_not_overwritten(capfd, kept, output: str, reads: list[str], said: str):
    """That holds for every option that reads and every option that writes."""
    refused(capfd, kept, [part.format(kept) for part in reads], [output, kept], said)


@pytest.mark.parametrize("output", [name for name in OUTPUTS if name != "--save-cookies"])
def test_cookies_are_not_overwritten(capfd, kept, output: str):
    """Only --save-cookies may do it, since it reads them first."""
    refused(capfd, kept, ["--cookies", kept], [output, kept], "--cookies")


@pytest.mark.parametrize("output", OUTPUTS)
def test_credentials_are_not_written_over(capfd, kept, monkeypatch, output: str):
    """Those of $NETRC, and those at home."""
    monkeypatch.setenv("NETRC", str(kept))
    refused(capfd, kept, ["--netrc"], [output, kept], "--netrc")
    monkeypatch.delenv("NETRC")
    monkeypatch.setenv("HOME", str(kept.parent))
    home = kept.rename(kept.with_name(".netrc"))
    refused(capfd, home, ["--netrc"], [output, home], "--netrc")


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_of_the_environment_are_not_written_over(capfd, kept, monkeypatch, name: str):
    """Those that requests or OpenSSL would read."""
    monkeypatch.setenv(name, str(kept))
    refused(capfd, kept, [], ["-o", kept], name)


def test_configuration_and_fields_are_not_overwritten(capfd, kept, monkeypatch):
    """A configuration that was found, and not named, is kept, too."""
    kept.write_text("Accept: a/b\n")
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "-H", f"@{kept}", "-o", kept)
    assert (ran.code, "read by --header" in ran.err) == (2, True)
    config = kept.rename(kept.with_name("scrapepool.toml"))
    config.write_text("retries = 0\n")
    for options in (["--config", config], []):
        monkeypatch.chdir(config.parent)
        ran = here(capfd, "fetch", "http://127.0.0.1:1/", *options, "--log-file", config)
        assert (ran.code, "read by --config" in ran.err) == (2, True)
    assert config.read_text() == "retries = 0\n"


@pytest.mark.parametrize("make", ["symlink_to", "hardlink_to"])
def test_another_name_of_the_file_is_the_file(capfd, kept, make: str):
    """A link to it, and a second name of it."""
    other = kept.with_name("other.jsonl")
    getattr(other, make)(kept)
    refused(capfd, kept, ["--data", f"@{kept}"], ["-o", other], "--data")


def test_files_beside_an_output_are_written_too(capfd, kept):
    """SQLite's own, and the records of a table until it is made."""
    wal = kept.rename(kept.with_name("out.db-wal"))
    refused(capfd, wal, ["--data", f"@{wal}"], ["--sqlite", kept.with_name("out.db")], "--data")
    part = wal.rename(kept.with_name("out.parquet.part"))
    refused(capfd, part, ["--data", f"@{part}"], ["--parquet", kept.with_name("out.parquet")], "--data")


def test_cookies_may_be_read_and_written_back(capfd, tmp_path):
    """One file for both is what curl's -b and -c are used with."""
    jar = tmp_path / "jar"
    jar.write_text("# Netscape HTTP Cookie File\n")
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--retries", 0, "-q", "--cookies", jar, "--save-cookies", jar)
    assert ran.code == 1
