"""Deleted files are gone at once for readers, but only later for good, and can be restored with a click."""

import datetime as dt
from pathlib import Path, PurePath
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import AuditRecord
from config.storage import media_storage
from media import trash
from media.documents import store_document
from media.models import Document, Picture
from media.pictures import store_picture
from media.renditions import make_renditions
from media.tasks import remove_expired_files
from tests.factories import PostFactory, UserFactory
from tests.factories.files import pdf_file, picture, picture_file
from tests.factories.responses import fetch, find, message, read
from tests.factories.types import Work

pytestmark = pytest.mark.django_db


def page(kind: str, name: str, *args: Any) -> str:
    return reverse(f"admin:media_{kind}_{name}", args=args)


def store(kind: str) -> Any:
    return store_picture(picture_file(), title="A lamp") if kind == "picture" else store_document(pdf_file())


def exists(upload: Any) -> bool:
    return default_storage.exists(str(upload.file.name))


def pass_days(days: int) -> None:
    for model in (Picture, Document):
        for upload in model.objects.filter(deleted_at__isnull=False).iterator():
            assert upload.deleted_at is not None
            model.objects.filter(pk=upload.pk).update(deleted_at=upload.deleted_at - dt.timedelta(days=days))


KINDS = pytest.mark.parametrize("kind", ["picture", "document"])


@pytest.fixture
def editor() -> Client:
    client = Client()
    client.force_login(UserFactory(role="Editor"))
    return client


