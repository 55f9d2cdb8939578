"""Stage 5: a run shown to a person, from ``ports.Snapshot`` or from its records.

``choose`` picks the view. ``live`` and ``plain`` are the views; ``frame`` and ``summary`` lay out what they show, as
pure functions of a snapshot. ``keys`` are those of the live view. ``report``, ``change_formats``, ``url_history`` and
``curl_command`` show records.
"""
