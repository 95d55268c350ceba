"""A worker that is killed in the middle of a task loses nothing, because the next one runs the task again."""

import json
import sys
from typing import Any

import pytest

from core.tasks import task_kinds
from tests.factories.made_once import CopyDatabase
from tests.factories.programs import ROOT, run

pytestmark = pytest.mark.long

CODE = """
import django
django.setup()
from pathlib import Path
from tests.operations.killed_tasks import main
main(Path({folder!r}))
"""
KINDS = sorted(task_kinds)


@pytest.fixture(scope="module")
def kills(own_database: dict[str, str], tmp_path_factory: pytest.TempPathFactory, copy_database: CopyDatabase) -> Any:
    folder = tmp_path_factory.mktemp("killed")
    # On PostgreSQL, the program migrates its own database.
    copy_database(folder / "data")
    environment = {"SECRET_KEY": "x", "EMAIL_URL": "console:", **own_database}
    result = run(folder / "data", CODE.format(folder=str(folder)), **environment)
    assert result.returncode == 0, result.stderr
    # Contains the seed of the random moments, and is shown if a test fails.
    sys.stderr.write(result.stderr)
    return json.loads(result.stdout)


@pytest.mark.parametrize("path", KINDS)
def test_each_kind_of_task_is_completed_by_the_next_worker(kills: Any, path: str) -> None:
    as_expected = {"signal": 9, "running": 1, "recovered": [0, 1], "failed": [], "done": True}
    assert kills[path] == [as_expected, as_expected]


def test_the_docs_say_what_happens_to_each_kind_of_task() -> None:
    table = (ROOT / "docs/running.md").read_text(encoding="utf-8")
    assert [path for path in KINDS if f"| {task_kinds[path].label} |" not in table] == []
