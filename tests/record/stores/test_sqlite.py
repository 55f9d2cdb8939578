import json
import os
import re
import shutil
import sqlite3
import tempfile
import zlib
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.errors import ListError, LockedError, OutputError, UsageError
from scrapepool.model import ErrorKind, Failed, HostKey, Skipped
from scrapepool.record.formats.fields import record
from scrapepool.record.stores import sqlite
from scrapepool.record.stores.sqlite import SqliteStore
from scrapepool.record_fields import FIELDS, TIMINGS, TLS_FACTS
from scrapepool.results.record_database import RecordDatabase
from scrapepool.settings import OutputSettings
from scrapepool.sqlite_schema import COLUMNS, JSON_COLUMNS, SCHEMA
from scrapepool.text import printable, strict_json
from scrapepool.url import plain
from tests.record.record_cases import HOST, OUTCOMES, fetched, target

PLAIN = OutputSettings()
BODIES = OutputSettings(body=True)


def ask(path, query):
    """All rows of an answer."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def stored(path, outcomes, output=PLAIN, **parameters):
    """Write outcomes in one run; the path as text."""
    store = SqliteStore(str(path), output, **parameters)
    store.write(outcomes)
    store.close()
    return str(path)


class Clock:
    """A clock that the test advances."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_record_is_a_row_with_types(tmp_path):
    """Numbers are numbers, instants text that SQLite knows as a time, lists JSON; the host has a row of its own."""
    path = stored(tmp_path / "a.db", [fetched(redirects=("https://a.example/",), target=target(input={"id": 3}))])
    query = "SELECT status, elapsed, ttfb, reused, started, redirects ->> 0, input ->> 'id', error, hosts.name"
    assert ask(path, f"{query} FROM records JOIN hosts ON hosts.id = records.host") == [
        (200, 0.012346, 0.01, 1, "2023-11-14T22:13:20.123Z", "https://a.example/", 3, None, "https://example.org")
    ]
    assert ask(path, "SELECT unixepoch(started) FROM records") == [(1_700_000_000,)]


def test_every_field_has_its_column():
    """A field that is added to records is added to the table, or is said here to lie elsewhere."""
    elsewhere = {"timings", "body"}  # the column ``tls`` is a step of the timings
    assert set(COLUMNS) == {*FIELDS, *TIMINGS, *(f"tls_{fact}" for fact in TLS_FACTS)} - elsewhere
    table = SCHEMA[SCHEMA.index("CREATE TABLE records") :]
    assert all(re.search(rf"^    {name} [A-Z]", table, re.MULTILINE) for name in COLUMNS)


