"""``python -m scrapepool`` and the console script."""

from __future__ import annotations

import gc
import signal
from typing import NoReturn

COLLECT_AFTER = 100_000
"""Objects between two garbage collections. Imports make no garbage, and collecting during them would take 20 ms."""


def main() -> NoReturn:
    """Run the command line. Ctrl-C during its import ends the process silently, as it does with other programs."""
    gc.set_threshold(COLLECT_AFTER)
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from .cli import program  # noqa: PLC0415 - see the docstring

    if usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    program.main()


if __name__ == "__main__":
    main()
