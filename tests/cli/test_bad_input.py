"""What a user can get wrong: one clear line on standard error, the right exit code, nothing fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import here

USAGE, OUTPUT = 2, 3

LISTS = {
    "good.txt": b"http://127.0.0.1:1/a\n",
    "empty.txt": b"",
    "blank.txt": b"\n\n  \n",
    "header.csv": b"url,x\n",
    "other.csv": b"a,b\n1,2\n",
    "array.json": b'[\n  {"url": "http://127.0.0.1:1/a"}\n]\n',
    "binary": bytes(range(256)) * 20,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with lists that are good and bad."""
    for name, content in LISTS.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "dir").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    monkeypatch.chdir(tmp_path)
    return tmp_path


WRONG = [
    ("dir", "dir: Is a directory"),
    ("/proc/self/mem", "/proc/self/mem: "),
    ("dangling", "dangling: No such file or directory"),
    ("nowhere.txt", "nowhere.txt: No such file or directory"),
    ("binary", "binary: is a binary file"),
    ("empty.txt", "no usable URL in empty.txt"),
    ("blank.txt", "no usable URL in blank.txt"),
    ("header.csv", "no usable URL in header.csv"),
    ("other.csv", "other.csv: no column called url"),
    ("other.csv --url-field zz", "other.csv: no column 'zz'"),
    ("array.json", "array.json: is a JSON array; lists are JSON Lines"),
    ("array.json --input-format jsonl", "array.json: is a JSON array; lists are JSON Lines"),
    ("good.txt --input-format text --url-field a", "--url-field names a column, but lists of --input-format text have"),
    ("good.txt --safe-csv", "--safe-csv needs CSV or TSV output"),
    ("good.txt --warc-size 1MB", "--warc-size needs --warc"),
    ("good.txt --extract-workers 2", "--extract-workers needs --select, --links or --text"),
    ("ftp://example.org/", "ftp://example.org/: URLs that can be fetched begin with http"),
    ("- -", "standard input can be read only once"),
    ("good.txt -H foo", "--header: 'foo' has no colon"),
    ("good.txt -H a(b:c", "--header: 'a(b' is not a header name"),
    ("good.txt -H transfer-encoding:chunked", "--header: transfer-encoding is computed from the body"),
    ("good.txt -H a:\x01", "--header: the value of a holds a control character"),
    ("good.txt -A \u20ac", "--user-agent: "),
    ("good.txt --retries -1", "--retries: -1 is too small; the minimum is 0"),
    ("good.txt --retries 1.5", "--retries: '1.5' is not a whole number"),
    ("good.txt --workers 0", "--workers: 0 is too small; the minimum is 1"),
    ("good.txt -w 99999999999", "--workers: 99999999999 is too large"),
    ("good.txt --per-host 99999999999", "--per-host: 99999999999 is too large"),
    ("good.txt --delay -1", "--delay: '-1' is not a duration"),
    ("good.txt --delay nan", "--delay: 'nan' is not a duration"),
    ("good.txt --delay inf", "--delay: 'inf' is not a duration"),
    ("good.txt --timeout 0", "--timeout: must be above 0"),
    ("good.txt --timeout 99999999999999", "--timeout: '99999999999999' is too long"),
    ("good.txt --rate nan", "--rate: 'nan' is not a rate"),
    ("good.txt --rate inf", "--rate: 'inf' is not a rate"),
    ("good.txt --rate 0", "--rate: '0' is not a rate"),
    ("good.txt --rate 1e-320", "--rate: '1e-320' is not a rate"),
    ("good.txt --max-size 0", "--max-size: must be at least 1 byte"),
    (f"good.txt --max-size 1{'0' * 400}", "--max-size: 1000000000000000000… is too large"),
    ("good.txt --max-size x", "--max-size: 'x' is not a size"),
    ("good.txt --retry-on 99", "--retry-on: unknown class: 99; write a status (503)"),
    ("good.txt -X G+T", "--method: 'G+T' is not an HTTP method"),
    ("good.txt -q --progress live", "--quiet and --progress live contradict each other"),
    ("good.txt --insecure --cacert good.txt", "--insecure and --cacert contradict each other"),
    ("good.txt --key good.txt", "--key needs --cert"),
    ("good.txt --fields nope", "unknown field: nope; choose from url, "),
    ("good.txt --fields ,", "--fields names no field"),
    ("good.txt -o a.csv.gz", "--output a.csv.gz would hold JSON Lines: records are written uncompressed"),
    ("good.txt -o a.parquet", "use --parquet for a Parquet file; with --format, any name is accepted"),
    ("good.txt -o a.db", "use --sqlite for a database"),
    ("good.txt --sqlite -", "--sqlite and --parquet need a file"),
    ("good.txt --parquet -", "--sqlite and --parquet need a file"),
    ("good.txt --sqlite a.db --fields url", "--format and --fields need --output"),
    ("good.txt --parquet a.parquet --format csv", "--format and --fields need --output"),
    ("good.txt --template {url} --fields url", "--format and --fields need --output"),
    ("good.txt --format xml", "--format: 'xml' is not one of"),
    ("good.txt --proxy foo:bar:baz", "--proxy: 'foo:bar:baz' is not a proxy"),
    ("good.txt --proxy ftp://x", "--proxy: ftp proxies are not supported"),
    ("good.txt --cacert nowhere", "--cacert: nowhere: No such file or directory"),
    ("good.txt --cacert good.txt", "--cacert: good.txt: no usable CA certificates"),
    ("good.txt --cert nowhere", "--cert: nowhere: No such file or directory"),
    ("good.txt --cert good.txt", "--cert: good.txt: not a usable certificate"),
    ("good.txt --cookies nowhere", "nowhere: No such file or directory"),
    ("good.txt --cookies good.txt", "good.txt: not a Netscape cookie file"),
    ("good.txt --data @nowhere", "--data: nowhere: No such file or directory"),
    ("good.txt --base-url foo", "--base-url: foo is not an absolute URL: no scheme"),
    ("good.txt --nope", "no such option '--nope'"),
    ("good.txt --expect status:dns", "--expect: dns is not a status; write a status (503)"),
    ("good.txt --select a=re:x --select a=re:y", "--select: the name a is taken; give"),
    ("good.txt --wrkers 3", "no such option '--wrkers'"),
    ("good.txt --workers", "option '--workers' requires an argument"),
    ("good.txt -o good.txt", "good.txt is read as a list and would be overwritten by --output"),
    ("good.txt --log-file ./good.txt", "good.txt is read as a list and would be overwritten by --log-file"),
    ("good.txt -o new --log-file ./new", "--output and --log-file name the same file"),
    (
        "good.txt --log-file empty.txt --summary-json dir/../empty.txt",
        "--log-file and --summary-json name the same file",
    ),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[words for words, _ in WRONG])
