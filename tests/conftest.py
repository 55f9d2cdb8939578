"""On a CI server hypothesis draws the same examples each time, so that a red run can be repeated."""

import os

from hypothesis import settings

# No deadline: a busy machine is no bug.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
