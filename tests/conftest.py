"""What holds for all tests.

``pytest --hypothesis-profile=ci`` draws the same examples each time, so that a red run can be repeated: ``.ci/run``
says so, and a CI server need not. ``nox -s properties`` draws others.
"""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# No deadline: a busy machine is no bug.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("more", deadline=None, max_examples=1000)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# A shell ignores SIGINT and SIGQUIT for what it starts in the background, and nohup SIGHUP; so would all that the tests
# start.
signal.signal(signal.SIGINT, signal.default_int_handler)
for name in ("SIGHUP", "SIGQUIT"):
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Call binary bytes by their argument's name: gzip writes the time, and all workers must find the same tests."""
    return argname if isinstance(val, bytes) and not val.isascii() else None


@pytest.fixture(autouse=True)
def usual_garbage_collection() -> Iterator[None]:
    """A run collects garbage seldom, as its process ends soon; here the event loops of ended runs would stay open."""
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)
