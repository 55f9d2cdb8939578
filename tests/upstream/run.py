"""Runs the suites of urllib3 and requests with and without this transport: what do users of either have to expect?

By hand, not in CI: it downloads both source distributions and their test requirements, and takes some ten minutes.

    python tests/upstream/run.py [--keep FOLDER]

Prints the counts of each run and every test that ends differently with the transport. ``EXPECTED`` says which do so
on purpose, and why; any other one makes the exit code 1.
"""

# ruff: noqa: T201 - it prints its findings
from __future__ import annotations

import argparse
import fnmatch
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import xml.etree.ElementTree as ET
from collections import Counter
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
TIMEOUT = 30  # seconds for one test
RUN_LIMIT = 900  # seconds for a suite; threads of its servers can keep it from ending

SUITES = {"urllib3": "test", "requests": "tests"}

DESELECT = {
    # Needs a host of the internet that swallows packets; and it is HTTP/2, which is not patched.
    "urllib3": ["test_http2_probe_blocked_per_thread"],
    "requests": [],
}

TOO_BRIEF = "at times: gives 1 ms, which counts for the name look-up here, too"

EXPECTED = (
    ("*::test_verified", "compares the connection's class with urllib3's"),
    ("*::test_verified_with_context", "compares the connection's class with urllib3's"),
    ("*::test_ca_dir_verified", "compares the connection's class with urllib3's"),
    ("*::test_context_combines_with_ca_certs", "compares the connection's class with urllib3's"),
    ("*::test_pool_timeouts", "compares the connection's class with urllib3's"),
    ("*::test_e2e_connect_to_ipv6_scoped*", "patches urllib3's create_connection, which is not used here"),
    ("*::test_debuglevel", "http.client's prints for debugging are not made"),
    ("*::test_obsolete_line_folding_is_unfolded", "a folded line is joined with one space (RFC 9112 section 5.2)"),
    ("*::test_header_longer_than_maxline", "a proxy's header line may be longer than 64 KiB here"),
    ("*::test_chunked_size_line_too_long_does_not_buffer", "refused at 8 KiB, in other words"),
    ("*::test_conn_closed", TOO_BRIEF),
    ("*::test_timeout_float", TOO_BRIEF),
    ("*::test_connection_read_timeout", TOO_BRIEF),
    (
        "*::test_response_headers_are_returned_in_the_original_order",
        "its server closes inside the header block, which is an error here: a cut reply is no success",
    ),
    (
        "*test_lowlevel::test_chunked_encoding_error",
        "its server closes inside the header block: ConnectionError rather than ChunkedEncodingError",
    ),
)


def main() -> int:
    """Run everything; 1 where a test differs that is not expected to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave it")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        return compare_all(options.keep.resolve())
    with tempfile.TemporaryDirectory() as folder:
        return compare_all(Path(folder))


def compare_all(work: Path) -> int:
    """Run both suites both ways."""
    sources = {name: source(work, name) for name in SUITES}
    python = environment(work, sources)
    unexpected = 0
    for name, tests in SUITES.items():
        plain = outcomes(python, work, sources[name], tests, name, patched=False)
        ours = outcomes(python, work, sources[name], tests, name, patched=True)
        print(f"\n{name} {version(name)}")
        print(f"  as it is            {counts(plain)}")
        print(f"  with the transport  {counts(ours)}")
        for test in sorted(plain.keys() | ours.keys()):
            before, after = plain.get(test, "absent"), ours.get(test, "absent")
            if before == "passed" != after:
                reason = next(
                    (why for pattern, why in EXPECTED if fnmatch.fnmatchcase(test.split("[")[0], pattern)), None
                )
                unexpected += reason is None
                print(f"  {test}: {after}: {reason or 'NOT EXPECTED'}")
    return 1 if unexpected else 0


def source(work: Path, name: str) -> Path:
    """The unpacked source distribution of the installed version."""
    folder = work / f"{name}-{version(name)}"
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--no-binary={name}"]
        subprocess.run([*pip, f"--dest={work}", f"{name}=={version(name)}"], check=True)
        with tarfile.open(next(work.glob(f"{name}-*.tar.gz"))) as archive:
            archive.extractall(work, filter="data")
    return folder


def environment(work: Path, sources: dict[str, Path]) -> Path:
    """The interpreter of a virtual environment with both packages, this one, and what their suites need."""
    python = work / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(work / "venv", with_pip=True)
        groups = tomllib.loads((sources["urllib3"] / "pyproject.toml").read_text())["dependency-groups"]
        needs = [need for group in ("test", "dev") for need in groups[group] if isinstance(need, str)]
        lines = (sources["requests"] / "requirements-dev.txt").read_text().splitlines()
        needs += [line for line in lines if line and not line.startswith(("-", "#"))]
        pinned = [f"{name}=={version(name)}" for name in SUITES]
        run = [str(python), "-m", "pip", "install", "--quiet", *needs, *pinned, f"{PROJECT}[brotli,zstd,socks]"]
        subprocess.run(run, check=True)
    again = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", str(PROJECT)]
    subprocess.run(again, check=True)
    return python


def outcomes(python: Path, work: Path, folder: Path, tests: str, name: str, *, patched: bool) -> dict[str, str]:
    """Run a suite; how each of its tests ended."""
    report = work / f"{name}-{'ours' if patched else 'plain'}.xml"
    report.unlink(missing_ok=True)
    command = [
        str(python),
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--timeout={TIMEOUT}",
        f"--junitxml={report}",
        tests,
    ]
    for test in DESELECT[name]:
        command += ["-k", f"not {test}"]
    env = dict(os.environ)
    if patched:
        command += ["-p", "transport_plugin"]
        env["PYTHONPATH"] = str(HERE)
    log = report.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out)
        try:
            process.wait(RUN_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return ended(report)


def ended(report: Path) -> dict[str, str]:
    """How the tests of a JUnit report ended."""
    found = {}
    for case in ET.parse(report).iter("testcase"):
        words = [tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None]
        found[f"{case.get('classname')}::{case.get('name')}"] = words[0] if words else "passed"
    return found


def counts(results: dict[str, str]) -> str:
    """``2334 passed, 54 failure, …``."""
    return ", ".join(f"{count} {word}" for word, count in Counter(results.values()).most_common())


if __name__ == "__main__":
    raise SystemExit(main())
