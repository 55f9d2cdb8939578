"""Stage 4, outcomes to disk: records as JSON Lines or CSV, written whole.

``open`` picks the output, ``fields`` decides what records say, ``jsonl`` and ``csv`` spell them, ``output`` writes.
"""

from .open import sink_for

__all__ = ["sink_for"]
