"""Which output the settings mean, and which records may be made in worker processes."""

import pytest
from record_cases import fetched, target

from scrapepool.model import Serialized
from scrapepool.record import early_serializer, record_sink
from scrapepool.settings import Settings


@pytest.mark.parametrize(
    "groups",
    [
        {"output": {"template": "{url}"}},
        {"output": {"sqlite": "x.db"}},
        {"output": {"parquet": "x.parquet"}},
        {"output": {"path": "x/", "format": "parquet"}},
        {"output": {"body": True}},
        {"output": {"history": True}},
        {"output": {"links": True}},
        {"files": {"save_dir": "pages"}},
        {"since": {"records": ("old.jsonl",)}},
    ],
    ids=str,
)
def test_records_that_say_more_than_a_worker_process_knows_are_made_by_the_run(groups):
    """So are those that another output beside them is made from."""
    assert early_serializer(Settings().with_(**groups)) is None


@pytest.mark.parametrize(
    "output", [{}, {"path": "x.csv", "headers": True}, {"path": "x/", "fields": ("url", "line", "tls")}]
)
def test_records_made_early_are_those_of_the_output(output, tmp_path):
    """An output writes them as they are, among its own."""
    settings = Settings().with_(
        output={**output, "path": str(tmp_path / output.get("path", "x.jsonl").replace("/", ""))}
    )
    early = early_serializer(settings)
    assert early is not None
    page = fetched(headers=[("A", "b")])
    sink = record_sink(settings.output)
    made = Serialized(page.target, early.encode(page), 200, 0.1, 700, None)
    sink.write([page, made, fetched(target=target(line=8), headers=[])])
    sink.close()
    lines = (tmp_path / str(settings.output.path)).read_bytes().removeprefix(early.head).splitlines()
    assert lines[0] == lines[1] != lines[2]
