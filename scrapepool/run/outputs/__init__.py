"""All outputs of a run, in the right order: what ``--resume`` keeps, ``--ordered``, the records of duplicates."""