@pytest.mark.slow
@given(outcomes=st.lists(OUTCOMES, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_is_read_back_is_what_json_lines_would_say(outcomes, tmp_path_factory):
    """Whatever servers sent: NUL, lone surrogates, control characters; the last record of each request, in order."""
    output = OutputSettings(headers=True, fields=("+tls",))
    path = stored(tmp_path_factory.mktemp("db") / "a.db", outcomes, output)
    expected = {}
    for outcome in outcomes:
        if isinstance(outcome, Skipped) and outcome.error is ErrorKind.DUPLICATE:
            continue
        text = json.dumps(record(outcome, output))
        row = json.loads(text)
        row.update({name: value for name, value in json.loads(strict_json(text)).items() if name in JSON_COLUMNS})
        for name in ("url", "final_url", "content_type", "charset", "sha256", "remote"):
            if row[name] is not None:
                row[name] = printable(plain(row[name]) if name == "url" else row[name])
        if row["timings"] == dict.fromkeys(TIMINGS):
            row["timings"] = None
        for name in ("headers", "tls"):
            if row[name] is None:
                del row[name]
        key = row["url"], row.get("method"), json.dumps(row.get("request"))
        expected.pop(key, None)
        expected[key] = row
    assert list(RecordDatabase(path).records()) == list(expected.values())
    database = RecordDatabase(path)
    one_by_one = [(row, database.current()) for row in database]
    assert list(RecordDatabase(path).with_records()) == one_by_one


def test_a_url_has_one_row_by_method(tmp_path):
    """What is fetched again replaces what was known; lines that repeat a URL are counted and leave its record alone."""
    path = tmp_path / "a.db"
    stored(path, [Failed(target=target(), error=ErrorKind.DNS), fetched("https://example.org/b")])
    stored(path, [fetched(), Skipped(target=target(), error=ErrorKind.DUPLICATE)])
    stored(path, [fetched(status=204)], method="HEAD")
    query = "SELECT url, method, status, run FROM records ORDER BY id"
    assert ask(path, query) == [
        ("https://example.org/b", "GET", 200, 1),
        ("https://example.org/a", "GET", 200, 2),
        ("https://example.org/a", "HEAD", 204, 3),
    ]
    assert ask(path, "SELECT id, duplicates, ended IS NOT NULL FROM runs") == [(1, 0, 1), (2, 1, 1), (3, 0, 1)]


def test_a_line_that_is_no_url_has_no_host(tmp_path):
    """It is a record all the same, and the views count it."""
    nowhere = target("nonsense", host=HostKey("", "", 0))
    path = stored(tmp_path / "a.db", [Skipped(target=nowhere, error=ErrorKind.INVALID_URL)])
    assert ask(path, "SELECT host FROM records") == [(None,)]
    assert ask(path, "SELECT * FROM failures") == [(None, "invalid_url", 1, "nonsense")]


def test_equal_bodies_are_stored_once_and_shrink(tmp_path):
    """Under their digest; one that does not shrink is stored as it is, which the column bytes tells."""
    page, noise = b"<p>" * 1000, os.urandom(50)
    outcomes = [
        fetched(f"https://example.org/{n}", body=body, sha256=digest)
        for n, (body, digest) in enumerate([(page, "p"), (page, "p"), (noise, "n"), (b"", "e"), (None, "x")])
    ]
    path = stored(tmp_path / "a.db", outcomes, BODIES)
    stored(path, outcomes, BODIES)
    bodies = {digest: (size, content) for digest, size, content in ask(path, "SELECT * FROM bodies")}
    assert bodies.keys() == {"p", "n", "e"}
    assert zlib.decompress(bodies["p"][1]) == page
    assert (bodies["n"], bodies["e"]) == ((50, noise), (0, b""))
    assert ask(stored(tmp_path / "b.db", outcomes), "SELECT count(*) FROM bodies") == [(0,)]


def test_a_transaction_is_a_second_a_batch_or_bodies_enough(tmp_path, monkeypatch):
    """Until then nothing is kept, and nobody else sees it."""
    clock = Clock()
    store = SqliteStore(str(tmp_path / "a.db"), BODIES, clock=clock)
    store.write([fetched("https://example.org/1")])
    clock.now = sqlite.COMMIT_INTERVAL / 2
    store.write([fetched("https://example.org/2")])
    assert (store.kept, ask(tmp_path / "a.db", "SELECT count(*) FROM records")) == (0, [(0,)])
    clock.now = sqlite.COMMIT_INTERVAL
    store.write([])
    assert (store.kept, ask(tmp_path / "a.db", "SELECT count(*) FROM records")) == (2, [(2,)])
    monkeypatch.setattr(sqlite, "TRANSACTION_BYTES", 100)
    store.write([fetched("https://example.org/3", body=b"x" * 100)])
    assert store.kept == 3
    monkeypatch.setattr(sqlite, "TRANSACTION_ROWS", 2)
    store.write([fetched("https://example.org/4"), fetched("https://example.org/5")])
    assert store.kept == 5
    store.close()


def test_every_write_is_a_transaction_where_that_is_asked_for(tmp_path):
    """--fsync always means it for tables too."""
    store = SqliteStore(str(tmp_path / "a.db"), OutputSettings(fsync="always"))
    store.write([fetched()])
    assert store.kept == 1
    store.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("hello, this is a text and not a database at all"), "is not an SQLite database"),
        (lambda path: ask(path, "CREATE TABLE precious (x)"), "is a database of another program"),
        (lambda path: ask(path, "PRAGMA user_version = 7"), "is a database of another program"),
        (
            lambda path: ask(stored(path, [fetched()]), "PRAGMA user_version = 2"),
            r"was written by another version of scrapepool \(its tables are version 2, not 1\)",
        ),
    ],
)
def test_what_is_not_ours_is_not_touched(tmp_path, make, message):
    """The file is named, and as it was."""
    path = tmp_path / "a.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=f"a.db {message}"):
        SqliteStore(str(path), PLAIN)
    assert path.read_bytes() == before
    os.close(sqlite.open_locked(str(path)))


