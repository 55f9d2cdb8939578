"""The suite on each Python: ``nox``, or ``nox -s tests-3.13``. The site: ``nox -s docs``; pyright: ``nox -s types``.

``nox -s properties`` is a long run by hand: property tests with random examples, and more of them.
"""

import nox

nox.options.sessions = ["tests"]
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

ROUNDS = 30
"""Runs of the property tests: those with a number of examples of their own get that many in each."""


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """Install as a developer does and run pytest."""
    session.install(".[dev]")
    session.run("pytest", "-m", "", "-n", "4", "--dist", "worksteal", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site; every warning is an error."""
    session.install(".[docs]")
    session.run("mkdocs", "build", "--strict", "--site-dir", session.create_tmp(), *session.posargs)


@nox.session(default=False)
def types(session: nox.Session) -> None:
    """See that pyright knows all public types; node comes along, a wheel of 60 MB."""
    session.install(".", "pyright[nodejs]>=1.1.414")
    session.run("python", ".ci/public_types.py")


@nox.session(default=False)
def properties(session: nox.Session) -> None:
    """Run the property tests with examples that were never drawn before; a failure prints how to repeat it."""
    session.install(".[dev]")
    for _ in range(ROUNDS):
        session.run("pytest", "-m", "hypothesis", "--hypothesis-profile=more", *session.posargs)
