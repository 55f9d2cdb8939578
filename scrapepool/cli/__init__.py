"""The command line: words into settings, one call, an exit code.

Nothing heavier than Click is imported until a command needs it, so that ``--help`` is quick.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, NoReturn

import click

from ..errors import ListError, OutputError, UsageError
from ..version import __version__
from .exits import Exit


class _Commands(click.Group):
    """Commands by name, each imported when it is used."""

    NAMES = ("fetch", "demo")

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """All of them."""
        return list(self.NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - Click's signature
        """One of them, None where there is none."""
        if cmd_name == "fetch":
            from .fetch import fetch  # noqa: PLC0415 - see the class

            return fetch
        if cmd_name == "demo":
            from .demo import demo  # noqa: PLC0415 - see the class

            return demo
        return None


@click.group(
    cls=_Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
        "auto_envvar_prefix": "SCRAPEPOOL",
    },
)
@click.version_option(__version__, "--version", prog_name="scrapepool")
def cli() -> None:
    """Fetch a list of URLs, ten or ten million: fast, polite, nothing lost and nothing wrong."""


def main() -> NoReturn:
    """Run the command line and leave the process with its exit code; no traceback for what a user can cause."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        code = Exit.INTERRUPT
    except (UsageError, ListError) as error:
        code = complain(error, Exit.USAGE)
    except OutputError as error:
        code = complain(error, Exit.OUTPUT)
    except BrokenPipeError:
        code = Exit.PIPE
    except KeyboardInterrupt:
        code = Exit.INTERRUPT
    except Exception as error:
        if os.environ.get("SCRAPEPOOL_DEBUG"):
            raise
        code = complain(f"a bug: {type(error).__name__}: {error} (SCRAPEPOOL_DEBUG=1 shows where)", Exit.BUG)
    leave(int(code or 0))


def complain(message: Any, code: Exit) -> Exit:
    """Say what went wrong on standard error, where there is one."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"scrapepool: {message}\n")
        sys.stderr.flush()
    return code


def leave(code: int) -> NoReturn:
    """End the process. Worker threads that hang in the system's name look-up do not keep it alive."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)
