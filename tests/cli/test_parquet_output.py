"""``fetch --parquet``: alone, next to records, and resumed from wherever its records are."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from running import TIMEOUT, ended, here, program

from tests.servers.polite import PoliteServer, Request, Response


@pytest.fixture
def broken() -> set[str]:
    """Paths that do not succeed."""
    return {"/bad"}


@pytest.fixture
def web(broken: set[str]) -> Iterator[PoliteServer]:
    def answer(request: Request) -> Response | None:
        return Response(404) if request.target in broken else None

    with PoliteServer(1, answer) as server:
        yield server


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web: PoliteServer) -> None:
    monkeypatch.chdir(tmp_path)
    Path("urls").write_text(f"{web.url('/good')}\n{web.url('/bad')}\nftp://x/\n")


def made(name: str = "a.parquet") -> list[dict[str, Any]]:
    return list(pyarrow.parquet.read_table(name).to_pylist())


def there() -> list[str]:
    """The names of all files."""
    return sorted(path.name for path in Path().iterdir())


def await_records() -> None:
    """Until a run has written some."""
    part, until = Path("a.parquet.part"), time.monotonic() + TIMEOUT
    while not (part.exists() and part.stat().st_size) and time.monotonic() < until:
        time.sleep(0.005)


def outcomes() -> Counter[str]:
    return Counter(row["outcome"] for row in made())


def test_alone_it_is_all_that_is_left(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output gets nothing, and the records on the way are gone."""
    ran = here(capfd, "fetch", "urls", "--parquet", "a.parquet", "-q")
    assert (ran.code, ran.out) == (1, "")
    assert outcomes() == {"ok": 1, "http_error": 1, "skipped": 1}
    assert there() == ["a.parquet", "urls"]


@pytest.mark.parametrize("others", [(), ("-o", "out.jsonl"), ("--sqlite", "a.db"), ("-o", "-")])
def test_a_finished_file_is_resumed(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, broken: set[str], others: tuple[str, ...]
) -> None:
    """What failed is fetched again, and the file is made anew with one row per line."""
    command = ("fetch", "urls", "--parquet", "a.parquet", "--resume", *others, "-q")
    here(capfd, *command)
    broken.clear()
    assert here(capfd, *command).code == 1
    assert outcomes() == {"ok": 2, "skipped": 1}
    assert (web.asked("/good"), web.asked("/bad")) == (1, 2)


def test_a_killed_run_has_its_records(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """They lie beside the file that is not there yet, whole, and the next run makes it of them and its own."""
    Path("urls").write_text("".join(f"{web.url(f'/{number}')}\n" for number in range(5000)))
    process = program("fetch", "urls", "--parquet", "a.parquet", "-q")
    await_records()
    process.kill()
    ended(process)
    assert not Path("a.parquet").exists()
    assert here(capfd, "fetch", "urls", "--parquet", "a.parquet", "--resume", "-q").code == 0
    assert len({row["url"] for row in made()}) == len(made()) == 5000
    assert there() == ["a.parquet", "urls"]


def test_an_interrupted_run_makes_its_table(web: PoliteServer) -> None:
    """After the first Ctrl-C, it has all records that there are."""
    Path("urls").write_text("".join(f"{web.url(f'/{number}')}\n" for number in range(20_000)))
    process = program("fetch", "urls", "--parquet", "a.parquet", "-q")
    await_records()
    process.send_signal(signal.SIGINT)
    assert ended(process).code == 130
    assert 0 < len(made()) <= web.requests
    assert not Path("a.parquet.part").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["-o", "out.csv"], 2, "--parquet is made from the records in --output"),
        (["-o", "out", "--format", "csv"], 2, "--parquet is made from the records in --output"),
        (["-o", "out", "--fields", "url"], 2, "--parquet is made from the records in --output"),
        (["-o", "a.parquet"], 2, "--output and --parquet name the same file"),
        (["--parquet", "/dev/null"], 2, "--parquet needs a regular file"),
        (["--parquet", "folder/a.parquet"], 3, "cannot write folder/a.parquet: its folder does not exist"),
    ],
)
def test_wrong_usage_of_parquet_is_reported(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, options: list[str], code: int, message: str
) -> None:
    """It is reported before anything is fetched."""
    ran = here(capfd, "fetch", "urls", "--parquet", "a.parquet", *options)
    assert (ran.code, web.requests, there()) == (code, 0, ["urls"])
    assert message in ran.err


def test_failed_and_explain_read_it(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """They recognize it by its content, and read no bodies. Another Parquet file is an error."""
    here(capfd, "fetch", "urls", "--parquet", "records", "--body", "-q")
    assert here(capfd, "failed", "records") == (0, f"{web.url('/bad')}\n", "")
    assert "http_error: " in here(capfd, "explain", "records", web.url("/bad")).out
    pyarrow.parquet.write_table(pyarrow.table({"url": ["x"]}), "other")
    Path("torn").write_bytes(Path("records").read_bytes()[:-50])
    for name, said in (("other", "its columns are not those of records"), ("torn", "Parquet")):
        ran = here(capfd, "failed", name)
        assert (ran.code, ran.out) == (2, "")
        assert f"{name}: " in ran.err
        assert said in ran.err


def test_a_file_of_something_else_is_not_resumed(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """The message names it, and it stays as it was."""
    Path("a.parquet").write_text("precious")
    ran = here(capfd, "fetch", "urls", "--parquet", "a.parquet", "--resume")
    assert (ran.code, web.requests, Path("a.parquet").read_text()) == (3, 0, "precious")
    assert "the records in a.parquet cannot be read" in ran.err
