"""Exporting in the admin: starting, watching and downloading an export, and everything that can go wrong."""

import datetime as dt
import io
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from lxml import etree
from pytest_django import Settings

from accounts.models import AuditRecord, User
from core.progress_callback import ProgressCallback
from media.pictures import store_picture
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.files import picture_file
from tests.factories.types import Work
from wordpress.admin.export_jobs import may_export
from wordpress.downloads import formats, jobs
from wordpress.downloads.formats import FORMATS
from wordpress.exporting.generators import GENERATORS
from wordpress.models import ExportJob, ExportState
from wordpress.uploads import lifecycle
from wordpress.uploads.folder import JobFolder

pytestmark = pytest.mark.django_db

PAGE = "/admin/wordpress/exportjob/"


@pytest.fixture
def owner() -> User:
    user: User = UserFactory(is_staff=True, is_superuser=True, display_name="Olga Owner")
    return user


@pytest.fixture
def client(owner: User) -> Client:
    return client_of(owner)


def start(client: Client, format_name: str = "wordpress") -> ExportJob:
    client.post(PAGE, {"format": format_name})
    return ExportJob.objects.latest("started_at")


def url(job: ExportJob, action: str) -> str:
    return f"{PAGE}{job.pk}/{action}/"


def page(client: Client) -> str:
    return " ".join(client.get(PAGE).content.decode().split())


def downloaded(client: Client, job: ExportJob) -> bytes:
    response: Any = client.get(url(job, "download"))
    assert response.status_code == 200
    content: bytes = response.getvalue()
    return content


class TestPermissions:
    @pytest.mark.parametrize(
        ("role", "status"), [("anonymous", 302), ("staff", 403), ("Author", 403), ("Editor", 403), ("Moderator", 403)]
    )
    def test_only_owners_export(self, client: Client, work: Work, role: str, status: int) -> None:
        job = start(client)
        work()
        other = client_of(user_in_role(role))
        for path in (PAGE, url(job, "progress"), url(job, "download")):
            assert other.get(path).status_code == status
        for path in (PAGE, url(job, "cancel"), url(job, "remove")):
            assert other.post(path, {"format": "wordpress"}).status_code == status
        assert ExportJob.objects.get().state == ExportState.DONE

    def test_staff_with_the_permission_have_access(self) -> None:
        user = UserFactory(is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="export_site"))
        assert client_of(user).get(PAGE).status_code == 200
        assert not may_export(UserFactory(is_superuser=True))


class TestExporting:
    def test_an_export_for_wordpress_can_be_downloaded(self, client: Client, work: Work) -> None:
        PostFactory(title="First words"), PageFactory()
        job = start(client)
        assert "Waiting for the worker…" in page(client)
        assert 'name="format"' not in page(client)
        work()
        shown = page(client)
        assert "2 items" in shown
        assert "does not contain accounts" in shown
        response: Any = client.get(url(job, "download"))
        assert response["Content-Type"] == "application/xml"
        assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))
        assert f'filename="broadside-wordpress-{job.started_at:%Y-%m-%d}.xml"' in response["Content-Disposition"]
        assert [title.text for title in etree.fromstring(response.getvalue()).iter("title")][1] == "First words"

    @pytest.mark.parametrize("name", GENERATORS)
    def test_an_export_in_markdown_can_be_downloaded(self, client: Client, work: Work, owner: User, name: str) -> None:
        PostFactory(source="*One* word."), store_picture(picture_file(), by=owner)
        job = start(client, name)
        work()
        archive = zipfile.ZipFile(io.BytesIO(downloaded(client, job)))
        texts = [archive.read(each).decode() for each in archive.namelist() if each.endswith((".md", ".markdown"))]
        assert any("*One* word." in text for text in texts)
        assert any(each.endswith(".png") for each in archive.namelist())
        assert [path.name for path in JobFolder(job.pk).path.iterdir() if path.is_dir()] == []

    def test_actions_are_recorded_in_the_audit_log(self, client: Client, work: Work) -> None:
        job = start(client)
        work()
        downloaded(client, job)
        client.post(url(job, "remove"))
        records = AuditRecord.objects.filter(kind="wordpress.exportjob", object_id=str(job.pk)).order_by("pk")
        assert [record.action for record in records] == ["exported", "downloaded", "deleted"]

    def test_other_users_of_the_machine_cannot_read_the_files(self, client: Client, work: Work) -> None:
        for name in ("wordpress", "hugo"):
            job = start(client, name)
            work()
            assert stat.S_IMODE(jobs.file_of(job).parent.stat().st_mode) == 0o700

    def test_an_unknown_format_is_a_form_error(self, client: Client) -> None:
        response = client.post(PAGE, {"format": "nonsense"})
        assert response.context["form"].errors
        assert not ExportJob.objects.exists()


