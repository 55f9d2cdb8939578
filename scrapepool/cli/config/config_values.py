"""Values of TOML, as an option takes them.

Decides how a key is spelled and which of TOML's types fit an option. What a value means is said by the option's own
type, as it is on the command line, so that an option needs nothing more to be settable in a file.
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
from ...text import printable
from ..parameters.option_types import Header

HIDDEN = "\u2026"
"""What stands for a secret that is not shown; outside latin-1, so that no header can carry it."""

GUARDED = "reads or writes files, sends secrets, or chooses where requests go"
"""What all options do that only a file may set which the user named."""

NAMING_FILES = frozenset({"header", "data"})
"""Parameters whose text names a file where it begins with ``@``."""

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}


class _WrongError(Exception):
    """What is wrong with a value; never leaves this file."""


def keys(option: click.Option) -> list[str]:
    """What an option is called in a file: its long names."""
    return [name.removeprefix("--") for name in option.opts if name.startswith("--")]


@frozen
class Values:
    """Values by the names of parameters, ready to be used; masked: those that hold secrets, as they are shown."""

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
    """Values of a table, as an option takes them; ``${NAME}`` in a text is replaced by that variable's value.

    where: what stands before the key in a message. refusal: what is said of values that only a trusted file may have,
    with ``{reason}``; None for a trusted file. Raises UsageError, in one line, for a key that names no option, for one
    that is there twice (``per-host`` and ``per_host``), and for a value that does not fit or is refused.
    """
    by_key = {key: option for option in options for key in keys(option)}
    found = Values()
    for key, value in table.items():
        option = by_key.get(key.replace("_", "-"))
        if option is None or option.name is None:
            raise UsageError(f"{where}{key}: {_unknown(key, by_key)}")
        if option.name in found.values:
            raise UsageError(f"{where}{key}: stands there twice, in two spellings")
        secrets: list[str] = []
        try:
            given = _expanded(value, secrets.append)
            if refusal is not None and (reason := _needs_trust(option, value, secrets)):
                raise _WrongError(refusal.format(reason=reason))  # noqa: TRY301 - told like all that is wrong
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
    """Why a value may not come from a file that nobody named; None where it may, but for what the option is."""
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
    """A value with variables of the environment in the place of their names, or ``…`` where there is no ``found``.

    found: gets each of them. Raises _WrongError where the environment has none of a name.
    """

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0][1:]
        if found is None:
            return HIDDEN
        if name not in os.environ:
            raise _WrongError(f"the environment has no variable {name}; $${{{name}}} is the text itself")
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
    """A message, unless it repeats a variable's value."""
    if any(secret and (secret in message or repr(secret)[1:-1] in message) for secret in secrets):
        return "the value that the environment has for it does not fit"
    return message


def _unknown(key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes

    near = get_close_matches(key[:100].replace("_", "-"), known, n=1)
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
    if isinstance(value, int) and value.bit_length() > 64:
        raise _WrongError("a number of too many digits")
    if isinstance(value, int | float) and not isinstance(value, bool):
        from decimal import Decimal  # noqa: PLC0415 - most runs have no file

        return format(Decimal(repr(value)), "f")
    raise _wrong("text or a number", value)


def _wrong(expected: str, value: Any) -> _WrongError:
    return _WrongError(f"expected {expected}, not {_KINDS.get(type(value), 'a date or time')}")
