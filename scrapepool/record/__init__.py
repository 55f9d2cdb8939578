"""Stage 4, outcomes to disk: records as JSON Lines or CSV, written whole.

``open`` picks the output, ``fields`` decides what records say, ``jsonl`` and ``csv`` spell them, ``output`` writes;
``fanout`` has several outputs written in order.
``lock`` keeps a file to one run, ``durable`` sees it onto the disk, ``replace`` leaves records out of it.
"""

from .fanout import Fanout
from .open_output import form_of, sink_for, template_sink
from .safe_io.lock import is_ours, open_locked
from .safe_io.rewrite_records import rewrite

__all__ = ["Fanout", "form_of", "is_ours", "open_locked", "rewrite", "sink_for", "template_sink"]
