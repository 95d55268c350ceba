"""Backups and restores that are killed at 20 random moments each: nothing is lost, and the next run finishes."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from tests.factories.programs import run

KILLS = 20
CODE = "from pathlib import Path; from tests.operations.killing import main; main(Path({folder!r}), {kills})"


@pytest.fixture
def database() -> Iterator[dict[str, str]]:
    """The environment of a process with an empty database of the kind that the tests use."""
    if connection.vendor == "sqlite":
        yield {}
        return
    settings = connection.settings_dict
    server = f"{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT'] or 5432}"
    name = f"kills_{uuid4().hex}"
    with psycopg.connect(f"postgres://{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield {"DATABASE_URL": f"postgres://{server}/{name}"}
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_killed_commands_do_no_harm(database: dict[str, str], tmp_path: Path) -> None:
    """One test, because all of it takes one run of the program."""
    code = CODE.format(folder=str(tmp_path), kills=KILLS)
    result = run(tmp_path / "data", code, SECRET_KEY="x", **database)
    assert result.returncode == 0, result.stderr
    # Shown with failures: it names the seed of the random moments.
    sys.stderr.write(result.stderr)
    kills = json.loads(result.stdout)
    # The site is as it was. The next backup is complete, which the program proves, and removes what is left.
    assert kills["backups"] == [{"signal": 9, "leftovers": 0, "site": True}] * KILLS
    # The site is as it was, or restored. Running the command again finishes.
    assert {(death["signal"], death["old"] != death["new"], death["finished"]) for death in kills["restores"]} == {
        (9, True, True)
    }
    assert len(kills["restores"]) == KILLS
