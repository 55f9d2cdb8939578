"""The ``plan`` command: what a run over some lists would take, without the run."""
