"""Stage 1: lists in. ``TargetList`` finds every URL in one pass and looks it up again when it is due."""

from .target_list import TargetList

__all__ = ["TargetList"]
