"""Stage 1: lists in. ``TargetList`` finds every URL in one pass and looks it up again when it is due.

``open_lists`` opens what the command line names as ``sources``; ``scan`` goes through them once and gives each row a
number, its ticket (``tickets``); ``batch_queue`` carries batches of tickets to the engine; ``lookup`` turns a ticket
back into a target.
"""

from .documents.document_rows import OpenDocument
from .target_list import TargetList

__all__ = ["OpenDocument", "TargetList"]
