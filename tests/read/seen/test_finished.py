from pathlib import Path

from scrapepool.model import ErrorKind
from scrapepool.read import TargetList
from scrapepool.read.seen.finished import Finished
from scrapepool.read.seen.target_id import target_id
from scrapepool.settings import InputSettings
from scrapepool.url import parse
from tests.read.reading import Reading


def read(path, urls, *, lines, dedupe=True):
    """What is left of a list when some URLs are finished, and what was said."""
    finished = Finished(each=not dedupe)
    for url in urls:
        finished.add(target_id(parse(url)))
    Path(path).write_text("".join(f"{line}\n" for line in lines))
    notes = []
    targets = TargetList([str(path)], InputSettings(dedupe=dedupe), finished=finished, on_note=notes.append)
    try:
        return Reading(targets).to_the_end(), finished, notes
    finally:
        targets.close()


def test_finished_targets_are_passed_over_in_any_order(tmp_path):
    """Also where the list spells them in another way, and where it has grown."""
    lines = ["http://new/1", "http://a/2", "HTTP://A:80/1#x", "a.example/q"]
    reading, finished, notes = read(
        tmp_path / "urls", ["http://a/1", "http://a/2", "https://a.example/q", "http://gone/"], lines=lines
    )
    assert reading.urls == [(1, "http://new/1")]
    assert (finished.passed_over, notes) == (3, ["3 URLs of the lists are done already"])


def test_many_lines_of_one_host_are_passed_over(tmp_path):
    """The way of clean lines knows what is finished too."""
    lines = [f"http://a/{number}" for number in range(1000)]
    reading, finished, _ = read(tmp_path / "urls", lines[::2], lines=lines)
    assert [url for _, url in reading.urls] == lines[1::2]
    assert finished.passed_over == 500


def test_a_repeat_of_a_finished_target_is_a_duplicate_as_ever(tmp_path):
    """So that a resumed run makes the same records of a list's repeats as the first one."""
    reading, _, _ = read(tmp_path / "urls", ["http://a/1"], lines=["http://a/1", "http://a/1"])
    assert reading.reasons == [(2, ErrorKind.DUPLICATE, f"the same as {tmp_path / 'urls'}:1")]


def test_without_dedupe_as_many_repeats_are_passed_over_as_are_finished(tmp_path):
    """Each line is a target of its own."""
    reading, _, notes = read(tmp_path / "urls", ["http://a/1"] * 2, lines=["http://a/1"] * 3, dedupe=False)
    assert reading.urls == [(3, "http://a/1")]
    assert notes == ["2 URLs of the lists are done already"]
