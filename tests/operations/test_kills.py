"""Backups and restores that are killed at 20 random moments each: nothing is lost, and the next run finishes."""

import json
import sys
from pathlib import Path

import pytest

from tests.factories.made_once import CopyDatabase
from tests.factories.programs import run

pytestmark = pytest.mark.long

KILLS = 20
CODE = "from pathlib import Path; from tests.operations.killing import main; main(Path({folder!r}), {kills})"


def test_killed_commands_do_no_harm(own_database: dict[str, str], tmp_path: Path, copy_database: CopyDatabase) -> None:
    """One test, because all of it takes one run of the program."""
    # On PostgreSQL, the program migrates a database of its own.
    copy_database(tmp_path / "data")
    code = CODE.format(folder=str(tmp_path), kills=KILLS)
    result = run(tmp_path / "data", code, SECRET_KEY="x", **own_database)
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