def test_one_run_a_database(tmp_path):
    """A second one is refused before it fetches."""
    store = SqliteStore(str(tmp_path / "a.db"), PLAIN)
    with pytest.raises(LockedError):
        SqliteStore(str(tmp_path / "a.db"), PLAIN)
    store.close()
    store.close()
    SqliteStore(str(tmp_path / "a.db"), PLAIN).close()


@pytest.mark.parametrize("path", ["/dev/null", "/nonexistent/a.db", "a\0b"])
def test_a_file_that_cannot_be_made_is_said_at_once(path):
    """Before anything is fetched, with its name."""
    with pytest.raises((UsageError, OutputError), match=re.escape(path)):
        SqliteStore(path, PLAIN)


def test_another_program_that_writes_is_waited_for(tmp_path, monkeypatch):
    """For as long as a person lets it, and then it is said who is to blame."""
    path, clock = str(tmp_path / "a.db"), Clock()
    store = SqliteStore(path, PLAIN, clock=clock)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def sleep(seconds):
            clock.now += seconds
            if clock.now > 5:
                other.execute("ROLLBACK")
                monkeypatch.setattr(sqlite.time, "sleep", wait_on)

        def wait_on(seconds):
            clock.now += seconds

        monkeypatch.setattr(sqlite.time, "sleep", sleep)
        store.write([fetched()])
        clock.now += 1
        store.write([])
        assert (store.kept, clock.now > 5) == (1, True)
        other.execute("BEGIN IMMEDIATE")
        store.write([fetched()])
        clock.now += 1
        with pytest.raises(OutputError, match="another program has locked the database for 30 s"):
            store.write([])
        other.execute("ROLLBACK")
    store.close()
    assert store.kept == 2


def test_a_database_that_was_deleted_is_not_taken_for_written(tmp_path):
    """Records that went with it are not kept."""
    store = SqliteStore(str(tmp_path / "a.db"), PLAIN)
    (tmp_path / "a.db").unlink()
    store.write([fetched()])
    with pytest.raises(OutputError, match="it was deleted during the run"):
        store.close()
    assert store.kept == 0


def test_the_usual_questions_have_views(tmp_path):
    """Failures by host and error, the slowest first, counts by status, and a line a host."""
    outcomes = [
        fetched("https://example.org/1", elapsed=0.5),
        fetched("https://example.org/2", status=404, elapsed=0.2),
        Failed(target=target("https://example.org/3"), error=ErrorKind.DNS),
        Failed(target=target("https://example.org/4"), error=ErrorKind.DNS),
    ]
    path = stored(tmp_path / "a.db", outcomes)
    origin = HOST.origin
    assert ask(path, "SELECT * FROM failures") == [
        (origin, "dns", 2, "https://example.org/3"),
        (origin, "http_4xx", 1, "https://example.org/2"),
    ]
    assert [url for (url,) in ask(path, "SELECT url FROM slowest LIMIT 2")] == [
        "https://example.org/1",
        "https://example.org/2",
    ]
    assert ask(path, "SELECT outcome, status, error, records FROM statuses") == [
        ("failed", None, "dns", 2),
        ("http_error", 404, "http_4xx", 1),
        ("ok", 200, None, 1),
    ]
    assert ask(path, "SELECT host, records, good, slowest FROM by_host") == [(origin, 4, 1, 0.5)]


