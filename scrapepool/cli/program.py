"""The command line: words into settings, one call, an exit code.

Decides what the shell is told of everything that can go wrong. Nothing heavier than Click is imported until a
command needs it, so that ``--help`` is quick.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from ..errors import ExtractionError, ListError, LockedError, OutputError, UsageError
from ..text import printable
from ..version import __version__
from .click_errors import wording
from .exits import Exit
from .machine_limits import reached
from .parameters.grouped_options import HelpfulCommand
from .standard_streams import echo, secure

PROGRAM = "scrapepool"
COMPLETE = "_SCRAPEPOOL_COMPLETE"  # what the shell sets where it asks for completions, by Click's convention


class _Commands(HelpfulCommand, click.Group):
    """Commands by name, each imported when it is used, from the module of its name."""

    NAMES = ("fetch", "failed", "explain", "changes", "plan", "config", "demo")

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """All of them."""
        return list(self.NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - Click's signature
        """One of them, None where there is none."""
        if cmd_name not in self.NAMES:
            return None
        command: click.Command = getattr(import_module(f".commands.{cmd_name}_command", __package__), cmd_name)
        return command


def _say_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001 - Click's signature
    if value and not ctx.resilient_parsing:
        echo(f"{PROGRAM} {__version__}")
        ctx.exit()


@click.group(
    cls=_Commands,
    epilog="To see it work, run scrapepool demo. Each command has its own --help.",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
        "auto_envvar_prefix": "SCRAPEPOOL",
    },
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Fetch a list of URLs, ten or ten million: fast, polite, nothing lost and nothing wrong."""


def main() -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    secure()
    leave(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:  # noqa: PLR0911 - one for each end that there is
    """Run the command line over ``args``; the exit code. One line on standard error for what a user can cause."""
    try:
        return _invoke(args)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return Exit.USAGE
    except click.ClickException as error:
        return complain(wording(error), Exit.USAGE)
    except (UsageError, ListError) as error:
        from .options.setting_names import in_options  # noqa: PLC0415 - rarely needed

        return complain(in_options(error), Exit.USAGE)
    except OutputError as error:
        return complain(str(error), Exit.OUTPUT)
    except (LockedError, ExtractionError) as error:
        return complain(str(error), Exit.TEMPFAIL)
    except BrokenPipeError:
        return Exit.PIPE
    except KeyboardInterrupt:
        return Exit.INTERRUPT
    except Exception as error:  # noqa: BLE001 - the end of the line
        if (limit := reached(error)) is not None:
            return complain(limit, Exit.OUTPUT)
        if os.environ.get("SCRAPEPOOL_DEBUG"):
            import traceback  # noqa: PLC0415 - rarely needed

            traceback.print_exc()
        return complain(f"a bug: {type(error).__name__}: {error} (SCRAPEPOOL_DEBUG=1 shows where)", Exit.BUG)


def _invoke(args: Sequence[str]) -> int:
    # What Click's own main does, but for its handling of errors: it takes a closed pipe for a failure of its own.
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete  # noqa: PLC0415 - rarely needed

        return shell_complete(cli, {}, PROGRAM, COMPLETE, instruction)
    with cli.make_context(PROGRAM, list(args)) as context:
        return int(cli.invoke(context) or Exit.OK)


def complain(message: str, code: Exit) -> Exit:
    """Say what went wrong on standard error, where there is one."""
    lines = "\n".join(printable(line) for line in message.split("\n"))
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{PROGRAM}: {lines}\n")
        sys.stderr.flush()
    return code


def leave(code: int) -> NoReturn:
    """End the process. Worker threads that hang in the system's name look-up do not keep it alive."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, full, or not there
            stream.flush()
    os._exit(code)
