"""Converts Click's errors to the form of this program's: one line that first says what is wrong."""

from __future__ import annotations

import click
from click.core import ParameterSource

from ..lazy_pattern import lazy_pattern

_SENTENCE = lazy_pattern(r"\. \(?([A-Z])")


def message_of(error: click.ClickException) -> str:
    """Return the message, without the program's name and a full stop."""
    if isinstance(error, click.MissingParameter):
        return " ".join(_plain(error.format_message()).split())  # Click writes one choice per line
    if not isinstance(error, click.UsageError):
        return _plain(error.format_message())
    context = error.ctx
    if isinstance(error, click.BadParameter) and error.param is not None:
        return f"{_name(error.param, context)}: {_plain(error.message)}"
    hint = f" (see {context.command_path} --help)" if context is not None else ""
    return f"{_plain(error.format_message())}{hint}"


def _name(param: click.Parameter, context: click.Context | None) -> str:
    """Return the name of the parameter as the user gave it: an environment variable, or the option's long name."""
    if context is not None and context.get_parameter_source(param.name or "") is ParameterSource.ENVIRONMENT:
        # An option without its own variable has the one that Click names
        return str(param.envvar or f"{context.auto_envvar_prefix}_{param.name}".upper())
    return max(param.opts, key=len)


def _plain(text: str) -> str:
    text = _SENTENCE.sub(lambda match: f"; {match[1].lower()}", text.rstrip(".").replace("?)", "?"))
    return text[:1].lower() + text[1:]
