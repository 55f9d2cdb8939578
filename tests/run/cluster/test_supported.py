"""What a cluster cannot do is refused, with what to use instead."""

from __future__ import annotations

from typing import Any

import pytest
from cluster_cases import settings_of

from scrapepool.errors import UsageError
from scrapepool.run.cluster.supported import check_supported
from scrapepool.settings import Settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"output": {"sqlite": "x.db"}}, "--sqlite is one file"),
        ({"output": {"path": "out.jsonl"}}, "a folder whose name ends with /"),
        ({"output": {"ordered": True}}, "--ordered"),
        ({"warc": {"path": "x.warc", "dedup": ("old.warc",)}}, "--warc-dedup"),
        ({"since": {"records": ("old.jsonl",)}}, "--since"),
        ({"request": {"save_cookies": "x"}}, "--save-cookies"),
        ({"pool": {"processes": 4}}, "--processes"),
        ({"limits": {"targets": 5}}, "--limit"),
        ({"limits": {"max_bytes": 5}}, "--max-bytes"),
        ({"alarm": {"fail_if": ("failed > 5%",)}}, "--fail-if"),
        ({"display": {"metrics_file": "x"}}, "--metrics-file"),
        ({"display": {"watch_stalls": 5.0}}, "--watch-stalls"),
    ],
)
def test_settings_that_are_refused(values: dict[str, Any], message: str) -> None:
    """Each says why."""
    with pytest.raises(UsageError, match=r"^with --cluster, ") as refused:
        check_supported(settings_of("out").with_(**values))
    assert message in str(refused.value)


def test_what_is_supported() -> None:
    """Parts in a folder are; the records of other runs go elsewhere."""
    with pytest.raises(UsageError, match="ends with /"):
        check_supported(Settings())
    check_supported(settings_of("out"))
