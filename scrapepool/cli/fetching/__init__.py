"""One run of ``fetch``: what happens before, during and after it."""
