"""Stage 5: a run shown to a person, from ``ports.Snapshot`` alone.

``choose`` picks the view, ``live`` and ``plain`` are the views, ``tables`` and ``summary`` are pure functions of a
snapshot.
"""
