"""Backups, restores and changes of media that are killed at 20 random moments each leave nothing half done."""

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
    """A single test, because the program runs only once."""
    # On PostgreSQL, the program migrates its own database.
    copy_database(tmp_path / "data")
    code = CODE.format(folder=str(tmp_path), kills=KILLS)
    result = run(tmp_path / "data", code, SECRET_KEY="x", **own_database)
    assert result.returncode == 0, result.stderr
    # Contains the seed of the random moments, and is shown if the test fails.
    sys.stderr.write(result.stderr)
    kills = json.loads(result.stdout)
    # The site is unchanged. The next backup is complete, which the program proves, and removes the leftovers.
    assert kills["backups"] == [{"signal": 9, "leftovers": 0, "site": True}] * KILLS
    # The site is either unchanged or restored. Running the command again completes the restore.
    assert {(kill["signal"], kill["old"] != kill["new"], kill["finished"]) for kill in kills["restores"]} == {
        (9, True, True)
    }
    assert len(kills["restores"]) == KILLS
    # Each file has its row, and each row its file: the web server removes or puts back what is left when it starts.
    for change, found in kills["media"].items():
        assert [(kill["signal"], kill["wrong"]) for kill in found] == [(9, [])] * KILLS, change
