"""A file and its row are stored together or not at all."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from pytest_django import Settings

from accounts.audit import history
from media.documents import store_document
from media.models import Document, Picture
from media.pictures import store_picture
from tests.factories import UserFactory
from tests.factories.files import pdf_file, picture_file
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db


@pytest.fixture
def stored(settings: Settings) -> Callable[[], list[Path]]:
    """Return a function that lists the files in the media folder."""
    return lambda: [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


@pytest.fixture
def editor() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory(role="Editor"))
    return client


def full(*args: Any, **kwargs: Any) -> Any:
    raise OperationalError("database or disk is full")


def post_to_editor(client: Client) -> Any:
    return client.post("/admin/markdownx/upload/", {"image": picture_file()})


def add_picture(client: Client) -> Any:
    return client.post("/admin/media/picture/add/", {"file": picture_file()})


def add_document(client: Client) -> Any:
    return client.post("/admin/media/document/add/", {"file": pdf_file()})


UPLOADS = pytest.mark.parametrize("upload", [post_to_editor, add_picture, add_document])


class TestRowsThatCannotBeSaved:
    @UPLOADS
    def test_leave_no_file_if_the_insert_fails(
        self, upload: Any, editor: Client, stored: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(models.Model, "_save_table", _fail_for_uploads(models.Model._save_table))  # type: ignore[attr-defined]  # private
        assert upload(editor).status_code in {500, 503}
        assert stored() == []

    @pytest.mark.django_db(transaction=True)
    @UPLOADS
    def test_leave_no_file_if_the_commit_fails(
        self, upload: Any, editor: Client, stored: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # SQLite notices a full disk at the commit.
        with monkeypatch.context() as patched:
            patched.setattr(BaseDatabaseWrapper, "_commit", full)
            assert upload(editor).status_code in {500, 503}
        assert stored() == []
        assert not Picture.objects.exists()
        assert not Document.objects.exists()

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("upload", [add_picture, add_document])
    def test_leave_no_file_if_a_later_step_of_the_admin_fails(
        self, upload: Any, editor: Client, stored: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(history, "record", full)
        assert upload(editor).status_code == 503
        assert stored() == []
        assert not Picture.objects.exists()
        assert not Document.objects.exists()

    def test_keep_a_file_that_another_row_refers_to(self, stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        picture = store_picture(picture_file())
        second = Picture(file=picture.file.name, title="the same file")
        monkeypatch.setattr(models.Model, "_save_table", _fail_for_uploads(models.Model._save_table))  # type: ignore[attr-defined]  # private
        with pytest.raises(OperationalError):
            second.save()
        assert len(stored()) == 1

    def test_are_explained_in_the_editor(self, editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("media.views.store_picture", full)
        response = post_to_editor(editor)
        assert response.status_code == 503
        assert "could not be stored" in response.json()["error"]


def _fail_for_uploads(save: Any) -> Any:
    def fail(self: models.Model, *args: Any, **kwargs: Any) -> Any:
        # Fail after `save` has stored the file, which it does along with the row.
        saved = save(self, *args, **kwargs)
        return full() if isinstance(self, Picture | Document) else saved

    return fail


class TestFilesThatCannotBeWritten:
    @UPLOADS
    def test_leave_nothing_behind(
        self, upload: Any, editor: Client, stored: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def end_early(source: Any, target: Any) -> None:
            target.write(source.read(10))
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("media.unnamed_files.copy_to", end_early)
        response = upload(editor)
        assert "The file could not be stored." in response.content.decode()
        assert stored() == []
        assert not Picture.objects.exists()


class TestFiles:
    def test_are_stored_with_their_content_and_can_be_read_by_the_web_server(self, stored: Any) -> None:
        document = store_document(pdf_file())
        (path,) = stored()
        assert path.read_bytes().startswith(b"%PDF-")
        assert path.stat().st_mode & 0o777 == 0o644
        assert document.size == path.stat().st_size

    def test_survive_a_power_cut_as_soon_as_they_are_stored(self, monkeypatch: pytest.MonkeyPatch) -> None:
        flushed: list[str] = []
        monkeypatch.setattr(
            "core.disk.os.fsync", lambda descriptor: flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        )
        path = default_storage.path(default_storage.save("a/b.pdf", ContentFile(b"first")))
        default_storage.replace("a/b.pdf", ContentFile(b"second"))  # type: ignore[attr-defined]  # our own storage
        assert flushed == [path, os.path.dirname(path)] * 2

    def test_with_the_same_name_get_different_names(self, at_once: AtOnce, stored: Any) -> None:
        contents = [bytes([number]) * 100_000 for number in range(4)]
        names = at_once(*[partial(default_storage.save, "a/b.pdf", ContentFile(content)) for content in contents])
        assert len(set(names)) == 4
        assert sorted(path.read_bytes() for path in stored()) == contents

    def test_are_stored_although_their_folder_is_deleted_with_its_last_file(
        self, monkeypatch: pytest.MonkeyPatch, stored: Any
    ) -> None:
        name, open_file = default_storage.save("a/old.pdf", ContentFile(b"old")), os.open

        def open_later(*args: Any) -> int:
            monkeypatch.undo()
            default_storage.delete(name)
            return open_file(*args)

        monkeypatch.setattr("django.core.files.storage.filesystem.os.open", open_later)
        default_storage.save("a/new.pdf", ContentFile(b"new"))
        assert [path.read_bytes() for path in stored()] == [b"new"]
