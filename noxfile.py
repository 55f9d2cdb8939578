"""The suite on each Python: ``nox``, or ``nox -s tests-3.13``. The site: ``nox -s docs``; pyright: ``nox -s types``."""

import nox

nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests"]


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """Install as a developer does and run pytest."""
    session.install(".[dev]")
    session.run("pytest", *session.posargs)


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