class TestOneAtATime:
    def test_a_second_export_cannot_start_while_one_is_active(self, client: Client, work: Work) -> None:
        start(client)
        response = client.post(PAGE, {"format": "hugo"}, follow=True)
        assert "Another export is in progress." in response.content.decode()
        assert ExportJob.objects.count() == 1
        work()
        start(client, "hugo")
        assert ExportJob.objects.count() == 2

    def test_a_job_whose_worker_died_does_not_block_new_ones(self, client: Client, work: Work) -> None:
        job = start(client)
        ExportJob.objects.update(state=ExportState.RUNNING)
        assert "The worker stopped unexpectedly." in page(client)
        start(client)
        work()
        states = dict(ExportJob.objects.values_list("pk", "state"))
        assert states.pop(job.pk) == ExportState.INTERRUPTED
        assert list(states.values()) == [ExportState.DONE]

    def test_leftovers_of_a_killed_worker_are_removed(self, client: Client, work: Work) -> None:
        job = start(client, "hugo")
        ExportJob.objects.update(state=ExportState.RUNNING)
        left = JobFolder(job.pk).path / "tmpkilled"
        left.mkdir()
        (left / "post.md").touch()
        work()
        assert ExportJob.objects.get().state == ExportState.DONE
        assert not left.exists()

    def test_the_page_says_if_no_worker_is_running(self, client: Client) -> None:
        start(client)
        ExportJob.objects.update(state_since=timezone.now() - 2 * lifecycle.WORKER_TIMEOUT)
        assert "No worker seems to be running" in page(client)


class TestCancelling:
    def test_a_waiting_export_can_be_cancelled(self, client: Client, work: Work) -> None:
        job = start(client)
        client.post(url(job, "cancel"))
        work()
        assert ExportJob.objects.get().state == ExportState.INTERRUPTED
        assert client.get(url(job, "download")).status_code == 404

    def test_a_running_export_can_be_cancelled(
        self, client: Client, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        PostFactory.create_batch(3)
        job = start(client)

        def cancel_first(path: Path, progress: ProgressCallback, warn: formats.Warn) -> int:
            client.post(url(job, "cancel"))
            assert "Cancelling…" in page(client)
            return FORMATS["hugo"].write(path, progress, warn)

        changed = formats.ExportFormat("x", "xml", "application/xml", cancel_first)
        monkeypatch.setattr(jobs, "FORMATS", {**FORMATS, "wordpress": changed})
        work()
        job.refresh_from_db()
        assert (job.state, job.error) == (ExportState.INTERRUPTED, "The export was cancelled.")
        assert not jobs.file_of(job).exists()
        assert [path for path in JobFolder(job.pk).path.iterdir() if path.is_dir()] == []


class TestFailing:
    def test_a_full_disk_is_reported(self, client: Client, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(path: Path, progress: ProgressCallback, warn: formats.Warn) -> int:
            raise OSError(28, "No space left on device")

        broken = formats.ExportFormat("x", "xml", "application/xml", fail)
        monkeypatch.setattr(jobs, "FORMATS", {**FORMATS, "wordpress": broken})
        start(client)
        work()
        assert "The export could not be written: No space left on device" in page(client)


class TestDeleting:
    def test_the_file_is_deleted_after_some_days(self, client: Client, work: Work, settings: Settings) -> None:
        settings.BROADSIDE_EXPORT_KEEP_DAYS = 2
        job = start(client)
        work()
        path = jobs.file_of(job)
        ExportJob.objects.update(state_since=timezone.now() - dt.timedelta(days=2, minutes=1))
        assert client.get(url(job, "download")).status_code == 404
        jobs.delete_old_exports.call()
        assert not path.exists()
        assert ExportJob.objects.get().state == ExportState.EXPIRED
        assert "Download" not in page(client)

    def test_a_worker_with_another_data_folder_is_explained(
        self, client: Client, work: Work, settings: Settings, tmp_path: Path
    ) -> None:
        start(client)
        work()
        assert "The file isn't here." not in page(client)
        settings.BROADSIDE_IMPORTS_DIR = tmp_path
        assert "The file isn't here." in page(client)
        assert ">Download" not in page(client)

    def test_the_owner_can_delete_it_earlier(self, client: Client, work: Work) -> None:
        job = start(client)
        client.post(url(job, "remove"))
        assert ExportJob.objects.exists()
        work()
        path = jobs.file_of(job)
        assert "Export deleted." in client.post(url(job, "remove"), follow=True).content.decode()
        assert not path.exists()
        assert not ExportJob.objects.exists()

    def test_deleting_abandoned_uploads_keeps_exports(self, client: Client, work: Work) -> None:
        job = start(client)
        work()
        lifecycle.delete_abandoned_uploads()
        assert downloaded(client, job)
