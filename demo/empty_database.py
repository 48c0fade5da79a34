"""A portal's SQLite database as the migrations leave it, for demos and tests that each begin with a copy."""

import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from demo import kept
from fleet.processes import NotReady


def provide(checkout: Path, environment: Mapping[str, str]) -> Path:
    """Where it lies; made with the settings of `environment`, on a database of its own.

    Raises NotReady with the words of a migration that fails.
    """
    made = checkout / "var" / "empty.sqlite3"
    sources = [
        *sorted(checkout.glob("*/migrations/*.py")),
        checkout / "requirements.txt",
        checkout / "portal" / "settings.py",
    ]
    kept.provide(made, sources, lambda: _migrate(checkout, made, environment))
    return made


def _migrate(checkout: Path, made: Path, environment: Mapping[str, str]) -> None:
    draft = made.with_suffix(".new")
    draft.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, str(checkout / "manage.py"), "migrate", "--skip-checks", "--verbosity=0"],
        env={**environment, "PORTAL_DATABASE_URL": f"sqlite:///{quote(str(draft))}"},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotReady(f"The migrations fail on an empty database.\n{done.stderr}")
    # One whole file, without a log of writes beside it.
    with closing(sqlite3.connect(draft)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    draft.replace(made)
