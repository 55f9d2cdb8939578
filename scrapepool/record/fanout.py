"""Several outputs of one run as one sink.

Stores are written first, then the records that refer to them. So whoever finds a record, as ``--resume`` does, also
finds what it refers to, however the run ended. Does not know what the outputs write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..model import Outcome
from ..ports import Sink, Store


class Fanout:
    """A ``ports.Sink`` over several outputs. After an error of one of them, ``close`` still closes all of them.

    stores: contain what records refer to. records: written in this order when all stores have kept the outcomes. Few
    outcomes wait, since stores collect them for at most a second. on_recorded: receives the number of outcomes that
    have their records.
    """

    def __init__(
        self, stores: Sequence[Store], records: Sequence[Sink], on_recorded: Callable[[int], None] = lambda _: None
    ) -> None:
        self._stores = stores
        self._records = records
        self._on_recorded = on_recorded
        self._waiting: list[Outcome] = []  # given to the stores, the first ``_recorded`` ones left out
        self._recorded = 0
        self._broken = False  # a record was not written, and none may follow it

    def __repr__(self) -> str:
        return f"<Fanout {len(self._stores)} stores, {len(self._records)} records, {len(self._waiting)} waiting>"

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write the outcomes to every output. Raises OutputError, BrokenPipeError."""
        self._waiting += outcomes
        for store in self._stores:
            store.write(outcomes)
        self._record()

    def close(self) -> None:
        """Close all outputs, the stores first; then raise the first error. Outcomes that a store lost get no record."""
        errors: list[BaseException] = []
        for step in (
            *(store.close for store in self._stores),
            self._record,
            *(sink.close for sink in self._records),
        ):
            try:
                step()
            except Exception as error:  # noqa: BLE001 - raised below, when the others are closed
                errors.append(error)
        if errors:
            raise errors[0]

    def _record(self) -> None:
        kept = min((store.kept for store in self._stores), default=self._recorded + len(self._waiting))
        ready = self._waiting[: kept - self._recorded]
        del self._waiting[: len(ready)]
        self._recorded = kept
        if self._broken:
            return
        self._broken = True
        for sink in self._records:
            sink.write(ready)
        self._broken = False
        if ready:
            self._on_recorded(kept)
