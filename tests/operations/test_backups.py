"""Backing up a site and restoring it, on the database that the tests use, with media in a folder or a bucket."""

import datetime as dt
import errno
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pyrage
import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from accounts.models import AuditRecord
from blog.models import Post
from comments.models import Comment, RateCount
from core.changes import content_changed, content_version
from media import trash
from media.models import Document, Picture
from media.pictures import store_picture
from media.tasks import clean_due_documents
from operations.backups import creating, media, postgresql, restoring, schedule, sealing, sqlite, stores
from operations.backups.contents import complete_backups, name_for, parse_name
from operations.backups.errors import BackupError
from operations.backups.own_templates import parse_templates
from operations.backups.work import restore_marker, work_folder
from operations.migrations_applied import unapplied_migrations
from operations.models import BackupRun, RunKind
from search.indexing import count_stale
from tests.factories import CommentFactory, PostFactory
from tests.factories.files import PDF, picture, picture_file
from tests.factories.types import Manage, OwnTemplates, SiteState

pytestmark = pytest.mark.django_db(transaction=True)

IS_SQLITE = connection.vendor == "sqlite"
DUMP = "database.sqlite3.zst" if IS_SQLITE else "database.sql.zst"


def spoil() -> None:
    """Change and delete backed-up content, and add some."""
    Comment.objects.all().delete()
    Post.objects.all().delete()
    PostFactory(title="Written later")
    Document.objects.get().delete()
    shown = Picture.objects.get()
    default_storage.replace(str(shown.file.name), ContentFile(b"another image"))  # type: ignore[attr-defined]  # ours
    store_picture(SimpleUploadedFile("new.png", picture(colour="red")))


def only_backup(destination: Path) -> Path:
    (folder,) = (destination / "backups").iterdir()
    return folder


def stored_media(destination: Path) -> set[str]:
    return {path.name for path in (destination / "media").rglob("*") if path.is_file()}


@pytest.mark.usefixtures("any_storage", "content")
class TestRestoring:
    def test_brings_everything_back_and_removes_later_content(self, manage: Manage, site_state: SiteState) -> None:
        before = site_state()
        assert len(before[1]) == 3
        output = manage("backup")
        assert re.search(r"Backup \S+ is complete: \d+ tables with \d+ rows, and 3 media files \(.*, 3 new\)\.", output)
        spoil()
        assert site_state() != before
        assert "is restored" in manage("restore", "--replace")
        assert site_state() == before
        assert AuditRecord.objects.get(action="backup_restored").details in output

    @pytest.mark.parametrize(("is_own", "kinds"), [(True, ["backup", "check"]), (False, ["check"])])
    def test_a_restored_site_knows_its_backup(
        self, manage: Manage, destination: Path, settings: Settings, is_own: bool, kinds: list[str]
    ) -> None:
        manage("backup")
        made = parse_name(only_backup(destination).name)
        settings.BROADSIDE_BACKUP_URL = str(destination) if is_own else "/elsewhere"
        manage("restore", "--replace")
        runs = BackupRun.objects.successful().order_by("kind")
        assert [run.kind for run in runs] == kinds
        assert all(run.finished_at == made for run in runs if run.kind == RunKind.BACKUP)

    def test_an_encrypted_backup_is_restored_with_the_key(
        self, manage: Manage, site_state: SiteState, key_file: Path
    ) -> None:
        before = site_state()
        manage("backup")
        spoil()
        manage("restore", "--replace", "--key", str(key_file))
        assert site_state() == before

    def test_a_backup_is_proved_without_changing_the_site(self, manage: Manage, site_state: SiteState) -> None:
        manage("backup")
        spoil()
        after = site_state()
        assert "can be restored" in manage("restore", "--check")
        assert site_state() == after
        assert BackupRun.objects.get(kind=RunKind.CHECK).error == ""


