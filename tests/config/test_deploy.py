"""The files in deploy/ are accepted by the programs that they are for, and name only what exists."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.factories.programs import ROOT

DEPLOY = ROOT / "deploy"


def check(program: str, *arguments: object, **environment: str) -> tuple[int, str]:
    """Run the check that a program makes, and return its status and what it says."""
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed.")
        pytest.skip(f"{program} is not installed.")
    done = subprocess.run(  # noqa: S603  our own arguments
        [program, *map(str, arguments)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    units = []
    for unit in (DEPLOY / "systemd").iterdir():
        text = unit.read_text(encoding="utf-8").replace("/srv/broadside", str(ROOT))
        # It also checks that the user and the programs exist.
        (tmp_path / unit.name).write_text(text.replace("User=broadside", "User=root"))
        units.append(tmp_path / unit.name)
    assert len(units) == 4
    # It only warns about options that it does not know.
    assert check("systemd-analyze", "verify", "--recursive-errors=no", *units) == (0, "")


def test_caddy_accepts_its_file(tmp_path: Path) -> None:
    file = DEPLOY / "Caddyfile"
    status, said = check("caddy", "validate", "--adapter", "caddyfile", "--config", file, XDG_DATA_HOME=str(tmp_path))
    assert status == 0, said


def test_the_commands_exist() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    named = set(re.findall(r"manage\.py,? (\w+)", text))
    assert {"db_worker", "migrate", "tidy_comments", "tidy_audit_log"} < named
    assert named - set(get_commands()) == set()


def test_the_image_is_built_from_what_exists() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    code = re.search(r"compileall -q ([a-z ]+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    assert code
    assert all((ROOT / app / "__init__.py").exists() for app in code[1].split())
    assert not set(code[1].split()) & set(ignored)
