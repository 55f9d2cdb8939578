"""The records that an earlier task of the same run and shard left, as figures of that run.

Decides that a shard whose worker was lost reports what a run in one process would: all of its targets. In a run that
resumes, the records of that run cannot be distinguished from older ones, and count as passed over.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from ...errors import ListError, UsageError
from ...failure_classes import DEFERRED
from ...model import SUCCESSES, ErrorKind
from ...ports import Snapshot
from ...record.parts.part_folder import PartFolder
from ...record.parts.part_names import PartNames
from ...results.journal import is_regenerated
from ...results.record_parts import RecordParts
from ...storage.urls import join
from .shard_job import ShardJob


@dataclass
class Earlier:
    """Records that stay, by their outcomes and errors. failures: how many of them did not succeed."""

    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    failures: int = 0

    def added_to(self, snapshot: Snapshot) -> Snapshot:
        """Return the last snapshot of the shard with these records."""
        count = self.outcomes.total()
        return replace(
            snapshot,
            done=snapshot.done + count,
            total=snapshot.total + count,
            outcomes=self.outcomes + Counter(snapshot.outcomes),
            errors=self.errors + Counter(snapshot.errors),
        )


def earlier_records(folder: PartFolder, job: ShardJob) -> Earlier:
    """Count the records in the parts of a shard. What cannot be read is left to the reader that resumes."""
    found = Earlier()
    parts = PartNames(job.number, "").among(folder.names())
    complete = {part.number for part in parts if not part.unfinished}
    names = [join(str(job.settings.output.path), part.name) for part in parts if not part.unfinished]
    names += [folder.fetch(part.name) for part in parts if part.unfinished and part.number not in complete]
    try:
        for record in RecordParts(names, None, lambda _: None):
            if is_regenerated(record) or record.outcome == DEFERRED or record.error == ErrorKind.INTERRUPTED:
                continue  # these are recorded again
            found.outcomes[record.outcome] += 1
            if record.error is not None:
                found.errors[record.error] += 1
            found.failures += record.outcome not in SUCCESSES
    except (ListError, UsageError):
        return Earlier()
    return found
