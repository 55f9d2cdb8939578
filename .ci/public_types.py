"""Whether every type of what ``scrapepool`` exports is known to pyright: exit code 1 where one is not.

``pyright --verifytypes`` takes every module without an underscore for public; of its symbols only those count here that
can be imported from ``scrapepool``, and their members. pyright needs node; its package brings the rest along.
"""

import json
import subprocess
import sys
import tempfile
from typing import Any

import scrapepool


def public_names() -> set[str]:
    """The exported names, and the full names of the classes behind them with their bases."""
    names = {f"{scrapepool.__name__}.{name}" for name in scrapepool.__all__}
    for value in (getattr(scrapepool, name) for name in scrapepool.__all__):
        if isinstance(value, type):
            names |= {f"{base.__module__}.{base.__qualname__}" for base in value.__mro__}
    return names


def main() -> int:
    """Run pyright where no folder is called as the package; print what is not known, and how much was looked at."""
    command = ["pyright", "--verifytypes", scrapepool.__name__, "--ignoreexternal", "--outputjson"]
    with tempfile.TemporaryDirectory() as elsewhere:
        ran = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)  # noqa: S603 - of this file
    try:
        found: list[dict[str, Any]] = json.loads(ran.stdout)["typeCompleteness"]["symbols"]
    except (ValueError, KeyError):
        sys.stderr.write(f"{ran.stdout}{ran.stderr}\n")
        return 1
    names = public_names()
    looked_at = [one for one in found if one["name"] in names or one["name"].rpartition(".")[0] in names]
    unknown = [one for one in looked_at if not one["isTypeKnown"] or one["isTypeAmbiguous"]]
    for one in unknown:
        sys.stdout.write(f"{one['name']}: {'; '.join(said['message'] for said in one['diagnostics'])}\n")
    sys.stdout.write(f"{len(looked_at) - len(unknown)} of {len(looked_at)} public types are known\n")
    return bool(unknown or len(looked_at) < len(names))


sys.exit(main())
