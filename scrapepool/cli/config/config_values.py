"""TOML values as the values of options.

Decides how keys are spelled and which TOML types fit an option. The option's own type converts the value, as on the
command line, so that an option needs nothing more to be settable in a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Any

import click

from ...errors import UsageError
from ...frozen import frozen
from ...lazy_pattern import lazy_pattern
from ...text import nearest, printable
from ..parameters.text_types import Header

HIDDEN = "\u2026"
"""Replaces a secret in output. It is outside latin-1, so that no header can carry it."""

GUARDED = "reads or writes files, sends secrets, or chooses where requests go"
"""Why an option may be set only by a file that the user named."""

NAMING_FILES = frozenset({"header", "data"})
"""Parameters whose text names a file if it begins with ``@``."""

_VARIABLE = lazy_pattern(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}


class _WrongError(Exception):
    """What is wrong with a value. Never leaves this module."""


def keys(option: click.Option) -> list[str]:
    """Return the names of an option in a file: its long names."""
    return [name.removeprefix("--") for name in option.opts if name.startswith("--")]


@frozen
class Values:
    """Converted values by the names of parameters. masked: those that hold secrets, as they are shown."""

    values: dict[str, Any] = field(default_factory=dict, repr=False)
    masked: dict[str, Any] = field(default_factory=dict)


def converted(
    table: Mapping[str, Any],
    options: Iterable[click.Option],
    where: str,
    ctx: click.Context,
    *,
    refusal: str | None = None,
) -> Values:
    """Convert the values of a table for options; ``${NAME}`` in a text is replaced by that environment variable.

    where: the text before the key in a message. refusal: the message for values that only a trusted file may have, with
    ``{reason}``; None for a trusted file. Raises UsageError, with one line, for a key that names no option or appears
    twice (``per-host`` and ``per_host``), and for a value that is invalid or refused.
    """
    by_key = {key: option for option in options for key in keys(option)}
    found = Values()
    for key, value in table.items():
        option = by_key.get(key.replace("_", "-"))
        if option is None or option.name is None:
            raise UsageError(f"{where}{key}: unknown option{did_you_mean(key.replace('_', '-'), by_key)}")
        if option.name in found.values:
            raise UsageError(f"{where}{key}: the key appears twice, in two spellings")
        secrets: list[str] = []
        try:
            given = _expanded(value, secrets.append)
            if refusal is not None and (reason := _needs_trust(option, value, secrets)):
                raise _WrongError(refusal.format(reason=reason))  # noqa: TRY301 - reported as other mistakes are
            found.values[option.name] = _value(option, given, ctx)
        except (_WrongError, UsageError, click.UsageError) as error:
            message = error.message if isinstance(error, click.UsageError) else str(error)
            raise UsageError(f"{where}{key}: {_without(secrets, message)}") from None
        if refusal is not None and getattr(option, "guarded", False):
            raise UsageError(f"{where}{key}: {refusal.format(reason=GUARDED)}")
        if secrets:
            found.masked[option.name] = _expanded(value, None)
    return found


def _needs_trust(option: click.Option, value: Any, secrets: list[str]) -> str | None:
    """Return why a value may not come from a file that the user did not name; None if the value is no reason."""
    if secrets:
        return "names a variable of the environment, which may hold a secret"
    values = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    texts = [text.replace("\n", "").replace("\t", "") for text in values if isinstance(text, str)]
    if any(printable(text) != text for text in texts):
        return "holds control characters, which a terminal may obey"
    if option.name in NAMING_FILES and any(text.startswith("@") for text in texts):
        return "reads a file"
    return None


def _expanded(value: Any, found: Callable[[str], None] | None) -> Any:
    """Replace names of environment variables in a value by the variables' values, or by ``…`` if ``found`` is None.

    found: gets the value of each variable. Raises _WrongError for a variable that does not exist.
    """

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0][1:]
        if found is None:
            return HIDDEN
        if name not in os.environ:
            raise _WrongError(f"the environment has no variable {name}; write $${{{name}}} for the text itself")
        found(os.environ[name])
        return os.environ[name]

    if isinstance(value, str):
        return _VARIABLE.sub(replaced, value)
    if isinstance(value, list):
        return [_VARIABLE.sub(replaced, one) if isinstance(one, str) else one for one in value]
    if isinstance(value, dict):
        return {key: _VARIABLE.sub(replaced, one) if isinstance(one, str) else one for key, one in value.items()}
    return value


def _without(secrets: list[str], message: str) -> str:
    """Return a message, or a general one if it repeats a variable's value."""
    if any(secret and (secret in message or repr(secret)[1:-1] in message) for secret in secrets):
        return "the value from the environment is not valid"
    return message


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return the end of a message about an unknown name: the known name that is most like it, if any is.

    prefix: what all names begin with, which makes none of them more alike.
    """
    near = nearest(name.removeprefix(prefix), [one.removeprefix(prefix) for one in known])
    return f"; did you mean {prefix}{near}?" if near else ""


def _value(option: click.Option, value: Any, ctx: click.Context) -> Any:
    result = option.type_cast_value(ctx, _given(option, value))
    if isinstance(result, str) and not isinstance(value, str | bool):
        raise _wrong("text in quotes", value)
    return result


def _given(option: click.Option, value: Any) -> Any:
    """Return a value as the command line would give it: text, texts or a flag. A list becomes one text with commas."""
    if option.is_flag and option.is_bool_flag:
        if not isinstance(value, bool):
            raise _wrong("true or false", value)
        return value
    if value is True and isinstance(option.flag_value, str):  # an option with an optional argument
        return option.flag_value
    if isinstance(option.type, Header) and isinstance(value, dict):
        value = [f"{name}: {_text(content)}" for name, content in value.items()]
    texts = [_text(one) for one in value] if isinstance(value, list) else [_text(value)]
    return texts if option.multiple or option.nargs != 1 else ",".join(texts)


def _text(value: Any) -> str:
    """Return one value as text; numbers have no exponent."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and value.bit_length() > 64:
        raise _WrongError("a number with too many digits")
    if isinstance(value, int | float) and not isinstance(value, bool):
        from decimal import Decimal  # noqa: PLC0415 - most runs have no file

        return format(Decimal(repr(value)), "f")
    raise _wrong("text or a number", value)


def _wrong(expected: str, value: Any) -> _WrongError:
    return _WrongError(f"expected {expected}, not {_KINDS.get(type(value), 'a date or time')}")
