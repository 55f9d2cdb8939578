"""The program as the shell sees it: streams that are closed, readers that leave, signals, terminals."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from running import MEASURED, ROOT, TIMEOUT, closed_port, ended, here, program

from tests.servers.polite import PoliteServer

LINES = 5  # quick pages of ``stuck``


@contextmanager
def stuck(tmp_path: Path) -> Iterator[tuple[Path, Path, threading.Event]]:
    """A list of some quick pages and some that never answer, a place for records, and the event of the first hang."""
    hanging = threading.Event()
    kept = []

    def converse(connection: socket.socket) -> None:
        while request := connection.recv(10_000):
            if b"/robots.txt" in request:
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                continue
            if b"/quick" not in request:
                hanging.set()
                kept.append(connection)
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=converse, args=(connection,), daemon=True).start()

    quick, silent = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.2", 0))
    with quick, silent:
        for listener in (quick, silent):
            threading.Thread(target=accept, args=(listener,), daemon=True).start()
        urls = tmp_path / "urls.txt"
        pages = [f"http://127.0.0.1:{quick.getsockname()[1]}/quick/{i}\n" for i in range(LINES)]
        urls.write_text("".join(pages) + f"http://127.0.0.2:{silent.getsockname()[1]}/never\n")
        try:
            yield urls, tmp_path / "records.jsonl", hanging
        finally:
            for connection in kept:
                connection.close()
            for listener in (quick, silent):
                listener.shutdown(socket.SHUT_RDWR)


def wait_for_records(path: Path, count: int) -> None:
    """Wait until the file has that many lines."""
    pause = threading.Event()
    for _ in range(int(TIMEOUT / 0.02)):
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        pause.wait(0.02)
    raise AssertionError("the records do not come")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_second_signal_stops_at_once(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """What had ended is recorded, what was in flight is not; the summary is written, the exit code is the signal's."""
    with stuck(tmp_path) as (urls, records, hanging):
        process = program("fetch", urls, "-o", records)
        assert hanging.wait(TIMEOUT)
        wait_for_records(records, LINES)
        process.send_signal(number)
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        assert line.startswith("stopping: waiting for 1 request")
        process.send_signal(number)
        ran = ended(process)
    assert ran.code == code
    left = "interrupted; the remaining URLs are left for another run (--resume)\n"
    assert ran.err.startswith(f"{left}stopped   {LINES} of {LINES + 1}")
    assert [json.loads(line)["outcome"] for line in records.read_text().splitlines()] == ["ok"] * LINES


