"""Several outputs of one run as one sink.

Decides the order in which they are written: what records speak of first, then the records, so that whoever finds a
record (``--resume`` does) finds the rest as well, however the run ended. Does not know what any of them writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..model import Outcome
from ..ports import Sink, Store


class Fanout:
    """Keeps ``ports.Sink`` over several. An error of one of them is raised as it is, and ``close`` still ends them all.

    stores: hold what records speak of. records: written in this order, once all stores hold the outcomes' share. What
    waits for that is bounded by the stores, which gather outcomes for a second at most. on_recorded: gets how many
    outcomes have their records.
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
        """Give the outcomes to every output. Raises OutputError, BrokenPipeError as they do."""
        self._waiting += outcomes
        for store in self._stores:
            store.write(outcomes)
        self._record()

    def close(self) -> None:
        """Finish all outputs, the stores first; then raise the first error. What a store lost has no record."""
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
