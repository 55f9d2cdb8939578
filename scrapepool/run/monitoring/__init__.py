"""What watches a run: counters, metrics, the checks of ``--fail-if`` and the report on stalls."""
