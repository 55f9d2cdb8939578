"""Builds engines from settings and runs them.

``assemble`` makes a run, ``shard`` runs its engine on a thread, ``outputs`` opens what it writes, ``monitoring``
watches it, ``recrawl`` compares it with earlier runs, ``dry_run`` plans it without requests.
"""
