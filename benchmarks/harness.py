"""What every benchmark needs: servers in processes of their own, a stop-watch over a command, Markdown tables.

Decides how things are started, timed and printed; what is asked and compared is each script's own matter.
"""

from __future__ import annotations

import compileall
import contextlib
import functools
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for the servers of the tests, which are not installed

PEERS = Path(__file__).resolve().parent / "peers"

UNWANTED = ("_PROXY", "CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONDONTWRITEBYTECODE", "SCRAPEPOOL_")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not any(word in name.upper() for word in UNWANTED)}
"""What commands see: nothing that sends them through a proxy or to certificates other than those of the benchmark."""

TIMEOUT = 20.0
"""Seconds that a server gets to start."""

PAGE = 1024
"""Bytes of nginx's small page."""

WATCH_INTERVAL = 0.05
"""Seconds between two looks at the memory and the threads of a process."""

NAMES = 10
"""Addresses that one of nginx's certificates names: a certificate with thousands of names is dear to read."""

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log warn; worker_rlimit_nofile 65536;
events {{ worker_connections 16384; multi_accept on; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600; default_type text/plain; sendfile on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  ssl_session_tickets on; ssl_protocols TLSv1.2 TLSv1.3;
  map $uri $page {{ default "{page}"; }}
  {servers}
}}
"""

NGINX_SERVER = """
  server {{
    {listen} allow 127.0.0.0/8; deny all;
    {certificate}
    location / {{ return 200 $page; }}
    location /each/ {{ return 200 "$uri $page"; }}
    location = /robots.txt {{ return 200 "User-agent: *\\nDisallow: /private/\\n"; }}
    location = /__status {{ stub_status; }}
    location /large/ {{ root {folder}/www; open_file_cache max=16; try_files /large.bin =404; }}
  }}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One command's cost.

    seconds: on the wall clock. cpu: user and system seconds, children included. peak_mb, threads: the most resident
    memory and the most threads of the process itself; 0 where it was not watched.
    """

    seconds: float
    cpu: float
    code: int
    peak_mb: float = 0.0
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx. ``ca``: a PEM file that clients must trust, where it serves https."""

    scheme: str
    port: int
    ca: Path | None = None

    def url(self, path: str = "/", address: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{address}:{self.port}{path}"

    def counts(self) -> tuple[int, int]:
        """Connections accepted and requests received so far, this look included."""
        context = None
        if self.scheme == "https":
            import ssl

            context = ssl._create_unverified_context()
        with urllib.request.urlopen(self.url("/__status"), context=context) as reply:
            accepted, _, requests = reply.read().decode().splitlines()[2].split()
        return int(accepted), int(requests)


@dataclass(frozen=True, slots=True)
class Process:
    """A server of ours. ``started``: what it printed first."""

    started: Mapping[str, Any]

    def stats(self) -> dict[str, Any]:
        """Its counts so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.started['admin']}/__stats__") as reply:
            counts: dict[str, Any] = json.load(reply)
        return counts


# -- commands ------------------------------------------------------------------------------------------


@functools.cache
def compile_once() -> None:
    """Byte-compile the project, as pip does when it installs; PYTHONDONTWRITEBYTECODE would cost 40 ms a run."""
    compileall.compile_dir(ROOT / "scrapepool", quiet=2)


def scrapepool(urls: Path | str, output: Path | str, *options: str) -> list[str]:
    """The command under test with records in a file."""
    return scrapepool_fetch(urls, "-o", str(output), *options)


def scrapepool_fetch(urls: Path | str, *options: str) -> list[str]:
    """The command under test, without anything on standard error; as the others, it asks for no robots.txt."""
    compile_once()
    return [sys.executable, "-m", "scrapepool", "fetch", str(urls), "-q", "--no-robots", *options]


def peer(script: str, *arguments: object, python: str | None = None) -> list[str]:
    """A script of ``peers/``, run by this Python or by another one."""
    return [python or sys.executable, str(PEERS / script), *map(str, arguments)]


def peer_folders() -> list[Path]:
    """Where peers are installed: the environment that BENCH_PEERS names, and ``.peers``."""
    named = os.environ.get("BENCH_PEERS")
    return [*([Path(named)] if named else []), ROOT / ".peers"]


def find_tool(name: str) -> str | None:
    """A peer's command: from where peers are installed, or from the path."""
    for folder in peer_folders():
        if (tool := folder / "bin" / name).exists():
            return str(tool)
    return shutil.which(name)


@functools.cache
def python_with(*modules: str) -> str | None:
    """A Python that can import these: this one, or the one of the peers."""
    if all(map(has_module, modules)):
        return sys.executable
    peers = find_tool("python")
    probe = f"import {', '.join(modules)}"
    if peers and not subprocess.run([peers, "-c", probe], stderr=subprocess.DEVNULL, check=False).returncode:
        return peers
    return None


def find_node_package(name: str) -> Path | None:
    """The folder of a package that npm has installed beside the other peers."""
    places = [folder / "node_modules" / name for folder in peer_folders()]
    return next((place for place in places if place.exists()), None) if shutil.which("node") else None


def has_module(name: str) -> bool:
    """Whether this Python can import it."""
    return importlib.util.find_spec(name) is not None


def run(
    command: Sequence[str], *, stdout: Path | None = None, timeout: float | None = None, watch: bool = False
) -> Run:
    """Run a command to its end, or to SIGKILL after ``timeout`` seconds, and say what it cost.

    watch: look at its memory and threads every WATCH_INTERVAL seconds.
    """
    with open(stdout or os.devnull, "wb") as out:  # noqa: PTH123 - os.devnull is no Path
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL
        )
        killer = threading.Timer(timeout, process.kill) if timeout else None
        if killer:
            killer.start()
        with watched(process.pid) if watch else contextlib.nullcontext(Peaks()) as peaks:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
        if killer:
            killer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(seconds, usage.ru_utime + usage.ru_stime, process.returncode, peaks.mb, peaks.threads)