def test_a_database_of_an_earlier_version_gets_its_new_column(tmp_path):
    """It is read without it, and written on with it."""
    path = stored(tmp_path / "a.db", [fetched()])
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE records DROP COLUMN list")
    before = list(RecordDatabase(path).records())
    assert [row["url"] for row in before] == ["https://example.org/a"]
    other = fetched("https://example.org/b", target=target("https://example.org/b", source="urls.txt"))
    stored(path, [other], OutputSettings(lists=True))
    assert ask(path, "SELECT url, list FROM records ORDER BY id") == [
        ("https://example.org/a", None),
        ("https://example.org/b", "urls.txt"),
    ]
    assert list(RecordDatabase(path).records())[:1] == before


@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_database_that_is_held_is_told_of_and_waited_for_once(tmp_path, monkeypatch, lock):
    """After a second a person knows; what has been waited for in vain is not waited for again at the end."""
    path, clock = stored(tmp_path / "a.db", []), Clock()
    notes = []
    store = SqliteStore(path, OutputSettings(sqlite_timeout=7.0), clock=clock, on_note=notes.append)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(lock)

        def sleep(seconds):
            clock.now += seconds
            assert len(notes) == (clock.now >= 2.05), clock.now

        monkeypatch.setattr(sqlite.time, "sleep", sleep)
        store.write([fetched()])
        clock.now = 1.0
        with pytest.raises(OutputError, match="another program has locked the database for 7 s"):
            store.write([])
        assert clock.now == pytest.approx(8.0, abs=0.2)
        monkeypatch.setattr(sqlite.time, "sleep", lambda _: pytest.fail("it is waited for again"))
        with pytest.raises(OutputError, match="another program has locked the database for 7 s"):
            store.close()
    assert notes == [f"{path}: another program locks the database; waiting up to 7 s for it"]


def test_a_database_that_is_held_from_the_beginning_is_waited_for(tmp_path, monkeypatch):
    """Also where the other program lets nobody read."""
    path, clock, notes = stored(tmp_path / "a.db", []), Clock(), []
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite.time, "sleep", lambda seconds: setattr(clock, "now", clock.now + seconds))
        with pytest.raises(OutputError, match="another program has locked the database for 2 s"):
            SqliteStore(path, OutputSettings(sqlite_timeout=2.0), clock=clock, on_note=notes.append)
    assert (len(notes), clock.now) == (1, pytest.approx(2.0, abs=0.2))


def test_a_finished_database_is_one_ordinary_file(tmp_path):
    """Without files beside it, and not in WAL mode, which cannot be read where nothing can be written."""
    path = stored(tmp_path / "a.db", [fetched()])
    assert [file.name for file in tmp_path.iterdir()] == ["a.db"]
    assert ask(path, "PRAGMA journal_mode") == [("delete",)]
    store = SqliteStore(path, PLAIN)
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM records").fetchone()
        store.close()  # somebody who looks on keeps no run from its end
    assert len(ask(path, "SELECT * FROM records")) == 1


@pytest.fixture
def unwritable(tmp_path):
    """Turn a folder into one that this process may only read."""
    folder = Path(tempfile.mkdtemp(dir="/tmp" if os.geteuid() == 0 else tmp_path))
    made = []

    def turn():
        for path in (*folder.iterdir(), folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        if os.geteuid() == 0:
            made.append(os.seteuid(NOBODY))

    yield folder, turn
    if made:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


NOBODY = 65534


def test_a_database_in_wal_mode_is_read_where_nothing_can_be_written(unwritable):
    """As one that a killed run, or an older version, left on a medium that is read-only."""
    folder, turn = unwritable
    path = stored(folder / "a.db", [fetched()])
    assert ask(path, "PRAGMA journal_mode = WAL") == [("wal",)]
    turn()
    assert len(list(RecordDatabase(path).records())) == 1


def test_rows_that_are_beside_a_database_are_not_passed_over(unwritable):
    """What cannot be read is said, rather than read without them."""
    folder, turn = unwritable
    path = stored(folder / "a.db", [fetched()])
    ask(path, "PRAGMA journal_mode = WAL")
    (folder / "a.db-wal").write_bytes(b"x" * 100)
    turn()
    with pytest.raises(ListError, match=re.escape(path)):
        list(RecordDatabase(path).records())
