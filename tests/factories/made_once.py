"""Slow fixtures, made once for all test processes: a database without content, and static files."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.factories.programs import run

type CopyDatabase = Callable[[Path], None]

# Closes the database, as `call_command` does not. Otherwise, a part of it would be in its write-ahead log.
_COMMAND = """
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", {command!r}, "--no-input", "--verbosity", "0"])
"""


@pytest.fixture(scope="session")
def copy_database(tmp_path_factory: pytest.TempPathFactory) -> CopyDatabase:
    """Give a data folder an SQLite database without content."""
    migrated = _made_once(tmp_path_factory, "migrated", "migrate")

    def copy_database(folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in migrated.glob("*.sqlite3*"):
            shutil.copy(file, folder)

    return copy_database


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of static files, collected and compressed. No test may change it."""
    return _made_once(tmp_path_factory, "collected", "collectstatic") / "static"


def _made_once(tmp_path_factory: pytest.TempPathFactory, name: str, command: str) -> Path:
    """Return the data folder of a site for which this command was run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # The folder of all processes rather than of this process.
        shared = shared.parent
    made = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            making = tmp_path_factory.mktemp(name)
            settings = {"SECRET_KEY": "x", "STATIC_ROOT": str(making / "static")}
            result = run(making, _COMMAND.format(command=command), **settings)
            assert result.returncode == 0, result.stderr
            making.rename(made)
    return made
