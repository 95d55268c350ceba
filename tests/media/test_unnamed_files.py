"""Large uploads have no name on disk, so nothing is left behind however the process ends."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadhandler import FileUploadHandler
from django.test import RequestFactory
from pytest_django import Settings

from media.unnamed_files import UnnamedFile, UnnamedFileUploadHandler

CONTENT = b"x" * 3_000_000


def names(settings: Settings) -> list[str]:
    return [path.name for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()]


class TestUploads:
    def test_are_received_without_a_name(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "a.bin").write_bytes(CONTENT)
        with (tmp_path / "a.bin").open("rb") as file:
            request = RequestFactory().post("/", {"file": file})
        upload: Any = request.FILES["file"]
        assert isinstance(upload, UnnamedFile)
        assert (upload.name, upload.size, upload.content_type) == ("a.bin", len(CONTENT), "application/octet-stream")
        assert upload.read() == CONTENT
        assert names(settings) == []

    def test_small_ones_stay_in_memory(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "a.bin").write_bytes(b"x")
        with (tmp_path / "a.bin").open("rb") as file:
            request = RequestFactory().post("/", {"file": file})
        assert not isinstance(request.FILES["file"], UnnamedFile)

    def test_interrupted_ones_are_closed(self) -> None:
        handler: FileUploadHandler = UnnamedFileUploadHandler()
        handler.upload_interrupted()
        handler.new_file("file", "a.bin", "text/plain", None)
        handler.upload_interrupted()
        assert handler.file.closed  # type: ignore[attr-defined]  # the handler has a file


class TestAppearing:
    @pytest.mark.parametrize("in_memory", [False, True])
    def test_replaces_a_file_and_keeps_its_permissions(self, tmp_path: Path, in_memory: bool) -> None:
        target = tmp_path / "a"
        target.write_bytes(b"old")
        target.chmod(0o640)
        with UnnamedFile("b", in_memory=in_memory) as file:
            file.write(CONTENT)
            file.appear_as(target)
        assert target.read_bytes() == CONTENT
        assert target.stat().st_mode & 0o777 == 0o640
        assert [path.name for path in tmp_path.iterdir()] == ["a"]

    def test_copies_the_file_where_it_cannot_be_linked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any, **options: Any) -> None:
            raise OSError(18, "Invalid cross-device link")

        (tmp_path / "a").touch()
        monkeypatch.setattr(os, "link", fail)
        with UnnamedFile() as file:
            file.write(b"new")
            file.appear_as(tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == b"new"

    def test_leaves_the_old_file_if_it_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any) -> None:
            raise OSError(28, "No space left on device")

        (tmp_path / "a").write_bytes(b"old")
        monkeypatch.setattr(Path, "replace", fail)
        with UnnamedFile() as file:
            file.write(b"new")
            with pytest.raises(OSError, match="No space"):
                file.appear_as(tmp_path / "a")
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]

    def test_works_on_file_systems_without_unnamed_files(
        self, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        open_file = os.open

        def open_named(path: Any, flags: int, *args: Any, **options: Any) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(95, "Operation not supported")
            return open_file(path, flags, *args, **options)

        monkeypatch.setattr(os, "open", open_named)
        (tmp_path / "a").touch()
        with UnnamedFile() as file:
            file.write(b"new")
            assert names(settings) == []
            file.appear_as(tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == b"new"
