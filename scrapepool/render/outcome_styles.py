"""The colours of outcomes, wherever they are shown on a terminal."""

OUTCOME_STYLES = {
    "ok": "green",
    "unchanged": "green",
    "http_error": "yellow",
    "failed": "red",
    "skipped": "dim",
    "deferred": "magenta",
}
