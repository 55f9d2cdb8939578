import os
import resource
import threading

import pytest

from scrapepool.errors import LockedError, OutputError
from scrapepool.record.safe_io.lock import open_locked
from scrapepool.record.safe_io.output import Output, StalledError


def pipe():
    """A pipe as (read end, write end)."""
    return os.pipe()


def test_a_file_is_overwritten(tmp_path):
    """What an earlier run wrote is gone with the first record, and not before."""
    path = tmp_path / "out"
    path.write_text("old and long")
    output = Output(str(path))
    assert path.read_bytes() == b"old and long"
    output.write([b"one\n", b"two\n"])
    assert path.read_bytes() == b"one\ntwo\n"
    output.close()
    output.close()


@pytest.mark.parametrize(
    ("name", "reason"), [(".", "Is a directory"), ("missing/out", "its folder does not exist"), ("a\0b", "null")]
)
def test_what_cannot_be_opened_is_said_at_once(tmp_path, name, reason):
    """A folder, a missing folder and an impossible name fail in the constructor, with the path and the reason."""
    path = f"{tmp_path}/{name}"
    with pytest.raises(OutputError, match=reason) as caught:
        Output(path)
    assert caught.value.path == path


def test_a_closed_standard_output_is_said_at_once():
    """A run started with its standard output closed fails before it fetches."""
    read_end, write_end = pipe()
    os.close(read_end)
    os.close(write_end)
    with pytest.raises(OutputError, match="cannot write standard output"):
        Output(None, fd=write_end)


def test_a_full_disk_is_an_output_error():
    """The message names the path."""
    output = Output("/dev/full")
    with pytest.raises(OutputError, match="cannot write /dev/full: No space left on device"):
        output.write([b"x\n"])
    output.close()


def test_a_file_cut_short_ends_with_a_whole_record(tmp_path):
    """When the file can grow no more, the torn record is taken back and all before it stay."""
    path = tmp_path / "out"
    output = Output(str(path))
    output.write([b"first\n"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        with pytest.raises(OutputError, match="File too large"):
            output.write([b"second\n", b"third\n", b"fourth\n"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    output.close()
    assert path.read_bytes() == b"first\nsecond\n"


def test_a_reader_that_left_is_a_broken_pipe():
    """EPIPE is not an OutputError: it ends the run quietly."""
    read_end, write_end = pipe()
    os.close(read_end)
    output = Output(None, fd=write_end)
    with pytest.raises(BrokenPipeError) as caught:
        output.write([b"x\n"])
    assert not isinstance(caught.value, StalledError)
    output.close()
    os.close(write_end)


def test_a_slow_reader_gets_everything():
    """More than a pipe holds arrives whole and in order."""
    read_end, write_end = pipe()
    records = [b"%06d\n" % n for n in range(100_000)]
    received = []

    def read():
        while piece := os.read(read_end, 65536):
            received.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    Output(None, fd=write_end).write(records)
    os.close(write_end)
    reader.join()
    os.close(read_end)
    assert b"".join(received) == b"".join(records)


def test_a_stuck_reader_is_given_up_when_told_to():
    """While nobody reads, should_stop is asked, and its first yes ends the wait."""
    read_end, write_end = pipe()
    answers = iter([False, False, True])
    asked = []

    def should_stop():
        asked.append(next(answers))
        return asked[-1]

    output = Output(None, fd=write_end, should_stop=should_stop)
    with pytest.raises(StalledError, match="standard output"):
        output.write([b"x" * 99 + b"\n"] * 10_000)
    assert asked == [False, False, True]
    os.close(read_end)
    os.close(write_end)


def test_should_stop_does_not_hurry_a_reader_that_reads(tmp_path):
    """A stop that was asked for loses no record while the output takes them."""
    path = tmp_path / "out"
    output = Output(str(path), should_stop=lambda: True)
    output.write([b"x\n"])
    output.close()
    read_end, write_end = pipe()
    Output(None, fd=write_end, should_stop=lambda: True).write([b"y\n"])
    os.close(write_end)
    assert (path.read_bytes(), os.read(read_end, 10)) == (b"x\n", b"y\n")
    os.close(read_end)


def test_what_was_begun_is_appended_to(tmp_path):
    """With a descriptor of the file, nothing is cut off, and a torn record is taken back to where it began."""
    path = tmp_path / "out"
    path.write_bytes(b"kept\n")
    output = Output(str(path), fd=open_locked(str(path)))
    assert output.size == 5
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12, hard))
    try:
        with pytest.raises(OutputError, match="File too large"):
            output.write([b"long enough\n"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    output.close()
    assert path.read_bytes() == b"kept\n"


@pytest.mark.parametrize("fsync", ["never", "second", "always"])
def test_a_file_that_was_deleted_is_an_output_error(tmp_path, fsync):
    """Records that nobody can find again are not said to be written."""
    path = tmp_path / "out"
    output = Output(str(path), fsync=fsync)
    output.write([b"x\n"])
    path.unlink()
    with pytest.raises(OutputError, match=r"cannot write .*out: it was deleted during the run"):
        output.close()


def test_a_file_that_another_run_writes_is_left_alone(tmp_path):
    """Not a byte of it is cut off."""
    path = tmp_path / "out"
    output = Output(str(path))
    output.write([b"x\n"])
    with pytest.raises(LockedError, match="another run is writing"):
        Output(str(path))
    assert path.read_bytes() == b"x\n"
    output.close()
    Output(str(path)).close()
    assert path.read_bytes() == b"x\n"


def test_a_device_is_not_truncated(tmp_path):
    """/dev/fd/N of a file that a shell appends to keeps what the file has."""
    path = tmp_path / "log"
    path.write_bytes(b"kept\n")
    with path.open("ab") as log:
        output = Output(f"/dev/fd/{log.fileno()}")
        output.write([b"added\n"])
        output.close()
    assert path.read_bytes() == b"kept\nadded\n"