def test_a_third_signal_ends_the_process_whatever_is_stuck() -> None:
    """It needs nothing of the run any more."""
    code = (
        "import os, signal, time\n"
        "from scrapepool.cli.fetching.stop_signals import StopSignals\n"
        "from scrapepool.engine import Stop\n"
        "with StopSignals(Stop()):\n"
        "    for _ in range(3): os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(60)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=TIMEOUT, check=False).returncode == 143


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """A program under nohup goes on after SIGHUP."""
    with stuck(tmp_path) as (urls, records, hanging):
        process = program("fetch", urls, "-o", records, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        assert hanging.wait(TIMEOUT)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"stopping")
        process.send_signal(signal.SIGTERM)
        assert ended(process).code == 143


def test_a_reader_that_leaves_ends_the_run_quietly() -> None:
    """The exit code is 141 and nothing is said, as of any filter."""
    with PoliteServer() as server:
        process = program("fetch", "-", stdin=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{server.url('/1')}\n".encode())
        process.stdin.flush()
        assert process.stdout.readline().startswith(b'{"url":')
        process.stdout.close()
        process.stdin.write(f"{server.url('/2')}\n".encode())
        process.stdin.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(TIMEOUT) == 141


@pytest.mark.parametrize("words", [["--help"], ["fetch", "--help"], ["demo", "--list"]])
def test_help_into_a_pipe_that_nobody_reads(words: list[str]) -> None:
    """141 as well, and not Click's own 1."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as stdout:
        ran = ended(program(*words, stdout=stdout))
    assert (ran.code, ran.err) == (141, "")


def close(*numbers: int) -> Any:
    """Close descriptors in a program before it starts."""
    return lambda: [os.close(number) for number in numbers]


@pytest.mark.slow
def test_closed_standard_streams(tmp_path: Path) -> None:
    """A closed stream is an error where it is needed and nothing where it is not; no file is mistaken for it."""
    urls, records = tmp_path / "urls.txt", tmp_path / "records.jsonl"
    urls.write_text(f"http://127.0.0.1:{closed_port()}/\n")
    no_input = ended(program("fetch", "-", preexec_fn=close(0)))
    assert no_input[::2] == (2, "scrapepool: standard input: is not open\n")
    no_output = ended(program("fetch", urls, "--retries", 0, preexec_fn=close(1)))
    assert no_output[::2] == (3, "scrapepool: cannot write standard output: it is closed\n")
    assert ended(program("--help", preexec_fn=close(1)))[::2] == no_output[::2]
    no_errors = ended(program("fetch", urls, "--retries", 0, preexec_fn=close(2)))
    assert (no_errors.code, len(no_errors.records)) == (1, 1)
    nothing = ended(program("fetch", urls, "--retries", 0, "-o", records, preexec_fn=close(0, 1, 2)))
    assert nothing == (1, "", "")
    assert len(records.read_text().splitlines()) == 1
    assert ended(program("fetch", "nowhere", preexec_fn=close(2)))[:2] == (2, "")


def test_without_a_terminal_an_environment_or_a_session(tmp_path: Path) -> None:
    """Cron starts it like this: there are plain lines, and standard input may be the list."""
    with PoliteServer() as server:
        urls = tmp_path / "urls.txt"
        urls.write_text(server.url() + "\n")
        with urls.open("rb") as stdin:
            ran = ended(program("fetch", stdin=stdin, env={"PYTHONPATH": str(ROOT)}, start_new_session=True))
    assert (ran.code, len(ran.records)) == (0, 1)
    assert ran.err.startswith("done      1 URL")
    assert "\x1b" not in ran.err
    ran = ended(program("fetch"))
    assert ran.code == 2
    assert ran.err.startswith("scrapepool: no usable URL in standard input (read as text)")


@pytest.mark.slow
def test_a_full_standard_output() -> None:
    """The exit code is 3 for records and for other lines."""
    url = f"http://127.0.0.1:{closed_port()}/"
    helps = ["--help"], ["--version"], ["failed", "--help"]
    runs = ["fetch", "-q", "--retries", "0", url], ["plan", "--offline", url], ["config"], ["demo", "--list"]
    for words in (*helps, *runs):
        with open("/dev/full", "wb") as stdout:  # noqa: PTH123
            ran = ended(program(*words, stdout=stdout))
        assert ran[::2] == (3, "scrapepool: cannot write standard output: No space left on device\n")


def on_terminal(*args: object, keys: bytes = b"") -> tuple[int, str]:
    """Run a program on a terminal of its own; its exit code and what the terminal got."""
    master, slave = pty.openpty()
    env = {"PYTHONPATH": str(ROOT), "TERM": "xterm", "PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    process = program(*args, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
    os.close(slave)
    shown = b""
    try:
        if keys:
            os.write(master, keys)
        while select.select([master], [], [], TIMEOUT)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end was closed
                break
            shown += piece
        return process.wait(TIMEOUT), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_a_terminal_without_a_list_gets_an_example() -> None:
    """The program does not wait for input."""
    code, shown = on_terminal("fetch")
    assert code == 2
    assert "scrapepool: give a list of URLs" in shown


def test_urls_can_be_typed_at_a_terminal(tmp_path: Path) -> None:
    """A dash reads the terminal until Ctrl-D; with records in a file the view is live."""
    with PoliteServer() as server:
        records = tmp_path / "records.jsonl"
        code, shown = on_terminal("fetch", "-", "-o", records, keys=f"{server.url()}\n\x04".encode())
    assert code == 0
    assert len(records.read_text().splitlines()) == 1
    assert "\x1b[" in shown
    assert "1 URL" in shown


def test_each_command_s_summary_fits_its_line(capfd: pytest.CaptureFixture[str]) -> None:
    """Click ends one that does not with three dots."""
    assert "..." not in here(capfd, "--help").out.partition("Commands:")[2]


def test_help_is_quick() -> None:
    """It imports none of the heavy libraries, and nothing that only a run needs."""
    code = (
        "import sys\n"
        "from scrapepool.cli.program import run\n"
        "codes = [run(['fetch', '--help'])]\n"
        "assert 'scrapepool.model' not in sys.modules\n"
        "codes += [run(words) for words in (['--help'], ['--version'], ['demo', '--help'])]\n"
        "assert not any(codes), codes\n"
        "heavy = {'requests', 'urllib3', 'rich', 'ssl', 'httptools', 'scrapepool.engine'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, timeout=TIMEOUT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


UNNEEDED = {
    "sqlite3",
    "subprocess",
    "click.shell_completion",
    "csv",
    "pyarrow",
    "rich",
    "scrapepool.fail_conditions",
    "scrapepool.change",
    "scrapepool.selection",
    "scrapepool.window",
    "scrapepool.worker_process",
    "scrapepool.extract",
    "scrapepool.demo",
    "scrapepool.render.plain",
    "scrapepool.render.summary",
    "scrapepool.cli.arguments.record_arguments",
    "scrapepool.run.cookie_jar",
    "scrapepool.run.outputs.ordered_output",
    "scrapepool.run.monitoring.failure_examples",
    "scrapepool.transport.exchange.cookies",
    "scrapepool.transport.exchange.file_body",
    "scrapepool.transport.exchange.large_body",
    "scrapepool.transport.exchange.partial_files",
    "scrapepool.transport.exchange.streamed_body",
    "scrapepool.transport.exchange.transcript",
    "scrapepool.transport.http1.connect_request",
    "scrapepool.transport.http1.content_range",
    "scrapepool.transport.net.address_policy",
    "scrapepool.transport.robots",
    "scrapepool.transport.work.list_lease",
    "scrapepool.memory",
    "scrapepool.read.formats.csv_header",
    "scrapepool.results.record_database",
    "scrapepool.read.formats.csv_rows",
    "scrapepool.results.failures",
    "scrapepool.read.documents.feed",
    "scrapepool.results.journal",
    "scrapepool.read.formats.jsonl_rows",
    "scrapepool.results.known_pages",
    "scrapepool.read.documents.markup",
    "scrapepool.read.documents.parquet_rows",
    "scrapepool.read.documents.prose",
    "scrapepool.results.record_file",
    "scrapepool.read.formats.row_request",
    "scrapepool.read.documents.sitemap",
    "scrapepool.results.find",
    "scrapepool.read.formats.url_template",
    "scrapepool.record.formats.csv",
    "scrapepool.record.body_files.body_store",
    "scrapepool.record.stores.parquet",
    "scrapepool.record.stores.sqlite",
    "scrapepool.record.formats.text_template",
    "scrapepool.record.warc",
    "scrapepool.run.monitoring.prometheus",
    "scrapepool.run.dry_run",
    "scrapepool.run.outputs.duplicate_records",
    "scrapepool.run.monitoring.stall_report",
    "scrapepool.transport.exchange.cookie_file",
    "scrapepool.transport.work.activity",
}
"""What a plain run has no use for: each takes 0.2 to 5 ms to import, of the tenth of a second that such a run takes."""


def test_a_plain_run_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    """Every module that it does not need makes the shortest run longer."""
    code = (
        "import sys, requests, click\n"
        "before = set(sys.modules)\n"
        "from scrapepool.cli.program import run\n"
        "code = run(sys.argv[1].split())\n"
        "print(code, *sorted(set(sys.modules) - before))\n"
    )
    with PoliteServer() as server:
        words = f"fetch {server.url()} --no-robots -q -o {tmp_path / 'records.jsonl'}"
        done = subprocess.run(
            [sys.executable, "-c", code, words],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if name not in MEASURED} | {"PYTHONPATH": str(ROOT)},
            timeout=TIMEOUT,
            capture_output=True,
            text=True,
            check=False,
        )
    status, *loaded = done.stdout.split()
    assert (status, done.stderr) == ("0", "")
    assert UNNEEDED & set(loaded) == set()


def test_an_interrupt_before_anything_is_imported_is_silent() -> None:
    """Ctrl-C in the first moments ends the process without a traceback."""
    code = (
        "import os, signal, sys\n"
        "class Interrupt:\n"
        "    def find_spec(name, path, target=None):\n"
        "        if name == 'click': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt)\n"
        "from scrapepool.__main__ import main\n"
        "main()\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=TIMEOUT, check=False)
    assert (ran.returncode, ran.stderr) == (-signal.SIGINT, b"")


@pytest.mark.parametrize("options", [("--version",), ("fetch", "http://127.0.0.1:1/", "--retries", 0, "-q")])
def test_no_module_is_taken_from_the_current_folder(tmp_path, options: tuple[object, ...]):
    """``--save-dir .`` may have put a server's files there, under names of modules."""
    for name in (
        "__future__",
        "click",
        "json",
        "logging",
        "requests",
        "signal",
        "threading",
        "typing",
        "running_clock",
    ):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this was imported')\n")
    ran = ended(program(*options, cwd=tmp_path))
    assert "this was imported" not in ran.err
    assert ran.code == (0 if options == ("--version",) else 1), ran.err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("completion", "missing argument '{bash|zsh|fish}'; choose from: bash, zsh, fish"),
        ("hosts", "missing argument 'show|forget'; choose from: show, forget"),
    ],
)
def test_a_missing_choice_is_one_line(capfd: pytest.CaptureFixture[str], command: str, message: str) -> None:
    """Click writes one choice per line."""
    ran = here(capfd, command)
    assert (ran.code, ran.err) == (2, f"scrapepool: {message}\n")
