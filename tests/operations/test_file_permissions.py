"""Other users of the machine can read neither the data folder nor the database."""

from pathlib import Path

import pytest
from django.core.checks import CheckMessage
from django.db import connection
from pytest_django import Settings

from operations.file_permissions import check_private, make_private
from tests.factories.programs import run


def mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o7777:o}"


class TestNewInstallation:
    def test_it_is_private_from_the_start(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        code = """
import os
os.umask(0o022)
import django
django.setup()
from django.core.management import call_command
from django.db import connection
call_command("migrate", "core", verbosity=0)
connection.cursor().execute("SELECT count(*) FROM core_sitesettings")
for path in sorted(Path(os.environ["BROADSIDE_DATA"]).glob("broadside.sqlite3*")):
    print(path.name, oct(path.stat().st_mode & 0o777))
call_command("check", fail_level="WARNING")
"""
        result = run(data, f"from pathlib import Path\n{code}", SECRET_KEY="x")
        assert result.returncode == 0, result.stderr
        assert result.stdout.split() == [
            *("broadside.sqlite3", "0o600", "broadside.sqlite3-shm", "0o600", "broadside.sqlite3-wal", "0o600"),
            *("System", "check", "identified", "no", "issues", "(1", "silenced)."),
        ]
        assert [mode(data), mode(data / "imports")] == ["700", "700"]


@pytest.fixture
def data(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an existing installation, which everyone can read."""
    data = tmp_path / "data"
    for folder in (data, data / "imports"):
        folder.mkdir()
        folder.chmod(0o755)
    for name in ("broadside.sqlite3", "broadside.sqlite3-wal"):
        (data / name).touch()
        (data / name).chmod(0o644)
    settings.DATA_DIR, settings.BROADSIDE_IMPORTS_DIR, settings.BASE_DIR = data, data / "imports", tmp_path
    monkeypatch.setattr(connection, "vendor", "sqlite")
    monkeypatch.setitem(connection.settings_dict, "NAME", str(data / "broadside.sqlite3"))
    return data


def messages() -> list[str]:
    found: list[CheckMessage] = check_private()
    assert all(message.id == "operations.W001" for message in found)
    return [f"{message.msg} {message.hint}" for message in found]


@pytest.mark.database
class TestExistingInstallation:
    def test_migrating_makes_it_private(self, data: Path) -> None:
        make_private()
        assert mode(data) == mode(data / "imports") == "700"
        assert mode(data / "broadside.sqlite3") == mode(data / "broadside.sqlite3-wal") == "600"
        assert messages() == []

    def test_the_check_names_each_path_and_what_to_do(self, data: Path) -> None:
        found = messages()
        assert len(found) == 4
        assert f"Other users of this machine can read or change {data}. Run `chmod 700 {data}`" in found[0]
        assert f"chmod 600 {data}/broadside.sqlite3`" in found[2]

    def test_a_group_may_be_allowed_to_enter(self, data: Path) -> None:
        data.chmod(0o710)
        make_private()
        assert mode(data) == "710"

    def test_a_folder_that_all_users_share_is_left_alone(self, data: Path) -> None:
        data.chmod(0o1777)
        make_private()
        assert mode(data) == "1777"

    def test_the_check_finds_a_readable_secret_key(self, data: Path, settings: Settings) -> None:
        make_private()
        secrets = settings.BASE_DIR / ".env"
        secrets.write_text("SECRET_KEY=x")
        for permissions in (0o644, 0o620, 0o602):
            secrets.chmod(permissions)
            assert [f"chmod 600 {secrets}" in message for message in messages()] == [True]
        secrets.chmod(0o640)
        assert messages() == []

    def test_paths_whose_mode_cannot_be_changed_are_left_to_the_check(
        self, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(path: Path, mode: int) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(Path, "chmod", refuse)
        make_private()
        assert len(messages()) == 4
