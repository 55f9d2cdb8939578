"""Record files and databases of earlier runs, read back.

``record_file`` and ``record_database`` read records. ``journal`` serves ``--resume``, ``known_pages`` serves
``--since``, and ``failures``, ``find`` and ``comparison`` serve the commands ``failed``, ``explain`` and ``changes``.
"""
