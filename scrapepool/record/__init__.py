"""Stage 4, outcomes to disk.

``formats`` decides what records say and how they are written, ``stores`` writes them into tables, ``body_files`` saves
bodies as files, ``warc`` archives exchanges. ``parts`` divides records into the
files of a folder. ``safe_io`` keeps files whole, locked and on disk. ``open_output`` opens
the records of a run, and ``fanout`` writes several outputs in order.
"""

from .fanout import Fanout
from .open_output import early_serializer, record_format, record_sink, sink_for, template_sink
from .safe_io.lock import is_ours, open_locked
from .safe_io.rewrite_records import rewrite

__all__ = [
    "Fanout",
    "early_serializer",
    "is_ours",
    "open_locked",
    "record_format",
    "record_sink",
    "rewrite",
    "sink_for",
    "template_sink",
]
