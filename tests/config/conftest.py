"""A database to begin with, for tests of processes of their own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.factories.programs import run

_MIGRATE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""


@pytest.fixture(scope="session")
def copy_database(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Give a data folder a database without content. Migrating takes seconds, so it is done once."""
    migrated = tmp_path_factory.mktemp("migrated")
    result = run(migrated, _MIGRATE, SECRET_KEY="x")
    assert result.returncode == 0, result.stderr

    def copy_database(folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        for file in migrated.glob("*.sqlite3*"):
            shutil.copy(file, folder)

    return copy_database
