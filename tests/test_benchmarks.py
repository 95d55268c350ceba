"""The benchmarks run on tiny blogs. Their measurements are not asserted."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories.made_once import CopyDatabase

PROJECT = Path(__file__).resolve().parent.parent
# Programs that a benchmark needs besides Python. In CI they must be installed.
PROGRAMS = {"cache.py": ("nginx", "wrk"), "growth.py": ("wrk",), "pages.py": ("nginx", "wrk"), "write.py": ("wrk",)}


@pytest.mark.parametrize(
    "arguments",
    [
        # With more connections, a busy machine refuses some requests.
        pytest.param(
            ["pages.py", "--posts", "30", "--seconds", "0.03", "--rounds", "1", "--connections", "2"],
            marks=pytest.mark.long,
        ),
        ["growth.py", "--posts", "30", "--seconds", "0.03", "--rounds", "1"],
        ["memory.py", "--posts", "30", "--requests", "20"],
        pytest.param(
            ["memory.py", "--posts", "30", "--jobs", "check", "newsletter", "comments"], marks=pytest.mark.long
        ),
        ["counting.py", "--posts", "20", "--requests", "1000"],
        ["searching.py", "--posts", "120", "--requests", "1", "--rounds", "1"],
        ["siege.py", "--posts", "30", "--seconds", "0.1", "--connections", "4"],
        ["cache.py", "--seconds", "0.03", "--rounds", "1"],
        pytest.param(["sending.py", "--subscribers", "40", "--kills", "1"], marks=pytest.mark.long),
        ["migrating.py", "--rows", "20", "--forwards-only"],
        ["verifying.py", "--posts", "5"],
        ["withdrawing.py", "--posts", "30", "--without-crawl"],
        ["write.py", "--posts", "30", "--seconds", "0.2", "--workers", "2"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_benchmark_prints_a_table(
    arguments: list[str], tmp_path: Path, copy_database: CopyDatabase, static_root: Path
) -> None:
    missing = [name for name in PROGRAMS.get(arguments[0], ()) if not shutil.which(name)]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{' and '.join(missing)} is missing, so {arguments[0]} is NOT TESTED.")
    if arguments[0] != "migrating.py":
        copy_database(tmp_path)
    if "--jobs" in arguments:
        # The site that is imported into.
        copy_database(tmp_path / "other")
    if arguments[0] == "growth.py":
        arguments = [*arguments, "--empty", str(tmp_path)]
    environment = os.environ | {
        "BROADSIDE_DATA": str(tmp_path),
        "STATIC_ROOT": str(static_root),
        "PYTHONPATH": str(PROJECT),
        # sending.py waits for retries.
        "SECONDS_PER_MINUTE": "0.3",
    }
    # These are set for the tests, not for the benchmarks.
    for name in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SITE_URL"):
        environment.pop(name, None)
    command = [sys.executable, f"benchmarks/{arguments[0]}", *arguments[1:]]
    run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # our own command
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) > 3
