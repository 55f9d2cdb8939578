"""Fields out of pages: a body in, the values that were asked for out.

``extractor`` says what is done with one page, ``kinds`` what each kind of expression means, ``reading`` what a body is
read as. ``stage`` puts it between the engine and the outputs, in processes of its own (``workers``, ``child``).
"""

from .stage import extracted

__all__ = ["extracted"]
