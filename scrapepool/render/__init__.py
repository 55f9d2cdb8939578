"""Stage 5, outcomes to eyes: a run shown to a person, from ``ports.Snapshot`` alone.

``choose`` picks the view, ``live`` and ``plain`` are the views, ``tables`` and ``summary`` pure functions of a moment.
"""
