"""All groups of settings in one object, and how a copy with other values is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, replace
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from ..errors import SettingsError
from ..frozen import frozen
from ..overrides import HostOverrides
from ..text import nearest
from .command_settings import AlarmSettings, DisplaySettings, SinceSettings, StartSettings
from .fetch_settings import (
    InputSettings,
    PolitenessSettings,
    PoolSettings,
    RequestSettings,
    RetryPolicy,
    RunLimits,
    SizeLimits,
    Timeouts,
)
from .output_settings import (
    FileSettings,
    OutputSettings,
    WarcSettings,
)

if TYPE_CHECKING:
    from typing import Unpack

    from .setting_values import SettingsValues


@frozen
class Settings:
    """All settings of a run, in groups: ``Settings(pool=PoolSettings(workers=8))`` or ``Settings().with_(…)``.

    input: how lists are read.
    request: what is sent.
    pool: how many requests are in flight at once, and how fast they follow each other.
    politeness: robots.txt, and what is remembered about hosts.
    limits: what a whole run may use.
    timeouts: how long a server may take.
    retry: which requests are repeated, and after how long.
    size: how large a response may be.
    output: what outcomes hold, and where the command writes records.
    warc: archive of requests and responses.
    files: bodies as files.
    display: what the command shows.
    alarm: when a run of the command counts as failed.
    since: what the command knows from earlier runs.
    start: when and where a run of the command begins.
    host_overrides: what is different for some hosts.
    """

    input: InputSettings = field(default_factory=InputSettings)
    request: RequestSettings = field(default_factory=RequestSettings)
    pool: PoolSettings = field(default_factory=PoolSettings)
    politeness: PolitenessSettings = field(default_factory=PolitenessSettings)
    limits: RunLimits = field(default_factory=RunLimits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    size: SizeLimits = field(default_factory=SizeLimits)
    output: OutputSettings = field(default_factory=OutputSettings)
    warc: WarcSettings = field(default_factory=WarcSettings)
    files: FileSettings = field(default_factory=FileSettings)
    display: DisplaySettings = field(default_factory=DisplaySettings)
    alarm: AlarmSettings = field(default_factory=AlarmSettings)
    since: SinceSettings = field(default_factory=SinceSettings)
    start: StartSettings = field(default_factory=StartSettings)
    host_overrides: HostOverrides = field(default_factory=HostOverrides)

    def with_(self, **groups: Unpack[SettingsValues]) -> Self:
        """Return a copy with other values in some groups: ``settings.with_(pool={"workers": 8})``.

        Raises SettingsError (a UsageError) for a group or a name that does not exist, and for a value of another type.
        """
        changed = {}
        for group, values in groups.items():
            current = getattr(self, group, None)
            if current is None:
                raise SettingsError("Settings has no group {}", _instead(group, [one.name for one in fields(self)]))
            if not isinstance(values, Mapping):
                raise SettingsError("{} takes a dict of its settings, not {}", group, type(values).__name__)
            _check(group, type(current), values)
            changed[group] = replace(current, **values)
        return replace(self, **changed)


def _check(group: str, kind: type, values: Mapping[str, Any]) -> None:
    """Raise SettingsError unless the group has these names and the values are of their types."""
    hints = get_type_hints(kind)
    names = {one.name: str(one.type) for one in fields(kind) if one.init}
    for name, value in values.items():
        if name not in names:
            raise SettingsError("{} has no setting {}", group, _instead(name, list(names)))
        if not _fits(value, hints[name]):
            wrong = repr(value) if "Literal" in names[name] else type(value).__name__  # others may be secrets
            raise SettingsError(f"{group}.{name} takes {{}}, not {{}}", names[name], wrong)


def _instead(name: str, names: list[str]) -> str:
    near = nearest(name, names)
    return f"{name!r}: " + (f"did you mean {near}?" if near else f"there are {', '.join(names)}")


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of a type. Only the types that settings use are known."""
    kind, args = get_origin(hint), get_args(hint)
    if kind in (Union, UnionType):
        return any(_fits(value, one) for one in args)
    if kind is Literal:
        return value in args
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool
    if not isinstance(value, (int, float) if hint is float else kind or hint):
        return False
    if kind is tuple and isinstance(value, tuple):
        each = args[:1] * len(value) if args[-1] is ... else args
        return len(each) == len(value) and all(map(_fits, value, each))
    return not isinstance(value, frozenset) or all(_fits(one, args[0]) for one in value)