@dataclass(slots=True)
class Peaks:
    """The most of a process so far: resident memory and threads."""

    mb: float = 0.0
    threads: int = 0


@contextlib.contextmanager
def watched(pid: int) -> Iterator[Peaks]:
    """Look at a process from a thread for as long as the block takes."""
    peaks, ended = Peaks(), threading.Event()

    def look() -> None:
        while not ended.wait(WATCH_INTERVAL):
            with contextlib.suppress(OSError, KeyError):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                status = dict(line.split(":", 1) for line in lines)
                peaks.mb = max(peaks.mb, int(status["VmHWM"].split()[0]) / 1024)
                peaks.threads = max(peaks.threads, int(status["Threads"]))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        ended.set()
        watcher.join()


def count_lines(path: Path, containing: bytes = b"\n") -> int:
    """Lines of a file that contain something."""
    with path.open("rb") as lines:
        return sum(containing in line for line in lines)


# -- servers -------------------------------------------------------------------------------------------


def free_port() -> int:
    """A port that nobody has just now, on any loopback address."""
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def stopped_at_end(process: subprocess.Popen[Any]) -> Iterator[None]:
    """End a process with the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def server(module: str, *arguments: object) -> Iterator[Process]:
    """A server of ours, in a process of its own, as a module of the project that prints JSON when it is up."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    with stopped_at_end(process):
        assert process.stdout
        yield Process(json.loads(process.stdout.readline()))


