"""What commands say about files that they can't use."""

import builtins
import errno
import os
import pwd
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from core.file_errors import describe_file_error
from operations.backups.schedule import describe_error


def refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, which is refused the file of these tests. They may run as root, who can open everything."""

    def open_others(path: Any, *args: Any, **options: Any) -> Any:
        if "rosa.json" in str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return function(path, *args, **options)

    return open_others


def test_the_file_and_what_is_wrong_with_it_are_named() -> None:
    error = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/srv/export.xml")
    assert describe_file_error(error) == "/srv/export.xml: No such file or directory."
    assert describe_file_error(error, Path("export.xml")) == "export.xml: No such file or directory."


def test_who_has_to_be_able_to_open_it_and_where_that_is_so_are_named(settings: Settings) -> None:
    text = describe_file_error(PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/root/export.xml"))
    assert text.startswith("/root/export.xml: Permission denied. ")
    assert f"the user {pwd.getpwuid(os.geteuid()).pw_name}." in text
    assert str(settings.DATA_DIR) in text


def test_a_user_without_a_name_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    assert "the user 54321." in describe_file_error(PermissionError(errno.EACCES, "Permission denied", "/root/x"))


def test_an_unreadable_backup_is_no_fault_of_the_disk() -> None:
    error = PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/var/backups/broadside/backups")
    assert describe_error(error) == describe_file_error(error)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "command",
    [
        ["commenter", "export", "rosa@example.org", "-o", "rosa.json"],
        ["evaluate_filter", "--file", "rosa.json"],
        ["export_markdown", "rosa.json", "--for", "hugo"],
        ["export_wordpress", "-o", "rosa.json"],
        ["import_links", "rosa.json"],
        ["import_wordpress", "rosa.json"],
        ["verify_import", "rosa.json"],
    ],
)
def test_every_command_that_is_given_a_file_gives_this_advice(
    command: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for module, name in ((os, "open"), (os, "mkdir"), (builtins, "open"), (Path, "open"), (Path, "stat")):
        monkeypatch.setattr(module, name, refusing(getattr(module, name)))
    with pytest.raises(CommandError, match=r"rosa\.json: Permission denied\. This command runs as the user"):
        call_command(*command)