def test_wrong_usage_is_one_line_and_exit_code_2(capfd: pytest.CaptureFixture[str], words: str, said: str) -> None:
    """The line names the option or the file and what is wrong with it; there is no record and no traceback."""
    ran = here(capfd, "fetch", *words.split(" "))
    assert ran.code == USAGE
    assert ran.out == ""
    assert ran.err.startswith("scrapepool: ")
    assert ran.err.count("\n") == 1
    assert said in ran.err


def test_options_without_effect_are_ignored_unless_they_were_typed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the environment and in a configuration file they are meant for other runs."""
    monkeypatch.setenv("SCRAPEPOOL_FETCH_WARC_SIZE", "1MB")
    monkeypatch.setenv("SCRAPEPOOL_FETCH_URL_FIELD", "a")
    Path("scrapepool.toml").write_text("safe-csv = true\nextract-workers = 2\n")
    ran = here(capfd, "fetch", "good.txt", "-q", "--retries", 0, "--input-format", "text")
    assert (ran.code, len(ran.records)) == (1, 1)
    assert "--" not in ran.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('compress = "gz"\ndedupe-bodies = true\nname-template = "{host}/{line}"\n', ""),
        ('format = "csv"\n', "--sqlite a.db"),
        ('format = "csv"\nfields = "url,status"\n', "--template {url}"),
    ],
)
@pytest.mark.parametrize("command", ["fetch", "plan", "config"])
def test_options_that_need_another_one_are_errors_only_if_they_were_typed(
    capfd: pytest.CaptureFixture[str], command: str, text: str, words: str
) -> None:
    """A configuration file may say how bodies are named, and how records look, for runs that have them."""
    Path("scrapepool.toml").write_text(text)
    rest = {"plan": ["--offline"]}.get(command, [])
    ran = here(capfd, command, "good.txt", *words.split(), "--retries", 0, *rest)
    assert ran.code == (1 if command == "fetch" else 0)
    assert "--" not in ran.err


@pytest.mark.parametrize("option", ["--output", "--log-file", "--summary-json"])
@pytest.mark.parametrize("path", ["missing/x", "dir"])
def test_an_output_that_cannot_be_opened_is_found_before_anything_is_fetched(
    capfd: pytest.CaptureFixture[str], option: str, path: str
) -> None:
    """The exit code is 3, and no record was written."""
    ran = here(capfd, "fetch", "good.txt", option, path)
    assert (ran.code, ran.out) == (OUTPUT, "")
    assert ran.err.startswith(f"scrapepool: cannot write {path}: ")


@pytest.mark.parametrize("option", ["--output", "--summary-json"])
def test_a_full_disk_ends_the_run_with_the_path(capfd: pytest.CaptureFixture[str], option: str) -> None:
    """The exit code is 3 for records and for the summary alike."""
    ran = here(capfd, "fetch", "-q", "good.txt", "--retries", 0, option, "/dev/full")
    assert ran.code == OUTPUT
    assert ran.err == "scrapepool: cannot write /dev/full: No space left on device\n"


def test_a_log_that_cannot_be_written_is_given_up_and_reported(capfd: pytest.CaptureFixture[str]) -> None:
    """The run goes on without it, and its exit code says that an output is incomplete."""
    ran = here(capfd, "fetch", "good.txt", "--retries", 0, "--log-file", "/dev/full")
    assert (ran.code, len(ran.records)) == (3, 1)
    assert "the log file can no longer be written" in ran.err


def test_a_list_is_not_harmed_by_being_named_as_output(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """The list stays as it was."""
    here(capfd, "fetch", "good.txt", "-o", "good.txt")
    assert (folder / "good.txt").read_bytes() == LISTS["good.txt"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WORKERS", "0", "SCRAPEPOOL_FETCH_WORKERS: 0 is too small"),
        ("QUIET", "maybe", "SCRAPEPOOL_FETCH_QUIET: 'maybe' is not a valid boolean"),
        ("HEADER", "a: b\nc", "SCRAPEPOOL_FETCH_HEADER: 'c' has no colon"),
        ("FORMAT", "xml", "SCRAPEPOOL_FETCH_FORMAT: 'xml' is not one of"),
    ],
)
def test_a_wrong_value_of_the_environment_is_named(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    """The message names the variable, not an option that nobody gave."""
    monkeypatch.setenv(f"SCRAPEPOOL_FETCH_{name}", value)
    ran = here(capfd, "fetch", "good.txt")
    assert (ran.code, ran.out) == (USAGE, "")
    assert said in ran.err


def test_control_characters_of_an_argument_do_not_reach_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """A file's name is shown escaped."""
    ran = here(capfd, "fetch", "a\x1b[31m\nb")
    assert ran.code == USAGE
    assert "\x1b" not in ran.err


def test_unknown_commands_and_none(capfd: pytest.CaptureFixture[str]) -> None:
    """Both are usage errors; without a command the help is shown."""
    assert here(capfd, "nope")[::2] == (USAGE, "scrapepool: no such command 'nope' (see scrapepool --help)\n")
    assert here(capfd, "ftech").err == (
        "scrapepool: no such command 'ftech'; did you mean fetch? (see scrapepool --help)\n"
    )
    nothing = here(capfd)
    assert (nothing.code, nothing.out) == (USAGE, "")
    assert "Usage: scrapepool" in nothing.err


def test_a_bug_is_exit_code_70(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is one line. SCRAPEPOOL_DEBUG shows the traceback."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("scrapepool.cli.commands.fetch_command.settings_from", broken)
    ran = here(capfd, "fetch", "good.txt")
    assert (ran.code, ran.err.count("\n")) == (70, 1)
    assert "a bug in scrapepool: ZeroDivisionError: oh" in ran.err
    monkeypatch.setenv("SCRAPEPOOL_DEBUG", "1")
    assert "Traceback" in here(capfd, "fetch", "good.txt").err
