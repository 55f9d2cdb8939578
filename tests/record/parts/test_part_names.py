"""Names of parts, and what is no part."""

from scrapepool.record.parts.part_names import PartNames, any_part


def test_names_tell_shard_and_number() -> None:
    """Only a divided run has shards in its names."""
    whole, shard = PartNames(None, "jsonl"), PartNames(7, "csv")
    assert [whole.part(3), whole.success, whole.lock] == ["part-00003.jsonl", "_SUCCESS", ".lock"]
    assert [shard.part(123456), shard.success, shard.lock] == ["part-00007-123456.csv", "_SUCCESS-00007", ".lock-00007"]
    assert shard.part(0, "jsonl") == "part-00007-00000.jsonl"


def test_only_parts_of_the_shard_are_found() -> None:
    """In order; markers, other shards and strangers are left out."""
    names = [".part-00002.jsonl", "part-00001.jsonl", "part-00001-00001.jsonl", "_SUCCESS", "part-1.jsonl", "x.jsonl"]
    found = PartNames(None, "jsonl").among(names)
    assert [(part.name, part.number, part.unfinished, part.suffix) for part in found] == [
        ("part-00001.jsonl", 1, False, "jsonl"),
        (".part-00002.jsonl", 2, True, "jsonl"),
    ]
    assert [part.name for part in PartNames(1, "jsonl").among(names)] == ["part-00001-00001.jsonl"]
    assert any_part(names)
    assert not any_part(names[3:])
