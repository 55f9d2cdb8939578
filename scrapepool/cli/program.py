"""The program: runs a command, reports its errors, and ends with its exit code.

Decides the message and the exit code for every error. Nothing heavier than Click is imported until a command needs it,
so that ``--help`` is quick.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from ..errors import ClusterError, ExtractionError, ListError, LockedError, OutputError, ProcessError, UsageError
from ..text import nearest, printable
from ..version import __version__
from .click_errors import message_of
from .exits import Exit
from .machine_limits import limit_message
from .parameters.grouped_options import COMPLETE, HelpfulCommand
from .standard_streams import echo, secure

PROGRAM = "scrapepool"


class _Commands(HelpfulCommand, click.Group):
    """The commands by name. Each is imported when it is used."""

    NAMES = (
        "fetch",
        "failed",
        "retry",
        "explain",
        "report",
        "changes",
        "plan",
        "split",
        "merge",
        "hosts",
        "config",
        "demo",
        "completion",
    )

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """List the names of all commands."""
        return list(self.NAMES)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; the error for an unknown name suggests one."""
        if args[0] not in self.NAMES and not ctx.resilient_parsing:
            near = nearest(args[0], self.NAMES)
            if near is not None:
                ctx.fail(f"no such command {args[0]!r}; did you mean {near}?")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - Click's signature
        """Import a command; None for an unknown name."""
        if cmd_name not in self.NAMES:
            return None
        command: click.Command = getattr(import_module(f".commands.{cmd_name}_command", __package__), cmd_name)
        return command


def _echo_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001 - Click's signature
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
    callback=_echo_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Fetch a list of URLs, ten or ten million: fast, polite, nothing lost and nothing wrong."""


def main() -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    secure()
    leave(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:  # noqa: PLR0911 - one per kind of error
    """Run the command line ``args`` and return the exit code. An error is one line on standard error."""
    try:
        return _invoke(args)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return Exit.USAGE
    except click.ClickException as error:
        return report(message_of(error), Exit.USAGE)
    except (UsageError, ListError) as error:
        from .options.setting_names import in_options  # noqa: PLC0415 - rarely needed

        return report(in_options(error), Exit.USAGE)
    except OutputError as error:
        return report(str(error), Exit.OUTPUT)
    except (LockedError, ExtractionError, ProcessError, ClusterError) as error:
        return report(str(error), Exit.TEMPFAIL)
    except BrokenPipeError:
        return Exit.PIPE
    except KeyboardInterrupt:
        return Exit.INTERRUPT
    except Exception as error:  # noqa: BLE001 - no user sees a traceback
        if (limit := limit_message(error)) is not None:
            return report(limit, Exit.OUTPUT)
        if os.environ.get("SCRAPEPOOL_DEBUG"):
            import traceback  # noqa: PLC0415 - rarely needed

            traceback.print_exc()
        return report(
            f"a bug in scrapepool: {type(error).__name__}: {error} (SCRAPEPOOL_DEBUG=1 shows the traceback)", Exit.BUG
        )


def _invoke(args: Sequence[str]) -> int:
    # As Click's own main, except for errors: that one handles a closed pipe itself.
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import add_completion_class, shell_complete  # noqa: PLC0415 - rarely needed

        from .parameters.bash_words import BashWords  # noqa: PLC0415

        add_completion_class(BashWords)
        return shell_complete(cli, {}, PROGRAM, COMPLETE, instruction)
    with cli.make_context(PROGRAM, list(args)) as context:
        return int(cli.invoke(context) or Exit.OK)


def report(message: str, code: Exit) -> Exit:
    """Write an error message to standard error, if it is open, and return ``code``."""
    lines = "\n".join(printable(line) for line in message.split("\n"))
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{PROGRAM}: {lines}\n")
        sys.stderr.flush()
    return code


def leave(code: int) -> NoReturn:
    """End the process. Threads that hang in the system's DNS look-up do not keep it alive."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, full, or None
            stream.flush()
    os._exit(code)
