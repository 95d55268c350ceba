"""The lists in a backup are read as they were written, or refused, because anyone may have written them."""

import datetime as dt
import json
import subprocess
import sys
import textwrap
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from operations.backups.by_hand import BY_HAND
from operations.backups.contents import (
    Backup,
    Manifest,
    MediaFile,
    Table,
    checksum_lines,
    is_ours,
    name_for,
    parse_media_list,
    read_backup,
    read_lines,
)
from operations.backups.errors import BackupError
from operations.backups.stores import FolderStore

NAME = "2026-11-27T033000Z"
OBJECT = "media/00/" + "0" * 64
MANIFEST = Manifest("0.1", "https://x.org", "now", "sqlite", 9, [("a", "0001")], {"t": Table(1, "0")}, 1, 2, ["x"])


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


@pytest.mark.parametrize(
    "values",
    [
        {"vendor": "mysql"},
        {"size": "big"},
        {"tables": []},
        {"migrations": [1]},
        {"site": 5},
        {"missing": [None]},
        {"unknown": 1},
        {"format": None},
    ],
)
def test_a_manifest_with_invalid_values_is_refused(values: dict[str, Any]) -> None:
    content = json.dumps(json.loads(MANIFEST.to_json()) | values).encode()
    with pytest.raises(BackupError, match="damaged"):
        Manifest.from_json(content)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"\xff", b'{"format": 1}', b"[" * 100_000])
def test_a_file_that_is_not_a_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(BackupError, match="damaged"):
        Manifest.from_json(content)


def test_a_media_file_is_one_line_that_is_read_as_it_was_written() -> None:
    file = MediaFile("a/\u00fc \u2028.png", "0" * 64, 3, OBJECT)
    assert file.to_line().count(b"\n") == 1
    assert list(parse_media_list([file.to_line()])) == [file]


@pytest.mark.parametrize(
    "name",
    [
        "../outside.txt",
        "pictures/../../outside.txt",
        "/etc/outside.txt",
        "pictures//a.png",
        ".htaccess",
        "a/.b/c",
        "a\0b",
        "..\\outside.txt",
        "",
        "x" * 1100,
        "\ud800",
    ],
)
def test_a_name_outside_the_media_folder_is_refused(name: str) -> None:
    line = json.dumps({"name": name, "sha256": "0" * 64, "size": 3, "stored": OBJECT}).encode()
    with pytest.raises(BackupError, match="damaged"):
        list(parse_media_list([line]))


@pytest.mark.parametrize(
    ("stored", "name", "is_refused"),
    [
        (OBJECT, "pictures/a..b.png", False),
        (OBJECT, "../outside.txt", True),
        (OBJECT, "{folder}/outside.txt", True),
        ("{folder}/secret", "pictures/a.png", True),
        ("../secret", "pictures/a.png", True),
    ],
)
def test_nor_is_such_a_name_used_by_hand(stored: str, name: str, is_refused: bool, tmp_path: Path) -> None:
    """The README in each store has a program that puts the media into the folder restored/."""
    backup = tmp_path / "backups" / NAME
    for path in (tmp_path / OBJECT, tmp_path / "secret", backup / "media.jsonl"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    names = {"stored": stored.format(folder=tmp_path), "name": name.format(folder=tmp_path)}
    (backup / "media.jsonl").write_text(json.dumps(names) + "\n")
    program = textwrap.dedent(BY_HAND.partition("<<'END'\n")[2].partition("    END\n")[0])
    done = subprocess.run([sys.executable, "-"], input=program, text=True, cwd=backup, capture_output=True, check=False)
    assert ("is in another folder" in done.stderr) == is_refused
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    new = files - {OBJECT, "secret", f"backups/{NAME}/media.jsonl"}
    assert new == (set() if is_refused else {f"backups/{NAME}/restored/{name}"})


@pytest.mark.parametrize("line", [b"", b"[]", b"{", b"1", b"null", b"[" * 5000])
def test_a_line_that_is_not_a_media_file_is_refused(line: bytes) -> None:
    with pytest.raises(BackupError, match="damaged"):
        list(parse_media_list([line]))


@pytest.mark.parametrize("values", [{"size": -1}, {"size": "3"}, {"sha256": "../x"}, {"stored": "media/../x"}])
def test_a_media_file_with_invalid_values_is_refused(values: dict[str, Any]) -> None:
    line = json.dumps({"name": "a.png", "sha256": "0" * 64, "size": 3, "stored": OBJECT} | values).encode()
    with pytest.raises(BackupError, match="damaged"):
        list(parse_media_list([line]))


def test_checksums_are_read_as_they_were_written(tmp_path: Path) -> None:
    backup = Backup(NAME, {f"backups/{NAME}/manifest.json.age": "1" * 64, f"{OBJECT}.age": "2" * 64})
    folder = tmp_path / "backups" / NAME
    folder.mkdir(parents=True)
    (folder / "SHA256SUMS").write_bytes(b"".join(checksum_lines(backup)))
    found = read_backup(FolderStore(tmp_path), NAME)
    assert found == backup
    assert found.is_encrypted
    assert found.media == {f"{OBJECT}.age"}


@pytest.mark.parametrize(
    "path",
    [
        "../../../etc/passwd",
        "/etc/passwd",
        "../../media/../x",
        "other.txt",
        "../../media/zz/0",
        "\u00fc",
        "../manifest.json",
    ],
)
def test_a_checksum_of_a_file_outside_the_backup_is_refused(path: str, tmp_path: Path) -> None:
    folder = tmp_path / "backups" / NAME
    folder.mkdir(parents=True)
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  {path}\n", encoding="utf-8")
    with pytest.raises(BackupError, match="damaged"):
        read_backup(FolderStore(tmp_path), NAME)


def test_lines_of_unbounded_length_are_refused() -> None:
    with pytest.raises(BackupError):
        list(read_lines(BytesIO(b"x" * 2**20)))


def test_lines_that_span_chunks_are_joined() -> None:
    lines = [b"%d" % number * 100 for number in range(9_000)]
    assert list(read_lines(BytesIO(b"\n".join(lines)))) == lines


def test_backups_are_named_by_their_time_in_utc() -> None:
    time = dt.datetime(2026, 11, 27, 4, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert name_for(time) == NAME


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (OBJECT, True),
        (f"{OBJECT}.age", True),
        (f"backups/{NAME}/SHA256SUMS", True),
        (f"backups/{NAME}/manifest.json.age", True),
        ("media/holiday.jpg", False),
        ("media/00/holiday.jpg", False),
        (f"backups/{NAME}/notes.txt", False),
        ("backups/2026/SHA256SUMS", False),
        ("backups/2026-13-99T999999Z/SHA256SUMS", False),
        ("README.txt", False),
    ],
)
def test_only_files_that_a_backup_writes_are_ours(path: str, expected: bool) -> None:
    assert is_ours(path) is expected
