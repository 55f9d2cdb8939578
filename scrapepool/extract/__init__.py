"""Fields from pages: a body goes in, the requested values come out.

``extractor`` handles one page, ``expressions`` compiles each kind of expression, ``parsed_page`` parses a body.
``stage`` runs extraction between the engine and the outputs, in processes of its own (``workers``,
``extract_process``).
"""

from .stage import extracted

__all__ = ["extracted"]