class TestDeleting:
    @KINDS
    @pytest.mark.parametrize("how", ["one", "several"])
    def test_can_be_undone_from_the_message(self, editor: Client, client: Client, kind: str, how: str) -> None:
        upload = store(kind)
        data: dict[str, Any]
        if how == "one":
            url, data = page(kind, "delete", upload.pk), {"post": "yes"}
        else:
            url = page(kind, "changelist")
            data = {"action": "delete_selected", "_selected_action": [upload.pk], "post": "yes"}
        response = editor.post(url, data, follow=True)
        assert "deleted." in message(response)
        assert client.get(upload.file.url).status_code == 410
        assert not response.context["cl"].result_list
        (form,) = find(read(response), "form.undo")
        restored = editor.post(form.get("action", ""), follow=True)
        assert "1 " in message(restored)
        assert "restored." in message(restored)
        assert fetch(client, upload.file.url).status_code == 200
        assert AuditRecord.objects.latest("pk").text == "Restored"
        # A second click on the button changes nothing.
        assert "Nothing was restored" in message(editor.post(form.get("action", ""), follow=True))

    @KINDS
    def test_readers_see_a_page_instead_of_the_file(self, client: Client, kind: str) -> None:
        upload = store(kind)
        trash.delete(type(upload), [upload.pk])
        response = client.get(upload.file.url)
        assert response.status_code == 410
        assert "the page may have been removed" in response.content.decode()
        assert "sandbox" not in response.headers["Content-Security-Policy"]

    @KINDS
    def test_hides_the_file_under_any_spelling_of_its_url(self, client: Client, kind: str) -> None:
        upload = store(kind)
        trash.delete(type(upload), [upload.pk])
        folder, _slash, name = upload.file.url.removeprefix("/media/").rpartition("/")
        for path in (
            f"{folder}//{name}",
            f"{folder}/%2F{name}",
            f"{folder}/{name}/",
            f"{folder}/{name}/.",
            f"{folder}/./{name}",
            f"{folder}/x/../{name}",
            f"/{folder}/{name}",
            f"%2F{folder}/{name}",
            f"./{folder}/{name}",
        ):
            assert client.get(f"/media/{path}").status_code == 404, path

    @KINDS
    def test_asks_for_confirmation_and_says_that_it_can_be_undone(self, editor: Client, kind: str) -> None:
        html = editor.get(page(kind, "delete", store(kind).pk)).content.decode()
        assert "For 30 days you can restore them" in html
        assert "This can&#x27;t be undone" not in html
        assert "This can't be undone" not in html

    def test_hides_the_renditions_and_removes_them_from_pages(
        self, client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        upload = store_picture(picture_file_of(1200, 900))
        make_renditions(upload)
        upload.refresh_from_db()
        post = PostFactory(source=f"![A lamp]({upload.file.url})", featured_picture=upload)
        rendition = default_storage.url(upload.renditions[0].name)
        assert fetch(client, rendition).status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            trash.delete(Picture, [upload.pk])
        assert client.get(rendition).status_code == 410
        # From consecutive numbers, no one finds out how many pictures were deleted.
        assert client.get(f"/media/renditions/{upload.pk}/x.webp").status_code == 404
        html = client.get(post.get_absolute_url()).content.decode()
        assert "srcset" not in html
        # The post keeps the image and its description as its author wrote them.
        assert 'alt="A lamp"' in html
        with django_capture_on_commit_callbacks(execute=True):
            trash.restore(Picture, [upload.pk])
        assert client.get(post.get_absolute_url()).content.decode().count("srcset") > 1

    def test_removes_the_file_from_the_file_picker(self, editor: Client) -> None:
        upload = store("picture")
        trash.delete(Picture, [upload.pk])
        assert editor.get("/admin/editor/media/").json()["files"] == []

    @pytest.mark.parametrize(
        ("role", "file", "restoring"),
        [("Editor", 200, 302), ("Author", 410, 403), ("Moderator", 410, 403), ("", 410, 302)],
    )
    def test_only_editors_may_see_and_restore_a_deleted_file(self, role: str, file: int, restoring: int) -> None:
        upload = store("picture")
        trash.delete(Picture, [upload.pk])
        client = Client()
        if role:
            client.force_login(UserFactory(role=role))
        response = fetch(client, upload.file.url)
        assert response.status_code == file
        assert "no-store" in response.headers["Cache-Control"]
        response = client.post(f"{page('picture', 'restore')}?ids={upload.pk}")
        assert response.status_code == restoring
        assert Picture.objects.present().exists() == (role == "Editor")

    def test_lists_the_file_under_deleted_where_it_can_be_restored(self, editor: Client) -> None:
        upload, other = store("picture"), store("picture")
        trash.delete(Picture, [upload.pk])
        url = f"{page('picture', 'changelist')}?deleted=yes"
        assert [each.pk for each in editor.get(url).context["cl"].result_list] == [upload.pk]
        assert [each.pk for each in editor.get(f"{url}-or-no").context["cl"].result_list] == [other.pk]
        shown = editor.get(page("picture", "changelist"))
        assert [each.pk for each in shown.context["cl"].result_list] == [other.pk]
        assert "restore_selected" not in shown.content.decode()
        editor.post(url, {"action": "restore_selected", "_selected_action": [upload.pk]})
        assert Picture.objects.present().count() == 2

    def test_leaves_the_file_viewable_but_not_changeable_in_the_admin(self, editor: Client) -> None:
        upload = store("picture")
        trash.delete(Picture, [upload.pk])
        assert editor.get(page("picture", "change", upload.pk)).status_code == 200
        assert editor.post(page("picture", "change", upload.pk), {"title": "Changed"}).status_code == 403

    @KINDS
    def test_a_form_that_was_read_before_does_not_bring_it_back(self, kind: str) -> None:
        upload = store(kind)
        trash.delete(type(upload), [upload.pk])
        upload.title = "Changed"
        upload.save()
        upload.refresh_from_db()
        assert upload.title == "Changed"
        assert upload.deleted_at

    def test_invalid_ids_restore_nothing(self, editor: Client) -> None:
        for ids in ("", "x", "1,2,3", "9" * 30, "-1"):
            response = editor.post(f"{page('picture', 'restore')}", query_params={"ids": ids}, follow=True)
            assert "Nothing was restored" in message(response)


def content(upload: Any) -> bytes:
    with upload.file.open() as file:
        return bytes(file.read())


NEW = {"picture": picture(size=(90, 60)), "document": pdf_file().read().replace(b"99 99", b"9999 9999")}


def replace(client: Client, upload: Any, kind: str) -> Any:
    suffix = PurePath(str(upload.file.name)).suffix
    data = {"replacement": SimpleUploadedFile(f"new{suffix}", NEW[kind]), "title": "A lamp", "alt": "", "caption": ""}
    return client.post(page(kind, "change", upload.pk), data, follow=True)


class TestReplacing:
    @KINDS
    def test_can_be_undone_from_the_message_and_that_too(
        self, editor: Client, client: Client, kind: str, django_capture_on_commit_callbacks: Any
    ) -> None:
        upload = store(kind)
        model, url, first = type(upload), f"{page(kind, 'changelist')}?deleted=yes", content(upload)
        response = replace(editor, upload, kind)
        second = content(upload)
        assert first != second
        (form,) = find(read(response), "form.undo")
        (old,) = editor.get(url).context["cl"].result_list
        assert str(old) == "A lamp (replaced file)"
        assert client.get(old.file.url).status_code == 410
        with django_capture_on_commit_callbacks(execute=True):
            restored = editor.post(form.get("action", ""), follow=True)
        assert "restored." in message(restored)
        assert (content(upload), exists(old)) == (first, False)
        assert AuditRecord.objects.latest("pk").object_id == str(upload.pk)
        shown = model.objects.present().get()
        assert (shown.pk, shown.file.name, shown.size) == (upload.pk, upload.file.name, len(first))
        # The one that had replaced it is now among the deleted ones.
        (other,) = editor.get(url).context["cl"].result_list
        editor.post(url, {"action": "restore_selected", "_selected_action": [other.pk]})
        assert content(upload) == second

    @KINDS
    def test_cannot_be_undone_without_the_old_file_or_where_readers_have_none(self, editor: Client, kind: str) -> None:
        upload = store(kind)
        default_storage.delete(str(upload.file.name))
        assert not find(read(replace(editor, upload, kind)), "form.undo")
        replace(editor, upload, kind)
        (old,) = type(upload).objects.filter(replaced_in=upload)
        default_storage.delete(str(old.file.name))
        failed = editor.post(f"{page(kind, 'restore')}?ids={old.pk}", follow=True)
        assert "could not be stored" in message(failed)
        trash.delete(type(upload), [upload.pk])
        assert not trash.restore(type(upload), [old.pk])

    @KINDS
    def test_keeps_the_old_file_for_thirty_days_or_until_both_are_deleted(self, editor: Client, kind: str) -> None:
        upload, other = store(kind), store(kind)
        model = type(upload)
        for each in (upload, other):
            replace(editor, each, kind)
        first, second = model.objects.filter(replaced_in__isnull=False).order_by("pk")
        trash.remove(upload)
        assert not exists(first)
        pass_days(31)
        trash.remove_expired()
        assert not exists(second)
        assert model.objects.get() == other

    def test_restores_what_is_known_about_the_old_file(self, editor: Client) -> None:
        upload = store("document")
        Document.objects.update(uncleaned_because="Broken")
        replace(editor, upload, "document")
        assert Document.objects.present().get().uncleaned_because == ""
        trash.restore(Document, [Document.objects.get(replaced_in=upload).pk])
        assert Document.objects.present().get().uncleaned_because == "Broken"

    def test_leaves_nothing_behind_if_the_storage_fails(self, editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        upload = store("document")
        before = default_storage.listdir(str(PurePath(str(upload.file.name)).parent))

        def fail(*_args: Any) -> None:
            raise OSError

        monkeypatch.setattr(Document, "replace_file", fail)
        assert "could not be stored" in replace(editor, upload, "document").content.decode()
        assert default_storage.listdir(str(PurePath(str(upload.file.name)).parent)) == before
        assert Document.objects.count() == 1

    @KINDS
    @pytest.mark.django_db(transaction=True)
    def test_is_undone_if_it_fails_at_the_end(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        upload = store(kind)
        first, stored = content(upload), sorted(Path(settings.MEDIA_ROOT).rglob("*"))
        replace_file = type(upload).replace_file

        def fail_at_the_end(*args: Any) -> None:
            replace_file(*args)
            raise OperationalError

        monkeypatch.setattr(type(upload), "replace_file", fail_at_the_end)
        with pytest.raises(OperationalError):
            trash.replace(upload, ContentFile(b"The new file"))
        assert content(upload) == first
        assert sorted(Path(settings.MEDIA_ROOT).rglob("*")) == stored
        assert type(upload).objects.get() == upload


class TestRemovingForGood:
    @KINDS
    def test_happens_after_thirty_days(self, editor: Client, work: Work, kind: str) -> None:
        upload = store(kind)
        model = type(upload)
        editor.post(page(kind, "delete", upload.pk), {"post": "yes"})
        pass_days(29)
        remove_expired_files.enqueue()
        work()
        assert exists(upload)
        pass_days(1)
        remove_expired_files.enqueue()
        work()
        assert not Path(upload.file.path).parent.exists()
        assert not model.objects.exists()
        assert not trash.restore(model, [upload.pk])

    def test_removes_the_renditions_too(self) -> None:
        upload = store_picture(picture_file_of(1200, 900))
        make_renditions(upload)
        default_storage.save(f"renditions/{upload.pk}/of-a-killed-process.avif", ContentFile(b"x"))
        trash.delete(Picture, [upload.pk])
        pass_days(31)
        trash.remove_expired()
        assert not default_storage.exists(f"renditions/{upload.pk}")

    def test_happens_at_once_if_a_deleted_file_is_deleted_again(
        self, editor: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        upload = store("picture")
        trash.delete(Picture, [upload.pk])
        assert "permanently" in editor.get(page("picture", "delete", upload.pk)).content.decode()
        with django_capture_on_commit_callbacks(execute=True):
            response = editor.post(page("picture", "delete", upload.pk), {"post": "yes"}, follow=True)
        assert not find(read(response), "form.undo")
        assert not Picture.objects.exists()
        assert not exists(upload)

    def test_leaves_files_to_the_worker_whose_time_is_over_only_if_the_clock_is_right(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        one, other = store("picture"), store("document")
        trash.delete(Picture, [one.pk])
        trash.delete(Document, [other.pk])
        pass_days(365)
        with django_capture_on_commit_callbacks(execute=True):
            trash.expire(Picture, [one.pk])
        assert not exists(one)
        assert exists(other)

    # Otherwise, names would never recur. Those of files of earlier releases do.
    @patch("media.models.token_hex", lambda size: "0" * 2 * size)
    @pytest.mark.parametrize("after", ["the file", "the row"])
    def test_leaves_alone_what_is_stored_under_its_name_meanwhile(
        self, after: str, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
    ) -> None:
        """By the process that removes it, or while another one does that as well."""
        uploads = [store_document(pdf_file()) for _ in range(2)]
        trash.delete(Document, [upload.pk for upload in uploads])
        pass_days(31)
        delete = default_storage.delete
        new: list[Document] = []

        def store_new() -> None:
            if not new:
                new.append(store_document(pdf_file()))
                assert new[0].file.name in {upload.file.name for upload in uploads}

        def delete_file(name: str) -> None:
            delete(name)
            store_new()

        def remove_both(_upload: Document) -> None:
            monkeypatch.undo()
            for upload in uploads:
                trash.remove(upload)
            store_new()

        if after == "the file":
            monkeypatch.setattr(default_storage, "delete", delete_file)
        else:
            monkeypatch.setattr(trash, "remove", remove_both)
        with django_capture_on_commit_callbacks(execute=True):
            trash.remove_expired()
        assert exists(new[0])

    def test_is_tried_again_if_the_storage_fails(self, settings: Settings, use_bucket: None) -> None:
        upload = store("picture")
        trash.delete(Picture, [upload.pk])
        pass_days(31)
        bucket = settings.STORAGES
        settings.STORAGES = {**bucket, "default": media_storage("s3+http://key:secret@127.0.0.1:9/bucket")}
        trash.remove_expired()
        assert Picture.objects.exists()
        settings.STORAGES = bucket
        trash.remove_expired()
        assert not exists(upload)
        assert not Picture.objects.exists()


def picture_file_of(width: int, height: int) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.png", picture(size=(width, height)))
