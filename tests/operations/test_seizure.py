"""The disk of a seized server contains nothing that should be gone, according to benchmarks/seizure.py for two days."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories.made_once import CopyDatabase
from tests.factories.programs import ROOT

pytestmark = pytest.mark.long


def test_data_that_should_be_gone_is_not_on_the_disk(
    tmp_path: Path, copy_database: CopyDatabase, static_root: Path
) -> None:
    missing = [name for name in ("nginx", "faketime") if not shutil.which(name)]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{' and '.join(missing)} is missing, so what a seized server tells is NOT TESTED.")
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    copy_database(tmp_path / "disk" / "data")
    environment = {"BROADSIDE_DATA": str(tmp_path), "STATIC_ROOT": str(static_root), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "benchmarks/seizure.py", "--days", "1"]
    run = subprocess.run(command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=False)  # noqa: S603  # our own command
    assert run.returncode == 0, run.stdout + run.stderr
    assert "| that evening |" in run.stdout
    assert "| 1 day later |" in run.stdout