@pytest.mark.usefixtures("content")
class TestSiteTemplates:
    @pytest.fixture
    def folder(self, own_templates: OwnTemplates) -> Path:
        return own_templates({"base.html": "Ünïcode", "own/a.html": "One"})

    def test_are_restored_and_the_replaced_ones_are_kept(self, manage: Manage, folder: Path) -> None:
        manage("backup")
        (folder / "base.html").write_text("Later")
        (folder / "404.html").write_text("Later")
        manage("restore", "--replace")
        assert {path.name for path in folder.rglob("*.html")} == {"base.html", "a.html"}
        assert (folder / "base.html").read_text() == "Ünïcode"
        (kept,) = folder.parent.glob("templates.before-*")
        assert (kept / "404.html").read_text() == "Later"

    def test_are_encrypted_with_everything_else(
        self, manage: Manage, folder: Path, destination: Path, key_file: Path
    ) -> None:
        manage("backup")
        stored = only_backup(destination) / "templates.json.age"
        assert b"base.html" not in stored.read_bytes()
        shutil.rmtree(folder)
        manage("restore", "--replace", "--key", str(key_file))
        assert (folder / "own/a.html").read_text() == "One"

    def test_are_kept_if_the_backup_has_none(self, manage: Manage, own_templates: OwnTemplates) -> None:
        manage("backup")
        folder = own_templates({"base.html": "Later"})
        manage("restore", "--replace")
        assert (folder / "base.html").read_text() == "Later"

    def test_that_cannot_be_backed_up_do_not_prevent_the_backup(self, manage: Manage, folder: Path) -> None:
        (folder / "own/large.html").write_bytes(b"a" * (2**20 + 1))
        (folder / "own/other.html").write_bytes(b"\xff")
        (folder / ".base.html.swp").write_text("One")
        manage("backup")
        manage("restore", "--check")
        shutil.rmtree(folder)
        manage("restore", "--replace")
        assert {path.name for path in folder.rglob("*") if path.is_file()} == {"base.html", "a.html", "other.html"}
        assert (folder / "own/other.html").read_bytes() == b"\xff"

    @pytest.mark.parametrize("content", [b"[]", b"{", b'{"../a.html": "One"}', b'{"/etc/passwd": "One"}', b'{"a": 1}'])
    def test_with_invalid_paths_or_content_are_refused(self, content: bytes) -> None:
        with pytest.raises(BackupError):
            parse_templates(content)

    def test_that_cannot_be_replaced_are_restored_beside_them(
        self, manage: Manage, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        manage("backup")
        (folder / "base.html").write_text("Later")

        def rename(self: Path, target: Path) -> None:
            raise OSError(errno.EBUSY, "Device or resource busy")

        monkeypatch.setattr(Path, "rename", rename)
        manage("restore", "--replace")
        assert (folder / "base.html").read_text() == "Later"
        assert (folder.parent / "templates.restored/base.html").read_text() == "Ünïcode"
        assert "templates.restored" in caplog.text


@pytest.mark.usefixtures("content")
class TestRestoredSite:
    def test_no_cached_page_is_served(self, manage: Manage, client: Client) -> None:
        post = Post.objects.get()
        manage("backup")
        Post.objects.update(title="A later title")
        for _change in range(3):
            content_changed()
        later = client.get(post.get_absolute_url())
        assert "A later title" in later.text
        version = content_version()
        manage("restore", "--replace")
        assert content_version() > version + 2**40
        restored = client.get(post.get_absolute_url(), headers={"If-None-Match": later["ETag"]})
        assert restored.status_code == 200
        assert "The march" in restored.text

    def test_the_content_version_does_not_overflow(self, manage: Manage) -> None:
        for _time in range(3):
            manage("backup")
            manage("restore", "--replace")
        assert content_version() < 3 * 2**41 + 2**30

    def test_the_search_finds_everything(self, manage: Manage, client: Client) -> None:
        manage("backup")
        spoil()
        manage("restore", "--replace")
        assert count_stale(lambda name, done, total: None).total() == 0
        assert "The march" in client.get("/search/", {"q": "words"}).text or "The march" in client.get("/?s=words").text

    def test_documents_that_were_not_yet_cleaned_are_cleaned(self, manage: Manage) -> None:
        Document.objects.update(cleaned_with=0)
        DBTaskResult.objects.all().delete()
        manage("backup")
        manage("restore", "--replace")
        assert DBTaskResult.objects.ready().get().task_path == clean_due_documents.module_path

    def test_roles_have_the_permissions_of_the_running_version(self, manage: Manage) -> None:
        permissions = Group.objects.get(name="Author").permissions
        usual = set(permissions.all())
        permissions.clear()
        manage("backup")
        manage("restore", "--replace")
        assert set(permissions.all()) == usual

    def test_new_rows_get_ids_that_the_site_has_never_used(self, manage: Manage) -> None:
        PostFactory()
        manage("backup")
        since_the_backup = PostFactory().pk
        manage("restore", "--replace")
        assert PostFactory().pk > since_the_backup

    def test_sessions_and_rate_counts_are_gone(self, manage: Manage, destination: Path) -> None:
        Session.objects.create(session_key="s" * 32, session_data="secret", expire_date=timezone.now())
        assert RateCount.objects.exists()
        manage("backup")
        manifest = json.loads((only_backup(destination) / "manifest.json").read_bytes())
        assert {"django_session", "comments_ratecount"} < set(manifest["left_out"])
        assert manifest["tables"]["django_session"]["rows"] == 0
        manage("restore", "--replace")
        assert not Session.objects.exists()
        assert not RateCount.objects.exists()

    def test_stored_pages_are_retracted(self, manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[str] = []
        monkeypatch.setattr(restoring, "retractions", {"pages": lambda: calls.append("retracted")})
        manage("backup")
        manage("restore", "--replace")
        assert calls == ["retracted"]

    def test_the_settings_that_differ_are_named(self, manage: Manage, settings: Settings) -> None:
        settings.BROADSIDE_ENVIRONMENT = {"TIME_ZONE": "Asia/Tehran", "SITE_URL": "https://old.example.org"}
        manage("backup")
        settings.BROADSIDE_ENVIRONMENT = {"SITE_URL": "https://old.example.org"}
        output = manage("restore", "--replace")
        assert "TIME_ZONE=Asia/Tehran" in output
        assert "SITE_URL" not in output

    def test_an_empty_site_needs_no_confirmation(self, manage: Manage, site_state: SiteState) -> None:
        before = site_state()
        manage("backup")
        call_command("flush", verbosity=0, interactive=False)
        shutil.rmtree(default_storage.path(""))
        manage("restore")
        assert site_state() == before

    def test_the_newer_backup_of_the_empty_site_of_a_new_server_is_passed_over(
        self, manage: Manage, site_state: SiteState
    ) -> None:
        before = site_state()
        manage("backup")
        call_command("flush", verbosity=0, interactive=False)
        shutil.rmtree(default_storage.path(""))
        manage("backup")
        with_content, empty = manage("restore", "--list").split()
        assert f"Backup {with_content} " in manage("restore")
        assert site_state() == before
        assert f"Backup {empty} " in manage("restore", "--replace", "--backup", empty)
        assert restoring.is_empty()

    def test_a_backup_of_an_empty_site_is_restored_if_there_is_no_other(self, manage: Manage) -> None:
        call_command("flush", verbosity=0, interactive=False)
        manage("backup")
        assert "is restored" in manage("restore")

    def test_a_site_with_content_is_not_replaced_by_accident(self, manage: Manage, site_state: SiteState) -> None:
        manage("backup")
        spoil()
        after = site_state()
        with pytest.raises(CommandError, match=r"--replace\. Nothing was changed"):
            manage("restore")
        assert site_state() == after

    def test_an_older_backup_is_restored_by_name(self, manage: Manage, destination: Path) -> None:
        manage("backup")
        (first,) = manage("restore", "--list").split()
        Post.objects.update(title="Second title")
        manage("backup")
        assert len(manage("restore", "--list").split()) == 2
        manage("restore", "--replace", "--backup", first)
        assert Post.objects.get().title == "The march"
        with pytest.raises(CommandError, match=rf"no backup 2001.*The newest ones are: .*{first}"):
            manage("restore", "--replace", "--backup", "2001-01-01T000000Z")

    def test_a_backup_dated_in_the_future_is_not_taken_for_the_newest(self, manage: Manage, destination: Path) -> None:
        manage("backup")
        (earlier,) = manage("restore", "--list").split()
        folder = destination / "backups" / earlier
        future = folder.rename(folder.with_name(name_for(parse_name(earlier) + dt.timedelta(days=365)))).name
        Post.objects.update(title="Second title")
        manage("backup")
        _future, newest = sorted(manage("restore", "--list").split(), reverse=True)
        assert f"Backup {newest} can be restored" in manage("restore", "--check")
        with pytest.raises(CommandError, match=rf"Backup {future} is dated in the future.*--backup"):
            manage("restore", "--replace")
        manage("restore", "--replace", "--backup", newest)
        assert Post.objects.get().title == "Second title"

    def test_a_backup_of_an_older_version_is_migrated(self, manage: Manage) -> None:
        """The version of Broadside that made the backup had different tables."""
        columns = connection.introspection.get_table_description
        try:
            call_command("migrate", "wordpress", "0006", verbosity=0)
            manage("backup")
        finally:
            call_command("migrate", verbosity=0)
        manage("restore", "--check")
        manage("restore", "--replace")
        with connection.cursor() as cursor:
            assert "credit" in {column.name for column in columns(cursor, "wordpress_attachment")}
        assert unapplied_migrations() == []
        assert Post.objects.get().title == "The march"

    def test_a_damaged_database_is_replaced(self, manage: Manage, site_state: SiteState) -> None:
        if not IS_SQLITE:
            pytest.skip("PostgreSQL's files are its own business.")
        before = site_state()
        manage("backup")
        connection.close()
        database = Path(connection.settings_dict["NAME"])
        database.write_bytes(b"Nothing that SQLite could read." * 1000)
        manage("restore", "--replace")
        assert site_state() == before


@pytest.mark.usefixtures("content")
class TestContents:
    def test_sha256sum_finds_no_damage(self, manage: Manage, destination: Path, key_file: Path) -> None:
        manage("backup")
        checked = subprocess.run(
            ["sha256sum", "--check", "--strict", "SHA256SUMS"],  # noqa: S607  # a common program
            cwd=only_backup(destination),
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stderr
        # Three of the seven files are media.
        assert checked.stdout.count(": OK") == 7

    def test_the_database_can_be_restored_by_hand(self, manage: Manage, destination: Path, tmp_path: Path) -> None:
        if shutil.which("zstd") is None:
            pytest.skip("zstd is not installed.")
        manage("backup")
        packed = only_backup(destination) / DUMP
        unpacked = subprocess.run(["zstd", "-dc", packed], capture_output=True, check=True).stdout  # noqa: S603, S607  # as above
        if IS_SQLITE:
            (tmp_path / "database").write_bytes(unpacked)
            with closing(sqlite3.connect(tmp_path / "database")) as database:
                assert database.execute("SELECT title FROM blog_entry ORDER BY id").fetchall()[0] == ("The march",)
        else:
            assert b"\tThe march\t" in unpacked

    def test_only_the_owner_of_the_files_can_read_them(self, manage: Manage, destination: Path) -> None:
        before = os.umask(0)
        try:
            manage("backup")
        finally:
            os.umask(before)
        modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in [destination, *destination.rglob("*")]}
        assert modes == {(True, 0o700), (False, 0o600)}

    def test_nothing_can_be_read_without_the_key(self, manage: Manage, destination: Path, key_file: Path) -> None:
        name = str(Document.objects.get().file.name)
        manage("backup")
        for path in destination.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert path.name in {"SHA256SUMS", "README.txt"} or content.startswith(b"age-encryption.org/v1\n")
                assert name.encode() not in content
                assert b"march" not in content
        # The names don't reveal whether the backup contains a certain file, either.
        with default_storage.open(name) as file:
            reader = sealing.HashingReader(file)
            reader.read_rest()
        assert not any(reader.sha256 in each for each in stored_media(destination))

    def test_deleted_content_is_not_included(self, manage: Manage, destination: Path) -> None:
        Comment.objects.filter(pk=CommentFactory(text="Regretted " * 300).pk).delete()
        Session.objects.create(session_key="k" * 32, session_data="x" * 3000, expire_date=timezone.now())
        manage("backup")
        unpacked = BytesIO()
        with (only_backup(destination) / DUMP).open("rb") as packed:
            sealing.decompress(packed, unpacked, 2**30)
        assert b"The march" in unpacked.getvalue()
        assert b"Regretted Regretted" not in unpacked.getvalue()
        assert b"x" * 3000 not in unpacked.getvalue()
        assert b"sender-hash" not in unpacked.getvalue()

    def test_settings_are_included_without_secrets(self, manage: Manage, destination: Path, settings: Settings) -> None:
        settings.BROADSIDE_ENVIRONMENT = {"SITE_URL": "https://blog.example.org", "SECRET_KEY": ""}
        manage("backup")
        text = (only_backup(destination) / "settings.env").read_text()
        assert "SITE_URL=https://blog.example.org\n" in text
        assert "SECRET_KEY=\n" in text

    def test_changes_during_the_backup_are_not_included(self, manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
        """The backup contains the state at the time of the snapshot."""
        names = media.media_names

        def write(snapshot: Any) -> list[str]:
            # Use another connection, as another process would.
            other = connection.copy()
            with other.cursor() as cursor:
                cursor.execute("UPDATE blog_entry SET title = 'Changed meanwhile'")
            other.close()
            return names(snapshot)

        monkeypatch.setattr(creating, "media_names", write)
        manage("backup")
        assert Post.objects.get().title == "Changed meanwhile"
        assert "can be restored" in manage("restore", "--check")
        manage("restore", "--replace")
        assert Post.objects.get().title == "The march"


@pytest.mark.usefixtures("content")
class TestMedia:
    @pytest.mark.parametrize("encrypted", [False, True])
    def test_each_file_is_stored_once(
        self, manage: Manage, destination: Path, request: pytest.FixtureRequest, encrypted: bool
    ) -> None:
        if encrypted:
            request.getfixturevalue("key_file")
        manage("backup")
        times = {path: path.stat().st_mtime_ns for path in (destination / "media").rglob("*") if path.is_file()}
        assert len(times) == 3
        store_picture(SimpleUploadedFile("new.png", picture(colour="red")))
        assert "4 media files" in (output := manage("backup"))
        assert ", 1 new)" in output
        assert all(path.stat().st_mtime_ns == time for path, time in times.items())
        assert len(stored_media(destination)) == 4

    def test_unchanged_files_are_not_read_again(self, manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
        manage("backup")
        for name in ("seal", "hashed"):
            monkeypatch.setattr(media, name, None)
        assert ", 0 new)" in manage("backup")

    def test_a_replaced_file_is_stored_again(self, manage: Manage, destination: Path) -> None:
        manage("backup")
        path = Path(default_storage.path(str(Document.objects.get().file.name)))
        path.write_bytes(path.read_bytes()[::-1])
        os.utime(path, (1, 1))
        manage("backup")
        assert len(stored_media(destination)) == 4
        manage("restore", "--check")

    def test_files_stored_by_an_interrupted_backup_are_used(
        self, manage: Manage, destination: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as context:
            context.setattr(creating, "settings_file", lambda environment: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                manage("backup")
        assert complete_backups(stores.FolderStore(destination)) == []
        times = {path.stat().st_mtime_ns for path in (destination / "media").rglob("*") if path.is_file()}
        assert ", 0 new)" in manage("backup")
        assert {path.stat().st_mtime_ns for path in (destination / "media").rglob("*") if path.is_file()} == times
        # The files of the first attempt are gone.
        assert len(list((destination / "backups").iterdir())) == 1
        manage("restore", "--check", "--key", str(key_file))

    @pytest.mark.parametrize("encrypted", [False, True])
    def test_a_truncated_file_is_stored_again(
        self, manage: Manage, destination: Path, request: pytest.FixtureRequest, encrypted: bool
    ) -> None:
        key = ["--key", str(request.getfixturevalue("key_file"))] if encrypted else []
        manage("backup")
        stored = max(destination.rglob("media/*/*"), key=lambda path: path.stat().st_size)
        # Cut off more of an encrypted file, because the length of its header varies.
        os.truncate(stored, stored.stat().st_size - (400 if encrypted else 1))
        assert ", 1 new)" in manage("backup")
        manage("restore", "--check", *key)

    @pytest.mark.parametrize("encrypted", [False, True])
    def test_files_that_a_proof_finds_damaged_are_stored_again(
        self, manage: Manage, destination: Path, request: pytest.FixtureRequest, encrypted: bool
    ) -> None:
        key = ["--key", str(request.getfixturevalue("key_file"))] if encrypted else []
        manage("backup")
        (oldest,) = complete_backups(stores.FolderStore(destination))
        for stored in sorted(destination.rglob("media/*/*"))[:2]:
            content = stored.read_bytes()
            stored.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert ", 0 new)" in manage("backup")
        with pytest.raises(CommandError, match=r"2 media files .* The next backup stores them again"):
            manage("restore", "--check", *key)
        assert ", 2 new)" in manage("backup")
        manage("restore", "--check", *key)
        # The older backup uses the same files.
        manage("restore", "--check", "--backup", oldest, *key)
        assert ", 0 new)" in manage("backup")

    def test_damage_found_by_an_earlier_proof_is_remembered(self, manage: Manage, destination: Path) -> None:
        manage("backup")
        (oldest,) = complete_backups(stores.FolderStore(destination))
        old = set(destination.rglob("media/*/*"))
        store_picture(SimpleUploadedFile("new.png", picture(colour="red")))
        manage("backup")
        (new,) = set(destination.rglob("media/*/*")) - old
        for stored, backup in ((new, []), (min(old), ["--backup", oldest])):
            stored.write_bytes(stored.read_bytes()[::-1])
            with pytest.raises(CommandError, match="The next backup stores it again"):
                manage("restore", "--check", *backup)
        assert ", 2 new)" in manage("backup")

    def test_a_backup_elsewhere_does_not_count_as_repairing_the_damage(
        self, manage: Manage, destination: Path, settings: Settings, tmp_path: Path
    ) -> None:
        settings.BROADSIDE_BACKUP_URL = str(destination)
        manage("backup")
        damaged = min(destination.rglob("media/*/*"))
        damaged.write_bytes(damaged.read_bytes()[::-1])
        with pytest.raises(CommandError, match="The next backup stores it again"):
            manage("restore", "--check")
        manage("backup", to=str(tmp_path / "elsewhere"))
        assert ", 1 new)" in manage("backup")
        assert ", 0 new)" in manage("backup")

    def test_with_another_key_all_files_are_stored_again(
        self, manage: Manage, destination: Path, key_file: Path, settings: Settings
    ) -> None:
        manage("backup")
        first = stored_media(destination)
        settings.BROADSIDE_BACKUP_PUBLIC_KEY = ""
        manage("backup")
        assert len(stored_media(destination) - first) == 3
        manage("restore", "--check")

    def test_a_missing_file_is_reported(self, manage: Manage, destination: Path) -> None:
        name = str(Document.objects.get().file.name)
        default_storage.delete(name)
        output = manage("backup")
        assert f"Missing from this site: {name}" in output
        assert "2 media files" in output
        assert json.loads((only_backup(destination) / "manifest.json").read_bytes())["missing"] == [name]
        assert BackupRun.objects.get().missing == 1
        manage("restore", "--check")
        assert f"Missing when the backup was made: {name}" in manage("restore", "--replace")

    def test_a_single_file_is_reported_in_the_singular(self, manage: Manage) -> None:
        Picture.objects.all().delete()
        assert "1 media file (" in manage("backup")
        assert "tables and 1 media file." in manage("restore", "--replace")

    def test_a_missing_file_is_taken_from_an_earlier_backup(self, manage: Manage, site_state: SiteState) -> None:
        before = site_state()
        manage("backup")
        default_storage.delete(str(Document.objects.get().file.name))
        assert "Missing" not in manage("backup")
        manage("restore", "--replace")
        assert site_state() == before

    def test_a_file_that_is_deleted_while_it_is_copied_is_reported(
        self, manage: Manage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = str(Document.objects.get().file.name)
        names = media.media_names

        def delete(snapshot: Any) -> list[str]:
            found = names(snapshot)
            Document.objects.get().delete()
            return found

        monkeypatch.setattr(creating, "media_names", delete)
        assert f"Missing from this site: {name}" in manage("backup")

    def test_removed_files_of_merged_images_are_not_reported_as_missing(self, manage: Manage) -> None:
        other = store_picture(picture_file())
        target = Picture.objects.exclude(pk=other.pk).get()
        trash.merge([other.pk], target.pk)
        assert "4 media files" in manage("backup")
        trash.expire(Picture, [other.pk])
        trash.remove(Picture.objects.get(pk=other.pk))
        output = manage("backup")
        assert "3 media files" in output
        assert "Missing" not in output

    def test_an_unavailable_database_is_reported(self, manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
        def unavailable(*args: Any) -> Any:
            raise OperationalError("the server closed the connection")

        monkeypatch.setattr(schedule, "create_backup", unavailable)
        with pytest.raises(CommandError, match="The database can't be used: the server closed the connection"):
            manage("backup")

    @pytest.mark.skipif(not IS_SQLITE, reason="PostgreSQL's files are its own business.")
    def test_a_damaged_database_is_reported(self, manage: Manage) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT rootpage FROM sqlite_master WHERE name = 'comments_comment'")
            ((page,),) = cursor.fetchall()
            ((size,),) = cursor.execute("PRAGMA page_size").fetchall()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        with Path(connection.settings_dict["NAME"]).open("r+b") as database:
            database.seek((page - 1) * size)
            database.write(b"Nothing that SQLite could read.")
        with pytest.raises(CommandError, match="The database can't be used: database disk image is malformed"):
            manage("backup")
        assert BackupRun.objects.get().error == "The database can't be used: database disk image is malformed"

    def test_a_disk_that_is_full_while_copying_the_database_is_reported(
        self, manage: Manage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*args: Any) -> Any:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise OperationalError(*error.args) from error

        monkeypatch.setattr(creating, "_snapshot", full)
        with pytest.raises(CommandError, match="The disk is full"):
            manage("backup")
        assert "The disk is full" in BackupRun.objects.get().error

    @pytest.mark.skipif(not IS_SQLITE, reason="PostgreSQL's files are its own business.")
    def test_the_database_is_copied_only_to_the_work_folder(
        self, manage: Manage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The folder for temporary files may be on a small or unencrypted disk."""
        opened: set[Path] = set()

        class Watched(sqlite3.Connection):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                # Otherwise, a small database would stay in memory.
                self.execute("PRAGMA cache_size = 5")
                self.set_progress_handler(self.look, 100)

            def look(self) -> None:
                links = (path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
                opened.update(path for path in links if path.name.startswith("etilqs_"))

        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
        manage("backup")
        assert opened == set()

    def test_a_read_only_database_is_backed_up(self, manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
        def read_only(*args: Any, **values: Any) -> Any:
            raise OperationalError("attempt to write a readonly database")

        monkeypatch.setattr(BackupRun, "record", read_only)
        assert "is complete" in manage("backup")
        monkeypatch.undo()
        assert "can be restored" in manage("restore", "--check")

    def test_restored_files_are_not_public_before_the_database_is_replaced(
        self, manage: Manage, monkeypatch: pytest.MonkeyPatch, client: Client, site_state: SiteState
    ) -> None:
        name = str(Document.objects.get().file.name)
        manage("backup")
        spoil()
        after = site_state()
        module = sqlite if IS_SQLITE else postgresql

        def fail(*args: Any) -> None:
            raise BackupError("The switch fails.")

        monkeypatch.setattr(module, "stopped_site" if IS_SQLITE else "loaded", fail)
        with pytest.raises(CommandError, match="The switch fails"):
            manage("restore", "--replace")
        assert client.get(f"/media/{name}").status_code == 404
        assert client.get(f"/media/.restored/{name}").status_code == 404
        assert site_state()[0] == after[0]
        monkeypatch.undo()
        # The next backup removes the staged files.
        manage("backup")
        assert site_state() == after


@pytest.mark.usefixtures("content")
class TestInBuckets:
    def test_a_backup_in_a_bucket_is_proved_and_restored(
        self, manage: Manage, make_bucket: Callable[[], str], site_state: SiteState, key_file: Path
    ) -> None:
        url = make_bucket()
        before = site_state()
        manage("backup", to=url)
        assert ", 0 new)" in manage("backup", to=url)
        spoil()
        manage("restore", "--check", "--key", str(key_file), to=url)
        manage("restore", "--replace", "--key", str(key_file), to=url)
        assert site_state() == before

    def test_an_unavailable_bucket_is_reported_without_its_secret(self, manage: Manage) -> None:
        with pytest.raises(CommandError, match="could not be read or written") as error:
            manage("backup", to="s3+http://key:hidden-secret@127.0.0.1:9/bucket")
        assert "hidden-secret" not in str(error.value)
        run = BackupRun.objects.get()
        assert "could not be read or written" in run.error
        assert "hidden-secret" not in run.error

    @pytest.mark.parametrize("url", ["s3://bucket", "ftp://a:b@example.org/x", "s3://k:s@/x"])
    def test_an_invalid_url_is_refused(self, manage: Manage, url: str) -> None:
        with pytest.raises(CommandError, match="BACKUP_URL is not valid"):
            manage("backup", to=url)


@pytest.mark.usefixtures("content")
class TestRefusals:
    def test_an_encrypted_backup_needs_the_key(self, manage: Manage, key_file: Path) -> None:
        manage("backup")
        with pytest.raises(CommandError, match=r"encrypted\. Give the file with the private key: --key FILE"):
            manage("restore", "--check")

    def test_an_unencrypted_backup_beside_encrypted_ones_is_refused(
        self, manage: Manage, destination: Path, key_file: Path, settings: Settings
    ) -> None:
        manage("backup")
        own = only_backup(destination).name
        settings.BROADSIDE_BACKUP_PUBLIC_KEY = ""
        manage("backup")
        for options in (["--check"], ["--replace"]):
            with pytest.raises(CommandError, match="isn't encrypted, although you gave a key"):
                manage("restore", *options, "--key", str(key_file))
        assert f"Backup {own} can be restored" in manage("restore", "--check", "--key", str(key_file), "--backup", own)

    def test_another_key_is_refused(self, manage: Manage, key_file: Path, tmp_path: Path) -> None:
        manage("backup")
        other = tmp_path / "other.txt"
        other.write_text(str(pyrage.x25519.Identity.generate()))
        with pytest.raises(CommandError, match="This is the wrong key"):
            manage("restore", "--check", "--key", str(other))
        other.write_text("not a key")
        with pytest.raises(CommandError, match="contains no private key"):
            manage("restore", "--check", "--key", str(other))
        other.write_text(key_file.read_text().strip()[:-1])
        with pytest.raises(CommandError, match="not complete or has a typing error"):
            manage("restore", "--check", "--key", str(other))
        other.unlink()
        with pytest.raises(CommandError, match=r"other\.txt: No such file or directory\.$"):
            manage("restore", "--check", "--key", str(other))

    def test_an_invalid_public_key_is_refused(self, manage: Manage, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_PUBLIC_KEY = "age1nonsense"
        with pytest.raises(CommandError, match="BACKUP_PUBLIC_KEY is not an age public key"):
            manage("backup")

    def test_a_missing_destination_is_explained(self, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_URL = ""
        with pytest.raises(CommandError, match="BACKUP_URL"):
            call_command("backup")
        with pytest.raises(CommandError, match="BACKUP_URL"):
            call_command("restore")

    def test_the_media_folder_is_refused_as_a_destination(self, manage: Manage, settings: Settings) -> None:
        with pytest.raises(CommandError, match="the media folder, which anyone can read"):
            manage("backup", to=str(Path(settings.MEDIA_ROOT) / "backups"))

    @pytest.mark.parametrize("option", [(), ("--list",)])
    def test_a_folder_without_a_backup_is_refused(
        self, option: tuple[str, ...], manage: Manage, destination: Path
    ) -> None:
        with pytest.raises(CommandError, match=r"no complete backup in .*folder contains README\.txt"):
            manage("restore", *option)

    def test_two_backups_at_once_are_refused(self, manage: Manage) -> None:
        for command in (["backup"], ["restore", "--check"]):
            with work_folder(), pytest.raises(CommandError, match="Another backup or restore is running"):
                manage(*command)
        # No failed backup is recorded.
        assert not BackupRun.objects.exists()

    def test_a_missing_backup_or_key_is_not_recorded_as_a_failed_check(self, manage: Manage, key_file: Path) -> None:
        manage("backup")
        for options, reason in (
            (["--backup=2001-02-03T040506Z"], "There is no backup 2001-02-03T040506Z"),
            ([], "This backup is encrypted. Give the file"),
        ):
            with pytest.raises(CommandError, match=reason):
                manage("restore", "--check", *options)
        assert not BackupRun.objects.filter(kind=RunKind.CHECK).exists()

    def test_a_backup_can_wait_for_another_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        other = ExitStack()
        other.enter_context(work_folder())
        monkeypatch.setattr("operations.backups.work.time.sleep", lambda seconds: other.close())
        with work_folder(patience=60) as folder:
            assert folder.is_dir()

    def test_a_running_site_is_not_replaced(
        self, manage: Manage, site_state: SiteState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite if IS_SQLITE else postgresql, "_ATTEMPTS", 2)
        manage("backup")
        spoil()
        after = site_state()
        server = connection.copy()
        with server.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM blog_entry")
        try:
            with pytest.raises(CommandError, match="The site is running"):
                manage("restore", "--replace")
        finally:
            server.close()
        assert site_state() == after

    def test_a_site_that_has_just_been_stopped_is_replaced(
        self, manage: Manage, site_state: SiteState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The last process of the site ends while the restore waits for it."""
        before = site_state()
        manage("backup")
        spoil()
        server, pause = connection.copy(), time.sleep
        server.ensure_connection()

        def sleep(seconds: float) -> None:
            server.close()
            pause(seconds)

        monkeypatch.setattr((sqlite if IS_SQLITE else postgresql).time, "sleep", sleep)
        manage("restore", "--replace")
        assert server.connection is None
        assert site_state() == before

    def test_a_database_that_cannot_be_opened_is_not_replaced(self, manage: Manage) -> None:
        if not IS_SQLITE:
            pytest.skip("On PostgreSQL, it is not a file.")
        manage("backup")
        connection.close()
        log = Path(f"{connection.settings_dict['NAME']}-wal")
        log.mkdir()
        with pytest.raises(CommandError, match="can't be replaced: unable to open database file"):
            manage("restore", "--replace")
        log.rmdir()

    def test_a_site_that_was_idle_until_now_is_not_replaced(
        self, manage: Manage, site_state: SiteState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A web server without a connection opens one while the tables are being replaced."""
        if IS_SQLITE:
            pytest.skip("There is no moment at which SQLite's file is not locked.")
        manage("backup")
        spoil()
        after = site_state()
        server, describe = connection.copy(), postgresql.describe_tables

        def connect(*args: Any) -> Any:
            server.ensure_connection()
            return describe(*args)

        monkeypatch.setattr(postgresql, "describe_tables", connect)
        try:
            with pytest.raises(CommandError, match="The site is running"):
                manage("restore", "--replace")
        finally:
            server.close()
        rows, files = site_state()
        # The staged files, which are hidden, are used when the restore is repeated.
        assert (rows, {name: file for name, file in files.items() if not name.startswith(".")}) == after

    def test_a_backup_of_a_later_version_is_refused(self, manage: Manage, site_state: SiteState) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT max(id) FROM django_migrations")
            ((last,),) = cursor.fetchall()
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('blog', '9999_future', %s)",
                [timezone.now()],
            )
            try:
                manage("backup")
            finally:
                cursor.execute("DELETE FROM django_migrations WHERE id > %s", [last])
        with pytest.raises(CommandError, match=r"version .* doesn't know \(blog\.9999_future\)"):
            manage("restore", "--replace")

    def test_a_backup_of_another_kind_of_database_is_refused(
        self, manage: Manage, destination: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        manage("backup")
        monkeypatch.setattr(connection, "vendor", "postgresql" if IS_SQLITE else "sqlite")
        with pytest.raises(CommandError, match="This backup is of a site with"):
            manage("restore", "--replace")

    @pytest.mark.skipif(not IS_SQLITE, reason="PostgreSQL reads backups itself.")
    @pytest.mark.parametrize("option", ["--check", "--replace"])
    def test_an_unreadable_database_in_a_backup_is_reported(
        self, manage: Manage, monkeypatch: pytest.MonkeyPatch, site_state: SiteState, option: str
    ) -> None:
        def fail(*args: Any) -> Any:
            raise sqlite3.OperationalError("disk I/O error")

        manage("backup")
        before = site_state()
        monkeypatch.setattr(sqlite, "describe_tables", fail)
        with pytest.raises(CommandError, match="The database can't be used: disk I/O error"):
            manage("restore", option)
        assert site_state() == before

    def test_no_backup_is_made_on_a_nearly_full_disk(self, manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
        if not IS_SQLITE:
            pytest.skip("The database is not copied on this machine.")
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(100, 99, 2**20))
        with pytest.raises(CommandError, match=r"The disk is too full: .* Free some space"):
            manage("backup")


@pytest.mark.usefixtures("content")
class TestInterruptions:
    @pytest.fixture
    def interrupted(self, manage: Manage, site_state: SiteState, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Interrupt a restore that has replaced the database, and return the state of the site that was backed up."""
        before = site_state()
        manage("backup")
        spoil()

        def killed(names: set[str]) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as context:
            context.setattr(restoring, "publish_media", killed)
            with pytest.raises(CommandError, match="Interrupted"):
                manage("restore", "--replace")
        assert restore_marker().exists()
        assert site_state() != before
        return before

    def test_the_web_server_finishes_an_interrupted_restore(self, interrupted: Any, site_state: SiteState) -> None:
        restoring.finish_if_interrupted()
        assert site_state() == interrupted
        assert not restore_marker().exists()

    def test_a_backup_finishes_an_interrupted_restore(
        self, interrupted: Any, manage: Manage, site_state: SiteState
    ) -> None:
        manage("backup")
        assert site_state() == interrupted

    @pytest.mark.parametrize("encrypted", [False, True])
    def test_an_interrupted_backup_leaves_no_files(
        self, manage: Manage, destination: Path, monkeypatch: pytest.MonkeyPatch, request: Any, encrypted: bool
    ) -> None:
        if encrypted:
            request.getfixturevalue("key_file")

        class Interrupting:
            def read(self, size: int = 0, /) -> bytes:
                raise KeyboardInterrupt

        monkeypatch.setattr(creating, "compressed", lambda source: Interrupting())
        with pytest.raises(CommandError, match=r"Interrupted\. There is no new backup"):
            manage("backup")
        assert [path for path in destination.rglob("*") if path.is_file()] == []

    def test_leftovers_of_killed_backups_are_removed(self, manage: Manage, destination: Path) -> None:
        """Each attempt removes the leftovers of the previous one, even if it fails itself."""
        left = destination / "backups" / "2020-01-02T030405Z" / "database.sqlite3.zst"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"x")
        (left.parent / "notes-of-the-owner.txt").touch()
        with pytest.MonkeyPatch.context() as context:
            context.setattr(creating, "settings_file", lambda environment: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                manage("backup")
        kept = [path.name for path in (destination / "backups").rglob("*") if path.is_file()]
        assert kept == ["notes-of-the-owner.txt"]

    def test_empty_folders_of_killed_backups_are_removed(self, manage: Manage, destination: Path) -> None:
        left = destination / "backups" / "2020-01-02T030405Z"
        left.mkdir(parents=True)
        manage("backup")
        assert not left.exists()

    @pytest.mark.skipif(not IS_SQLITE, reason="PostgreSQL has no file to replace.")
    def test_a_failed_restore_leaves_no_copy_of_the_database(
        self, manage: Manage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        manage("backup")
        monkeypatch.setattr(restoring, "_write_marker", fail)
        with pytest.raises(CommandError, match="The disk is full"):
            manage("restore", "--replace")
        assert list(Path(connection.settings_dict["NAME"]).parent.glob("*.restored")) == []

    @pytest.mark.parametrize("encrypted", [False, True])
    def test_a_backup_to_a_full_disk_leaves_no_files(
        self, manage: Manage, small_disk: Path, settings: Settings, request: Any, encrypted: bool
    ) -> None:
        if encrypted:
            request.getfixturevalue("key_file")
        noise = SimpleUploadedFile("noise.pdf", PDF + os.urandom(2**21))
        default_storage.save(str(Document.objects.get().file.name) + ".pdf", noise)
        Document.objects.update(file=str(Document.objects.get().file.name) + ".pdf")
        with pytest.raises(CommandError, match=r"The disk is full\. .* Free some space, then run this again"):
            manage("backup", to=str(small_disk))
        assert [path for path in small_disk.rglob("*") if path.is_file()] == []
        assert "The disk is full" in BackupRun.objects.get().error
        Document.objects.all().delete()
        manage("backup", to=str(small_disk))

    def test_a_file_that_does_not_fit_is_deleted_at_once(self, small_disk: Path) -> None:
        def fill() -> None:
            with stores.FolderStore(small_disk).writing("file") as file:
                while True:
                    file.write(bytes(1000))

        # An error that is kept, for example to be reported, keeps everything that was open.
        with pytest.raises(OSError, match="No space") as raised:
            fill()
        assert raised.value.errno == errno.ENOSPC
        assert [path for path in small_disk.rglob("*") if path.is_file()] == []
