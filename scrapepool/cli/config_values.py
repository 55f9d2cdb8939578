"""Values of TOML, as an option takes them.

Decides how a key is spelled and which of TOML's types fit an option. What a value means is said by the option's own
type, as it is on the command line, so that an option needs nothing more to be settable in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from ..errors import UsageError
from .types import Header

_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}


class _WrongError(Exception):
    """What is wrong with a value; never leaves this file."""


def keys(option: click.Option) -> list[str]:
    """What an option is called in a file: its long names."""
    return [name.removeprefix("--") for name in option.opts if name.startswith("--")]


def converted(
    table: Mapping[str, Any], options: Iterable[click.Option], where: str, ctx: click.Context
) -> dict[str, Any]:
    """Values by the names of parameters, ready to be used.

    where: what stands before the key in a message. Raises UsageError, in one line, for a key that names no option, for
    one that is there twice (``per-host`` and ``per_host``), and for a value that does not fit.
    """
    by_key = {key: option for option in options for key in keys(option)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        option = by_key.get(key.replace("_", "-"))
        if option is None or option.name is None:
            raise UsageError(f"{where}{key}: {_unknown(key, by_key)}")
        if option.name in values:
            raise UsageError(f"{where}{key}: stands there twice, in two spellings")
        try:
            values[option.name] = _value(option, value, ctx)
        except (_WrongError, UsageError) as error:
            raise UsageError(f"{where}{key}: {error}") from None
        except click.UsageError as error:
            raise UsageError(f"{where}{key}: {error.message}") from None
    return values


def _unknown(key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes

    near = get_close_matches(key.replace("_", "-"), known, n=1)
    return f"no such option; is it {near[0]}?" if near else "no such option"


def _value(option: click.Option, value: Any, ctx: click.Context) -> Any:
    result = option.type_cast_value(ctx, _given(option, value))
    if isinstance(result, str) and not isinstance(value, str | bool):
        raise _wrong("text in quotes", value)
    return result


def _given(option: click.Option, value: Any) -> Any:
    """A value as the command line would have it: text, texts, or a flag. A list is joined where one text is taken."""
    if option.is_flag and option.is_bool_flag:
        if not isinstance(value, bool):
            raise _wrong("true or false", value)
        return value
    if value is True and isinstance(option.flag_value, str):  # an option whose argument may be left out
        return option.flag_value
    if isinstance(option.type, Header) and isinstance(value, dict):
        value = [f"{name}: {_text(content)}" for name, content in value.items()]
    texts = [_text(one) for one in value] if isinstance(value, list) else [_text(value)]
    return texts if option.multiple or option.nargs != 1 else ",".join(texts)


def _text(value: Any) -> str:
    """One value as text; numbers without an exponent."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        from decimal import Decimal  # noqa: PLC0415 - most runs have no file

        return format(Decimal(repr(value)), "f")
    raise _wrong("text or a number", value)


def _wrong(expected: str, value: Any) -> _WrongError:
    return _WrongError(f"expected {expected}, not {_KINDS.get(type(value), 'a date or time')}")
