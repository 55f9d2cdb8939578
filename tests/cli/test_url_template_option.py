"""``--url-template``: URLs that are made of a row's columns."""

from __future__ import annotations

import json

import pytest
from place import Place

from tests.servers.polite import PoliteServer

LISTS = {
    "urls.csv": "id,name\n7,a/b\n,none\n9,x y\n",
    "urls.tsv": "id\tname\n7\ta/b\n\tnone\n9\tx y\n",
    "urls.jsonl": '{"id": 7, "name": "a/b"}\n{"name": "none"}\n{"id": "9", "name": "x y"}\n',
}


@pytest.mark.parametrize("name", LISTS)
def test_each_row_is_one_url(name: str, place: Place, web: PoliteServer) -> None:
    """A row that lacks a value is rejected with its line, and the others are fetched, with their columns."""
    place.write(name, LISTS[name])
    template = web.url("/page?") + "{name}&{id}"
    ran = place.run("fetch", name, "--url-template", template, "-o", "out.jsonl", "--no-robots")
    assert ran.code == 1
    records = [json.loads(line) for line in (place.folder / "out.jsonl").read_text().splitlines()]
    rejected, *fetched = sorted(records, key=lambda one: (one["outcome"] == "ok", one["line"]))
    assert (rejected["error"], rejected["input"]["name"]) == ("invalid_url", "none")
    assert "'id'" in rejected["detail"]
    assert [one["url"] for one in fetched] == [web.url("/page?a%2Fb&7"), web.url("/page?x%20y&9")]
    assert [one["input"]["name"] for one in fetched] == ["a/b", "x y"]


@pytest.mark.parametrize("template", ["https://h/", "https://h/{id"])
def test_what_is_no_template_is_a_usage_error(template: str, place: Place) -> None:
    """No file is written."""
    place.write("urls.csv", LISTS["urls.csv"])
    ran = place.run("fetch", "urls.csv", "--url-template", template, "-o", "out.jsonl")
    assert ran.code == 2
    assert "--url-template" in ran.err
    assert not (place.folder / "out.jsonl").exists()
