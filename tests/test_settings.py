"""Settings: what cannot be meant is refused, and copies differ only in what was asked for."""

from __future__ import annotations

import pickle
from dataclasses import fields
from typing import Any

import pytest

from scrapepool.errors import SettingsError, UsageError
from scrapepool.settings import PoolSettings, RequestSettings, RetryPolicy, Settings, SizeLimits, Timeouts


@pytest.mark.parametrize(
    ("group", "values"),
    [
        (RequestSettings, {"max_redirects": -1}),
        (RequestSettings, {"method": ""}),
        (RequestSettings, {"method": "G T"}),
        (PoolSettings, {"workers": 0}),
        (PoolSettings, {"per_host": 0}),
        (PoolSettings, {"delay": -0.1}),
        (PoolSettings, {"rate": 0.0}),
        (Timeouts, {"connect": 0.0}),
        (Timeouts, {"read": -1.0}),
        (Timeouts, {"total": float("nan")}),
        (RetryPolicy, {"retries": -1}),
        (RetryPolicy, {"backoff": -1.0}),
        (RetryPolicy, {"max_park": -1.0}),
        (RetryPolicy, {"statuses": frozenset({99})}),
        (SizeLimits, {"max_size": 0}),
    ],
)
def test_what_cannot_be_meant_is_refused(group: type[Any], values: dict[str, Any]) -> None:
    """The message is one line and says what is wrong."""
    with pytest.raises(UsageError) as caught:
        group(**values)
    assert str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_copy_differs_in_what_was_asked_for() -> None:
    """Everything else is as it was, and the original too."""
    before = Settings()
    after = before.with_(pool={"workers": 3}, retry={"retries": 0})
    assert (after.pool.workers, after.pool.per_host, after.retry.retries) == (3, before.pool.per_host, 0)
    assert after.with_(pool={"workers": before.pool.workers}, retry={"retries": before.retry.retries}) == before
    assert before == Settings()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"pol": {}}, "Settings has no group 'pol': did you mean pool?"),
        ({"pool": {"worker": 1}}, "pool has no setting 'worker': did you mean workers?"),
        ({"start": {"nothing": 1}}, "start has no setting 'nothing': there are splay, wait_lock, cluster"),
        ({"pool": {"workers": 0}}, "pool.workers must be at least 1"),
        ({"pool": {"workers": "8"}}, "pool.workers takes int, not str"),
        ({"pool": {"workers": True}}, "pool.workers takes int, not bool"),
        ({"pool": {"pace": "slow"}}, "pool.pace takes Literal['auto', 'fixed'], not 'slow'"),
        ({"pool": 8}, "pool takes a dict of its settings, not int"),
        ({"request": {"headers": {"Authorization": "secret"}}}, "takes tuple[tuple[str, str], ...], not dict"),
        ({"request": {"headers": (("A", "b", "c"),)}}, "takes tuple[tuple[str, str], ...], not tuple"),
        ({"retry": {"statuses": {429}}}, "retry.statuses takes frozenset[int], not set"),
        ({"retry": {"statuses": frozenset({"429"})}}, "retry.statuses takes frozenset[int], not frozenset"),
    ],
)
def test_what_there_is_not_cannot_be_changed(wrong: dict[str, Any], words: str) -> None:
    """Neither a group, nor a setting, nor to a value that cannot be meant; the sentence names the setting."""
    with pytest.raises(SettingsError) as caught:
        Settings().with_(**wrong)
    assert str(caught.value).endswith(words)


def test_every_default_is_of_its_type() -> None:
    """And so are other values: an int for a float, a value for what may be None."""
    settings = Settings()
    same = {one.name: vars(getattr(settings, one.name)) for one in fields(settings)}
    del same["host_overrides"]
    assert settings.with_(**same) == settings
    changed = settings.with_(pool={"rate": 2, "delay": 1}, output={"fields": ("url",)}, warc={"path": "a.warc"})
    assert (changed.pool.rate, changed.output.fields, changed.warc.path) == (2, ("url",), "a.warc")


def test_settings_travel() -> None:
    """They can be pickled, for runs in other processes."""
    settings = Settings().with_(output={"body": True})
    assert pickle.loads(pickle.dumps(settings)) == settings
