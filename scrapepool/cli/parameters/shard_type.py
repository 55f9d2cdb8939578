"""The type of ``--shard I/N``, which several commands take."""

from __future__ import annotations

from typing import Any

import click

from ...errors import UsageError
from ...host_share import HostShare

SHARD_HELP = (
    "this share of the hosts: 1/8 is the first of 8. The shares of all hosts are fixed by their names, so N processes "
    "or machines can divide a list without further agreement.  [default: all hosts]"
)


class ShardType(click.ParamType[HostShare]):
    """Which share of the hosts: ``2/8``."""

    name = "I/N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> HostShare:
        """Return the share."""
        if isinstance(value, HostShare):
            return value
        try:
            return HostShare.parse(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)
