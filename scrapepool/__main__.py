"""``python -m scrapepool`` and the console script."""

from __future__ import annotations

import gc
import signal
from typing import NoReturn

COLLECT_AFTER = 100_000
"""Objects between two collections: there is no garbage among what is imported, and to look takes 20 ms otherwise."""


def main() -> NoReturn:
    """Run the command line; Ctrl-C while it is being imported ends the process as it ends any other, silently."""
    gc.set_threshold(COLLECT_AFTER)
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from .cli import program  # noqa: PLC0415 - as it says

    if usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    program.main()


if __name__ == "__main__":
    main()