@contextlib.contextmanager
def nginx(*, identities: Sequence[str] | None = None, large: int | bytes = 0) -> Iterator[Nginx]:
    """nginx with one worker process, answering on every address of 127.0.0.0/8.

    identities: serve https with certificates for these addresses, the first of which is the host of the status page.
    large: the page under ``/large/``, or so many bytes.
    """
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        sys.exit("this benchmark needs nginx: apt install nginx-light")
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "www").mkdir()
        if large:
            (folder / "www" / "large.bin").write_bytes(large if isinstance(large, bytes) else os.urandom(large))
        port = free_port()
        ca = _certify(folder, identities) if identities else None
        (folder / "nginx.conf").write_text(
            NGINX.format(
                folder=folder, page="." * PAGE, servers="".join(_nginx_servers(folder, port, identities or ()))
            )
        )
        process = subprocess.Popen([program, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
        with stopped_at_end(process):
            _await_listener(port, process)
            yield Nginx("https" if ca else "http", port, ca)


def _groups(identities: Sequence[str]) -> list[Sequence[str]]:
    """Split addresses into those that share a certificate."""
    return [identities[begin : begin + NAMES] for begin in range(0, len(identities), NAMES)]


def _nginx_servers(folder: Path, port: int, identities: Sequence[str]) -> Iterator[str]:
    """Write the server on all addresses, and where there are several certificates, one for each of the others."""
    tls = " ssl" if identities else ""
    for number, group in enumerate(_groups(identities) or [()]):
        addresses = group if number else ["0.0.0.0"]
        listen = "".join(f"listen {address}:{port}{tls}{'' if number else ' backlog=4096'}; " for address in addresses)
        files = f"ssl_certificate {folder}/{number}.pem; ssl_certificate_key {folder}/{number}.pem;" if tls else ""
        yield NGINX_SERVER.format(folder=folder, listen=listen, certificate=files)


def _certify(folder: Path, identities: Sequence[str]) -> Path:
    """Make an authority and certificates. The file to trust holds the public authorities, too, as a client's does."""
    try:
        import certifi
        import trustme
    except ImportError as missing:
        sys.exit(f"this benchmark needs the extra dev ({missing})")
    authority = trustme.CA()
    for number, group in enumerate(_groups(identities)):
        authority.issue_cert(*group).private_key_and_cert_chain_pem.write_to_path(str(folder / f"{number}.pem"))
    trusted = folder / "trusted.pem"
    trusted.write_bytes(authority.cert_pem.bytes() + Path(certifi.where()).read_bytes())
    return trusted


def _await_listener(port: int, process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    sys.exit("nginx did not start")


# -- tables --------------------------------------------------------------------------------------------


def machine() -> str:
    """One line: the processor, how many, and what ran on them."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    versions = ", ".join(
        f"{name} {version}" for name in ("requests", "urllib3", "aiohttp") if (version := _version(name))
    )
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}, Python {platform.python_version()}, {versions}"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def first_line(*command: str) -> str:
    """The first line that a command prints, such as ``curl --version``."""
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return out.splitlines()[0] if out else ""


def table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    notes: Sequence[str] = (),
    versions: Sequence[str] = (),
) -> None:
    """Print a Markdown table under a heading, with the command that made it; the first column is text.

    versions: of peers, besides those that ``machine`` names.
    """
    command = f"python benchmarks/{Path(sys.argv[0]).name}{''.join(' ' + word for word in sys.argv[1:])}"
    print(f"### {title}\n")
    print(f"`{command}` on {', '.join([machine(), *versions])}\n")
    print("| " + " | ".join(headings) + " |")
    print("|---|" + "---:|" * (len(headings) - 1))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print()
    for note in notes:
        print(f"- {note}")
    if notes:
        print()
    sys.stdout.flush()


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median, and in brackets the least and the most."""
    middle = statistics.median(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def progress(words: str) -> None:
    """Tell on standard error how far it is."""
    print(words, file=sys.stderr, flush=True)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder, in memory where the machine has one there."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bench-", dir=place) as name:
        yield Path(name)


def interrupt(process: subprocess.Popen[Any]) -> None:
    """Ctrl-C, and once more if that was not enough."""
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return
    process.kill()
    process.wait()


@functools.cache
def zipf(items: int, total: int, exponent: float) -> tuple[int, ...]:
    """Whole numbers that fall as rank ** -exponent and add up to ``total``, the largest first."""
    weights = [rank**-exponent for rank in range(1, items + 1)]
    scale = total / sum(weights)
    sizes = [max(1, round(weight * scale)) for weight in weights]
    sizes[0] += total - sum(sizes)
    return tuple(sizes)
