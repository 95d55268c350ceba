"""Importing in the admin: upload, preview, import, report, and everything that can go wrong."""

import datetime as dt
import gzip
import io
import json
import re
import stat
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.actions import Action
from accounts.models import AuditRecord, User
from blog.models import Post
from media.models import Picture
from tests.factories import UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.files import write_files
from tests.factories.import_jobs import LIST_URL, UPLOAD_URL, export_file, job_url, start, upload
from tests.factories.types import Uploaded, Work
from tests.factories.wxr import attachment, author, export, item
from wordpress.admin.import_jobs import may_import
from wordpress.importing import pipeline
from wordpress.importing.media_source import MediaFolder
from wordpress.models import ImportJob, ImportRun, JobState, JobStep
from wordpress.uploads import lifecycle, tasks
from wordpress.uploads.folder import JobFolder, StageProgress

pytestmark = pytest.mark.django_db

FILES = [f"2014/03/{name}.png" for name in "abc"]


@pytest.fixture
def owner() -> User:
    user: User = UserFactory(is_staff=True, is_superuser=True, display_name="Olga Owner")
    return user


@pytest.fixture
def owner_client(owner: User) -> Client:
    return client_of(owner)


def zipped(*members: tuple[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def job_page(client: Client, job: ImportJob) -> str:
    response = client.get(job.get_absolute_url())
    assert response.status_code == 200
    return response.content.decode()


def downloaded_report(client: Client, job: ImportJob) -> Any:
    response: Any = client.get(job_url(job, "report.json"))
    assert response["Content-Disposition"].startswith("attachment")
    # Reading the response to the end closes the file.
    return json.loads(response.getvalue())


class TestPermissions:
    """Only owners, and staff with the permission, may import."""

    ROLES = [("anonymous", 302), ("staff", 403), ("Author", 403), ("Editor", 403), ("Moderator", 403)]

    @pytest.mark.parametrize(("role", "status"), ROLES)
    def test_roles_have_no_access(self, role: str, status: int, owner_client: Client) -> None:
        upload(owner_client)
        job = ImportJob.objects.get()
        client = client_of(user_in_role(role))
        for path in (LIST_URL, UPLOAD_URL, *(job_url(job, name) for name in ("change/", "delete/", "progress/"))):
            assert client.get(path).status_code == status
        assert client.get(job_url(job, "report.json")).status_code == status
        for action in ("start/", "undo/", "cancel/", "delete/"):
            assert client.post(job_url(job, action), {"step": "import", "post": "yes"}).status_code == status
        assert upload(client).status_code == status
        assert list(ImportJob.objects.values_list("pk", "state")) == [(job.pk, JobState.WAITING)]
        assert not JobFolder(job.pk).is_cancel_requested()

    def test_the_owner_has_access(self, owner_client: Client, uploaded: Uploaded) -> None:
        job = uploaded(owner_client)
        for path in (
            "/admin/",
            LIST_URL,
            UPLOAD_URL,
            *(job_url(job, name) for name in ("change/", "delete/", "progress/")),
        ):
            assert owner_client.get(path).status_code == 200

    def test_staff_with_the_permission_have_access(self, uploaded: Uploaded, work: Work) -> None:
        user = UserFactory(is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="import_wordpress"))
        client = client_of(user)
        job = uploaded(client)
        start(client, job, "import")
        work()
        assert Post.objects.count() == 1

    def test_users_who_are_not_staff_have_no_access(self) -> None:
        assert not may_import(UserFactory(is_superuser=True))

    def test_upload_without_csrf_token_is_rejected(self, owner: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner)
        assert upload(client).status_code == 403
        assert not ImportJob.objects.exists()


class TestSteps:
    @pytest.mark.parametrize("name", ["文" * 100 + ".xml", "𠀀" * 90 + ".xml"])
    def test_names_may_be_longer_than_the_file_system_allows(
        self, owner_client: Client, uploaded: Uploaded, name: str
    ) -> None:
        job = uploaded(owner_client, export_file(name=name))
        assert (job.state, job.file_names) == (JobState.READY, [name])
        assert JobFolder(job.pk).files()[0].suffix == ".xml"

    def test_names_in_archives_may_be_longer_too(self, owner_client: Client, uploaded: Uploaded) -> None:
        archive = zipped(("文" * 100 + ".xml", export(item(7))), ("文" * 99 + ".xml", export(item(8))))
        job = uploaded(owner_client, export_file(archive, "blog.zip"))
        assert (job.state, job.contents["items"]) == (JobState.READY, {"post": 2})

    def test_starting_twice_at_once_is_recorded_once(
        self, owner_client: Client, uploaded: Uploaded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = uploaded(owner_client)
        monkeypatch.setattr(lifecycle, "can_start", lambda job: True)
        for _request in range(2):
            start(owner_client, job, "import")
        assert AuditRecord.objects.filter(action=Action.IMPORTED).count() == 1

    def test_upload_reads_the_files_and_changes_nothing(self, owner_client: Client, uploaded: Uploaded) -> None:
        job = uploaded(owner_client)
        assert (job.state, job.step, job.file_names) == (JobState.READY, JobStep.READ, ["blog.xml"])
        assert job.contents["items"] == {"post": 1, "attachment": 1}
        assert job.contents["authors"] == [["anna", "Anna A."]]
        assert not Post.objects.exists()
        assert "Preview import" in job_page(owner_client, job)

    def test_an_import_follows_a_preview_that_changes_nothing(
        self, owner_client: Client, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "preview")
        work()
        job.refresh_from_db()
        assert (job.state, job.report["counts"]["post"]["imported"]) == (JobState.READY, 1)
        assert not Post.objects.exists()
        assert "This was a preview; nothing was changed." in job_page(owner_client, job)

        start(owner_client, job, "import")
        work()
        job.refresh_from_db()
        assert job.state == JobState.DONE
        assert Post.objects.get().pk == 7
        content = job_page(owner_client, job)
        assert "The import did the following:" in content
        assert "1 × file: The export does not contain the file itself" in content
        assert "A (8)" in content

    def test_warnings_come_before_everything_else(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = uploaded(owner_client, export_file(export(item(7, post_date="", post_date_gmt=""))))
        warning = "Readers will not see 1 of the 1 posts and pages that were public on the old site."
        content = job_page(owner_client, job)
        assert content.index(warning) < content.index("Contents of the files")
        for step, text in (("preview", "This was a preview"), ("import", "The import did the following:")):
            start(owner_client, job, step)
            work()
            content = job_page(owner_client, job)
            assert content.index(warning) < content.index(text)

    def test_report_can_be_downloaded(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = uploaded(owner_client)
        assert owner_client.get(job_url(job, "report.json")).status_code == 404
        start(owner_client, job, "import")
        work()
        report = downloaded_report(owner_client, job)
        assert report["counts"]["file"]["skipped"] == 1
        assert [remark["id"] for remark in report["skipped"]] == [8]
        assert report["files"] == ["blog.xml"]

    def test_second_import_changes_nothing_and_says_so(self, owner_client: Client, work: Work) -> None:
        for _attempt in range(2):
            upload(owner_client)
            work()
            job = ImportJob.objects.latest("uploaded_at")
            start(owner_client, job, "import")
            work()
        assert "Everything had already been imported" in job_page(owner_client, job)

    def test_several_files_are_imported_together(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = uploaded(owner_client, export_file(export(item(7)), "a.xml"), export_file(export(item(8)), "b.xml"))
        start(owner_client, job, "import")
        work()
        assert set(Post.objects.values_list("pk", flat=True)) == {7, 8}

    def test_list_shows_names_and_states(
        self, owner_client: Client, django_assert_num_queries: DjangoAssertNumQueries, uploaded: Uploaded
    ) -> None:
        uploaded(owner_client)
        for number in range(5):
            ImportJob.objects.create(file_names=[f"{number}.xml"], state=JobState.DONE, started_by=UserFactory())
        with django_assert_num_queries(7):
            content = owner_client.get(LIST_URL).content.decode()
        assert "blog.xml" in content
        assert "Ready to preview" in content

    def test_page_takes_a_fixed_number_of_queries(
        self, owner_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, uploaded: Uploaded
    ) -> None:
        authors = [author(f"login{number}", id=number) for number in range(1, 30)]
        UserFactory.create_batch(10)
        job = uploaded(
            owner_client, export_file(export(*(item(n, creator=f"login{n}") for n in range(1, 30)), authors=authors))
        )
        with django_assert_max_num_queries(7):
            job_page(owner_client, job)


class TestMedia:
    """Files are downloaded from the old site if the owner chooses so."""

    @pytest.fixture(autouse=True)
    def old_site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = MediaFolder(write_files(tmp_path / "files", *FILES))
        monkeypatch.setattr(pipeline, "MediaDownload", lambda hosts, **options: folder)

    @pytest.fixture
    def job(self, owner_client: Client, uploaded: Uploaded) -> ImportJob:
        return uploaded(
            owner_client, export_file(export(item(7), *(attachment(30 + n, path) for n, path in enumerate(FILES))))
        )

    @pytest.mark.parametrize(("options", "count"), [({"fetch_media": "on"}, 3), ({}, 0)])
    def test_files_are_downloaded_only_if_chosen(
        self, options: dict[str, str], count: int, job: ImportJob, owner_client: Client, work: Work
    ) -> None:
        assert "Download pictures, documents, audio and video from the old site" in job_page(owner_client, job)
        start(owner_client, job, "import", **options)
        work()
        job.refresh_from_db()
        assert (job.state, Picture.objects.count()) == (JobState.DONE, count)

    def test_preview_downloads_nothing_and_remembers_the_choice(
        self, job: ImportJob, owner_client: Client, work: Work
    ) -> None:
        start(owner_client, job, "preview", fetch_media="on")
        work()
        assert not Picture.objects.exists()
        assert re.search(r'<input[^>]* name="fetch_media"[^>]* checked', job_page(owner_client, job))

    def test_export_without_attachments_offers_the_download_too(self, owner_client: Client, uploaded: Uploaded) -> None:
        """The texts of the export can refer to files."""
        assert "fetch_media" in job_page(owner_client, uploaded(owner_client, export_file(export(item(7)))))

    def test_cancelling_keeps_downloaded_files_and_the_rest_can_follow(
        self, job: ImportJob, owner_client: Client, monkeypatch: pytest.MonkeyPatch, work: Work
    ) -> None:
        def is_downloading(folder: JobFolder) -> bool:
            progress = folder.read_progress()
            return progress is not None and progress.stage == "files"

        start(owner_client, job, "import", fetch_media="on")
        with monkeypatch.context() as patch:
            patch.setattr(JobFolder, "is_cancel_requested", is_downloading)
            patch.setattr("wordpress.uploads.folder._UPDATE_INTERVAL", 0)
            work()
        job.refresh_from_db()
        assert (job.state, Post.objects.count(), Picture.objects.count()) == (JobState.INTERRUPTED, 1, 2)
        assert "What has been imported so far stays" in job_page(owner_client, job)

        start(owner_client, job, "import", fetch_media="on")
        work()
        job.refresh_from_db()
        assert (job.state, Post.objects.count(), Picture.objects.count()) == (JobState.DONE, 1, 3)


class TestAuthors:
    def test_author_can_be_mapped_to_an_account(
        self, owner_client: Client, owner: User, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client)
        assert "Anna A. (anna)" in job_page(owner_client, job)
        start(owner_client, job, "import", author_0=owner.username)
        work()
        assert Post.objects.get().author == owner
        assert not User.objects.filter(username="anna").exists()

    def test_unmapped_author_gets_a_new_account(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "import")
        work()
        assert Post.objects.get().author.username == "anna"
        assert not Post.objects.get().author.has_usable_password()

    def test_preview_remembers_the_choice(
        self, owner_client: Client, owner: User, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "preview", author_0=owner.username)
        work()
        assert f'<option value="{owner.username}" selected>' in job_page(owner_client, job)

    def test_unknown_account_is_rejected(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = uploaded(owner_client)
        response = owner_client.post(job_url(job, "start/"), {"step": "import", "author_0": "stranger"})
        assert "Select a valid choice" in response.content.decode()
        work()
        assert ImportJob.objects.get().state == JobState.READY

    def test_deleting_the_chosen_account_interrupts_the_import(
        self, owner_client: Client, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client)
        other = UserFactory(username="other")
        start(owner_client, job, "import", author_0="other")
        other.delete()
        work()
        job.refresh_from_db()
        assert job.state == JobState.INTERRUPTED
        assert "There is no user “other” here." in job_page(owner_client, job)
        start(owner_client, job, "import")
        work()
        assert Post.objects.exists()


class TestInvalidFiles:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"MZ\x90\x00 not XML", "This is not XML."),
            (b"<!DOCTYPE rss [<!ENTITY a 'b'>]><rss/>", "document type"),
            (b"<rss><channel></channel></rss>", "plain feed"),
            (export(item(7))[:-30].encode(), "the XML is broken"),
            (b"PK\x03\x04 no archive", "be unpacked ("),
            (b"\x1f\x8b\x08\x00broken", "be unpacked ("),
            (zipped(("readme.txt", "hello")), "there is no XML file"),
            (zipped(("a.zip", zipped(("b.zip", zipped(("blog.xml", export(item(7)))))))), "there is no XML file"),
            (zipped(("a.zip", b"PK\x03\x04 no archive")), "be unpacked ("),
            (zipped(("inner.xml", zipped(("blog.xml", export())))), "This is an archive"),
            (gzip.compress(b"x" * 100, mtime=0), "This is not XML."),
        ],
        ids=(
            "program",
            "document type",
            "feed",
            "truncated",
            "zip",
            "gzip",
            "no xml",
            "two levels",
            "inner zip",
            "nested",
            "gzipped",
        ),
    )
    def test_invalid_file_is_rejected_with_the_reason_and_deleted(
        self, owner_client: Client, content: bytes, reason: str, uploaded: Uploaded
    ) -> None:
        job = uploaded(owner_client, export_file(content))
        assert job.state == JobState.REJECTED
        html = job_page(owner_client, job)
        assert reason in html
        assert "Nothing was imported." in html
        assert str(JobFolder(job.pk).path) not in html
        assert not JobFolder(job.pk).files()

    def test_archives_in_an_archive_are_unpacked(self, owner_client: Client, uploaded: Uploaded) -> None:
        # The parts have the same name in different folders, and so do the exports in them.
        parts = [(f"{number}/part.zip", zipped(("blog.xml", export(item(number))))) for number in (7, 8)]
        job = uploaded(owner_client, export_file(zipped(*parts), "all.zip"))
        assert job.state == JobState.READY
        assert job.contents["items"] == {"post": 2}

    def test_zip_bomb_is_rejected(self, owner_client: Client, settings: Settings, uploaded: Uploaded) -> None:
        settings.BROADSIDE_IMPORT_MAX_BYTES = 10_000_000
        bomb = zipped(("bomb.xml", b"<rss>" + b" " * 30_000_000))
        assert len(bomb) < 100_000
        job = uploaded(owner_client, export_file(bomb, "bomb.zip"))
        assert job.state == JobState.REJECTED
        assert "bomb.zip: the unpacked files are larger than" in job.error.replace("\xa0", " ")

    def test_zip_bomb_of_many_small_files_is_rejected(
        self, owner_client: Client, settings: Settings, uploaded: Uploaded
    ) -> None:
        settings.BROADSIDE_IMPORT_MAX_BYTES = 10_000_000
        bomb = zipped(*((f"{number}.xml", b"<rss>" + b" " * 3_000_000) for number in range(5)))
        assert uploaded(owner_client, export_file(bomb, "bomb.zip")).state == JobState.REJECTED

    def test_names_in_an_archive_are_not_used_as_paths(
        self, owner_client: Client, settings: Settings, uploaded: Uploaded
    ) -> None:
        root = Path(settings.BROADSIDE_IMPORTS_DIR)
        names = ["../../evil.xml", "/tmp/evil.xml", "a/../../evil.xml", "C:\\evil.xml"]  # noqa: S108  # a file name, not a path
        packed = zipped(*((name, export(item(number))) for number, name in enumerate(names, 1)))
        job = uploaded(owner_client, export_file(packed, "..\\..\\up.zip"))
        assert job.state == JobState.READY
        assert job.contents["items"] == {"post": len(names)}
        assert [path.name for path in root.iterdir()] == [str(job.pk)]
        assert not list(root.parent.glob("evil*"))

    @pytest.mark.parametrize("name", ["../../evil.xml", "a/b.xml", ".xml", "ж" * 250 + ".xml", "a\nb.xml", "<b>.xml"])
    def test_names_of_uploads_are_made_safe(self, owner_client: Client, name: str, uploaded: Uploaded) -> None:
        job = uploaded(owner_client, export_file(name=name))
        assert job.state == JobState.READY
        assert JobFolder(job.pk).files()[0].parent.parent.parent == JobFolder(job.pk).path
        assert "<b>" not in job_page(owner_client, job)

    def test_upload_that_is_too_large_is_rejected_unread(self, owner_client: Client, settings: Settings) -> None:
        settings.BROADSIDE_IMPORT_MAX_BYTES = 1000
        response = upload(owner_client, export_file("<rss>" + " " * 2000))
        assert response.status_code == 413
        assert "IMPORT_MAX_MB" in response.content.decode()
        assert not ImportJob.objects.exists()

    @pytest.mark.parametrize(("size", "expected"), [("9" * 5000, 413), ("much", 200), ("-1", 400), ("", 200)])
    def test_upload_with_any_announced_size_is_answered(self, owner_client: Client, size: str, expected: int) -> None:
        response = owner_client.post(UPLOAD_URL, {"key": str(uuid.uuid4())}, CONTENT_LENGTH=size)
        assert response.status_code == expected
        assert not ImportJob.objects.exists()

    @pytest.mark.parametrize("files", [[], [SimpleUploadedFile("a.xml", b"")]])
    def test_upload_without_content_is_rejected(self, owner_client: Client, files: list[SimpleUploadedFile]) -> None:
        response = owner_client.post(UPLOAD_URL, {"key": str(uuid.uuid4()), "exports": files})
        assert response.context["form"].errors["exports"]
        assert not ImportJob.objects.exists()


class TestPrivacy:
    def test_other_users_of_the_machine_cannot_read_uploads(self, owner_client: Client, settings: Settings) -> None:
        upload(owner_client, export_file(), export_file("x" * 3_000_000, "large.xml"))
        folder = JobFolder(ImportJob.objects.get().pk)
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
        assert [stat.S_IMODE(path.stat().st_mode) for path in folder.files()] == [0o600, 0o600]
        assert not folder.path.is_relative_to(settings.MEDIA_ROOT)

    def test_uploads_are_deleted_after_the_import(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "import")
        work()
        assert not JobFolder(job.pk).files()

    def test_files_unpacked_by_a_killed_worker_are_deleted(
        self, owner_client: Client, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "import")
        left = JobFolder(job.pk).path / "unpacked-killed"
        (left / "1").mkdir(parents=True)
        (left / "1" / "export.xml").write_text("private")
        work()
        assert [path.name for path in JobFolder(job.pk).path.iterdir() if path.name.startswith("unpacked")] == []

    def test_uploads_are_deleted_with_the_job(self, owner_client: Client, uploaded: Uploaded) -> None:
        job = uploaded(owner_client)
        owner_client.post(job_url(job, "delete/"), {"post": "yes"})
        assert not ImportJob.objects.exists()
        assert not JobFolder(job.pk).path.exists()

    def test_abandoned_uploads_are_deleted_by_a_task(
        self, owner_client: Client, settings: Settings, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "preview")
        work()
        long_ago = timezone.now() - dt.timedelta(days=settings.BROADSIDE_IMPORT_KEEP_DAYS, minutes=1)
        ImportJob.objects.update(state_since=long_ago)
        tasks.clean_up.enqueue()
        work()
        job.refresh_from_db()
        assert (job.state, JobFolder(job.pk).files()) == (JobState.INTERRUPTED, [])
        assert "The uploaded files were deleted" in job_page(owner_client, job)
        assert downloaded_report(owner_client, job)["dry_run"]

    def test_recent_uploads_are_kept(self, owner_client: Client, uploaded: Uploaded) -> None:
        job = uploaded(owner_client)
        lifecycle.delete_abandoned_uploads()
        assert JobFolder(job.pk).files()


class TestOneAtATime:
    def test_form_sent_twice_creates_one_job(self, owner_client: Client) -> None:
        key = uuid.uuid4()
        responses = [upload(owner_client, key=key), upload(owner_client, key=key)]
        assert len({response["Location"] for response in responses}) == 1
        assert ImportJob.objects.count() == 1

    def test_button_pressed_twice_starts_one_step(self, owner_client: Client, uploaded: Uploaded) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "import")
        start(owner_client, job, "preview")
        assert ImportJob.objects.get().step == JobStep.IMPORT
        assert DBTaskResult.objects.ready().filter(task_path="wordpress.uploads.tasks.run_job").count() == 1

    def test_second_upload_leads_to_the_active_job(self, owner_client: Client) -> None:
        first = upload(owner_client)
        second = upload(client_of(user_in_role("superuser")))
        assert second["Location"] == first["Location"]
        assert ImportJob.objects.count() == 1

    def test_second_job_cannot_start_while_one_is_active(
        self, owner_client: Client, uploaded: Uploaded, work: Work
    ) -> None:
        first = uploaded(owner_client)
        upload(owner_client, export_file(export(item(9)), "other.xml"))
        work()
        other = ImportJob.objects.exclude(pk=first.pk).get()
        start(owner_client, first, "import")
        second = client_of(user_in_role("superuser"))
        response = second.post(job_url(other, "start/"), {"step": "import"}, follow=True)
        assert response.redirect_chain[-1][0] == first.get_absolute_url()
        assert "Another import is in progress" in response.content.decode()
        assert set(ImportJob.objects.values_list("pk", "state")) == {
            (first.pk, JobState.WAITING),
            (other.pk, JobState.READY),
        }

    def test_database_allows_only_one_active_job(self) -> None:
        ImportJob.objects.create(state=JobState.RUNNING)
        with pytest.raises(Exception, match="one_active_import_job"):
            ImportJob.objects.create(state=JobState.WAITING)

    def test_task_enqueued_twice_runs_the_step_once(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "import")
        tasks.run_job.enqueue(str(job.pk))
        work()
        assert ImportJob.objects.get().state == JobState.DONE
        tasks.run_job.enqueue(str(uuid.uuid4()))
        work()
        assert not DBTaskResult.objects.failed().exists()

    def test_active_job_cannot_be_deleted(self, owner_client: Client) -> None:
        upload(owner_client)
        job = ImportJob.objects.get()
        owner_client.post(job_url(job, "delete/"), {"post": "yes"})
        owner_client.post(LIST_URL, {"action": "delete_selected", "_selected_action": str(job.pk), "post": "yes"})
        assert ImportJob.objects.exists()


class TestCancelling:
    def test_waiting_job_can_be_cancelled_and_started_again(self, owner_client: Client, work: Work) -> None:
        upload(owner_client)
        job = ImportJob.objects.get()
        owner_client.post(job_url(job, "cancel/"))
        work()
        job.refresh_from_db()
        assert (job.state, job.contents) == (JobState.INTERRUPTED, {})
        start(owner_client, job, "read")
        work()
        job.refresh_from_db()
        assert job.state == JobState.READY

    def test_import_cancelled_while_reading_changes_nothing(
        self, owner_client: Client, monkeypatch: pytest.MonkeyPatch, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "import")
        write_progress = JobFolder.write_progress

        def cancel_while_reading(folder: JobFolder, progress: StageProgress) -> None:
            write_progress(folder, progress)
            if progress.stage == "reading":
                assert "Cancel" in job_page(owner_client, job)
                owner_client.post(job_url(job, "cancel/"))
                assert "Cancelling" in job_page(owner_client, job)

        monkeypatch.setattr(JobFolder, "write_progress", cancel_while_reading)
        work()
        job.refresh_from_db()
        assert (job.state, job.error) == (JobState.INTERRUPTED, "The import was cancelled. Nothing was changed.")
        assert not Post.objects.exists()
        assert not User.objects.filter(username="anna").exists()
        monkeypatch.undo()
        start(owner_client, job, "import")
        work()
        assert Post.objects.exists()

    def test_import_cancelled_while_writing_keeps_what_it_has_stored(
        self, owner_client: Client, monkeypatch: pytest.MonkeyPatch, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client, export_file(export(item(7), item(8))))
        start(owner_client, job, "import")
        with monkeypatch.context() as patch:
            patch.setattr(JobFolder, "is_cancel_requested", lambda folder: Post.objects.exists())
            patch.setattr("wordpress.uploads.folder._UPDATE_INTERVAL", 0)
            patch.setattr("wordpress.importing.batches.MAX_ENTRIES", 1)
            work()
        job.refresh_from_db()
        assert (job.state, Post.objects.count()) == (JobState.INTERRUPTED, 1)
        assert "What has been imported so far stays:" in job.error
        assert job.report["run"] == ImportRun.objects.get().pk
        start(owner_client, job, "import")
        work()
        assert Post.objects.count() == 2

    def test_cancelling_a_finished_job_changes_nothing(
        self, owner_client: Client, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "import")
        work()
        owner_client.post(job_url(job, "cancel/"))
        assert ImportJob.objects.get().state == JobState.DONE
        assert not JobFolder(job.pk).files()

    def test_actions_require_post(self, owner_client: Client) -> None:
        upload(owner_client)
        assert owner_client.get(job_url(ImportJob.objects.get(), "cancel/")).status_code == 405
        assert owner_client.get(job_url(ImportJob.objects.get(), "start/")).status_code == 405
        assert owner_client.get(job_url(ImportJob.objects.get(), "undo/")).status_code == 405


class TestUndoing:
    def imported(self, client: Client, uploaded: Uploaded, work: Work) -> ImportJob:
        job = uploaded(client, export_file(export(item(7), item(8))))
        start(client, job, "import")
        work()
        return job

    def undo(self, client: Client, job: ImportJob, work: Work) -> ImportJob:
        client.post(job_url(job, "undo/"))
        work()
        job.refresh_from_db()
        return job

    def test_removes_what_the_import_added(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = self.imported(owner_client, uploaded, work)
        assert "Undo this import" in job_page(owner_client, job)
        assert self.undo(owner_client, job, work).state == JobState.UNDONE
        assert not Post.objects.exists()
        assert job.report["removed"]["post"] == 2
        page = job_page(owner_client, job)
        assert "Import undone" in page
        assert "Undo this import" not in page

    def test_reports_what_it_kept(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = self.imported(owner_client, uploaded, work)
        Post.objects.get(pk=8).save()
        self.undo(owner_client, job, work)
        assert Post.objects.get().pk == 8
        page = job_page(owner_client, job)
        assert "1 × post: It was changed here after the import." in page
        assert "Undo this import" in page
        kept = downloaded_report(owner_client, job)["kept"]
        assert (kept[0]["kind"], kept[0]["id"]) == ("post", 8)

    def test_interrupted_import_can_be_undone_and_started_again(
        self, owner_client: Client, monkeypatch: pytest.MonkeyPatch, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client, export_file(export(item(7), item(8))))
        start(owner_client, job, "import")
        with monkeypatch.context() as patch:
            patch.setattr(JobFolder, "is_cancel_requested", lambda folder: Post.objects.exists())
            patch.setattr("wordpress.uploads.folder._UPDATE_INTERVAL", 0)
            patch.setattr("wordpress.importing.batches.MAX_ENTRIES", 1)
            work()
        assert Post.objects.count() == 1
        assert self.undo(owner_client, job, work).state == JobState.READY
        assert not Post.objects.exists()
        start(owner_client, job, "import")
        work()
        assert Post.objects.count() == 2

    def test_cancelled_undo_can_be_repeated(
        self, owner_client: Client, monkeypatch: pytest.MonkeyPatch, uploaded: Uploaded, work: Work
    ) -> None:
        job = self.imported(owner_client, uploaded, work)
        with monkeypatch.context() as patch:
            patch.setattr(JobFolder, "is_cancel_requested", lambda folder: True)
            self.undo(owner_client, job, work)
        assert job.state == JobState.INTERRUPTED
        page = job_page(owner_client, job)
        assert "The undo was cancelled." in page
        assert "The import did the following:" in page
        assert self.undo(owner_client, job, work).state == JobState.UNDONE

    def test_undo_cancelled_before_it_started_changes_nothing(
        self, owner_client: Client, uploaded: Uploaded, work: Work
    ) -> None:
        job = self.imported(owner_client, uploaded, work)
        owner_client.post(job_url(job, "undo/"))
        owner_client.post(job_url(job, "cancel/"))
        work()
        assert Post.objects.count() == 2
        assert "Undo this import" in job_page(owner_client, job)

    def test_dead_worker_is_reported(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = self.imported(owner_client, uploaded, work)
        ImportJob.objects.update(state=JobState.RUNNING, step=JobStep.UNDO)
        assert "Undo the import again to remove the rest." in job_page(owner_client, job)
        assert self.undo(owner_client, job, work).state == JobState.UNDONE

    def test_button_pressed_twice_undoes_once(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = self.imported(owner_client, uploaded, work)
        owner_client.post(job_url(job, "undo/"))
        assert self.undo(owner_client, job, work).state == JobState.UNDONE

    def test_previews_and_imports_without_changes_cannot_be_undone(
        self, owner_client: Client, uploaded: Uploaded, work: Work
    ) -> None:
        self.imported(owner_client, uploaded, work)
        upload(owner_client, export_file(export(item(7), item(8))))
        work()
        job = ImportJob.objects.latest("uploaded_at")
        for step in ("preview", "import"):
            start(owner_client, job, step)
            work()
            assert "Undo this import" not in job_page(owner_client, job)
            assert self.undo(owner_client, job, work).state != JobState.UNDONE
        assert Post.objects.count() == 2

    def test_undo_waits_for_the_active_job(self, owner_client: Client, uploaded: Uploaded, work: Work) -> None:
        job = self.imported(owner_client, uploaded, work)
        upload(owner_client)
        response = owner_client.post(job_url(job, "undo/"), follow=True)
        assert "Another import is in progress." in response.content.decode()
        assert Post.objects.count() == 2


class TestWorker:
    def test_page_says_if_no_worker_seems_to_run(self, owner_client: Client, work: Work) -> None:
        upload(owner_client)
        job = ImportJob.objects.get()
        assert "No worker seems to be running" not in job_page(owner_client, job)
        ImportJob.objects.update(state_since=timezone.now() - lifecycle.WORKER_TIMEOUT * 2)
        assert "No worker seems to be running" in job_page(owner_client, job)
        work()
        assert "No worker seems to be running" not in job_page(owner_client, job)

    def test_job_whose_worker_died_can_be_started_again(
        self, owner_client: Client, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "import")
        # A worker that is killed leaves the job like this.
        ImportJob.objects.update(state=JobState.RUNNING)
        DBTaskResult.objects.all().delete()
        content = job_page(owner_client, job)
        assert "The worker stopped unexpectedly." in content
        assert owner_client.get(job_url(job, "progress/")).json()["version"].startswith("running")
        start(owner_client, job, "import")
        work()
        assert ImportJob.objects.get().state == JobState.DONE
        assert Post.objects.exists()

    def test_dead_job_does_not_block_new_ones(self, owner_client: Client) -> None:
        dead = ImportJob.objects.create(state=JobState.RUNNING, file_names=["dead.xml"])
        upload(owner_client)
        dead.refresh_from_db()
        assert dead.state == JobState.INTERRUPTED
        assert ImportJob.objects.count() == 2

    def test_locked_job_counts_as_running(self, owner_client: Client) -> None:
        alive = ImportJob.objects.create(state=JobState.RUNNING, file_names=["alive.xml"])
        folder = JobFolder(alive.pk)
        folder.create(exist_ok=True)
        with folder.locked():
            assert upload(owner_client)["Location"] == alive.get_absolute_url()
            assert "The worker stopped" not in job_page(owner_client, alive)
        assert "The worker stopped" in job_page(owner_client, alive)

    def test_unexpected_error_is_reported_and_logged(
        self, owner_client: Client, monkeypatch: pytest.MonkeyPatch, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client)
        start(owner_client, job, "import")
        monkeypatch.setattr("wordpress.importing.pipeline.import_posts", lambda *args: 1 / 0)
        work()
        assert "Something went wrong" in job_page(owner_client, job)
        assert not Post.objects.exists()
        assert DBTaskResult.objects.failed().get().exception_class_path.endswith("ZeroDivisionError")

    def test_missing_uploads_are_reported(self, owner_client: Client, work: Work) -> None:
        upload(owner_client)
        job = ImportJob.objects.get()
        JobFolder(job.pk).remove()
        work()
        job.refresh_from_db()
        assert job.state == JobState.REJECTED
        assert "Upload them again" in job_page(owner_client, job)


class TestProgress:
    def test_progress_is_available_as_json(self, owner_client: Client) -> None:
        job = ImportJob.objects.create(state=JobState.RUNNING, step=JobStep.IMPORT, file_names=["a.xml"])
        folder = JobFolder(job.pk)
        folder.create(exist_ok=True)
        with folder.locked():
            assert owner_client.get(job_url(job, "progress/")).json()["percent"] is None
            folder.write_progress(StageProgress("importing", 500, 2000, started_at=1000, updated_at=1060))
            progress = owner_client.get(job_url(job, "progress/")).json()
            # Too early to tell.
            folder.write_progress(StageProgress("importing", 1, 2000, started_at=1000, updated_at=1060))
            assert owner_client.get(job_url(job, "progress/")).json()["time_left"] == ""
        assert (progress["activity"], progress["percent"]) == ("Importing: 500 of 2,000 (25%)", 25)
        assert progress["time_left"] == "about 3 minutes left"

    def test_page_reloads_without_javascript(self, owner_client: Client, work: Work) -> None:
        upload(owner_client)
        job = ImportJob.objects.get()
        assert 'http-equiv="refresh"' in job_page(owner_client, job)
        work()
        assert "http-equiv" not in job_page(owner_client, job)

    def test_unknown_jobs_are_not_found(self, owner_client: Client) -> None:
        unknown = ImportJob(pk=uuid.uuid4())
        assert owner_client.get(job_url(unknown, "progress/")).status_code == 404
        assert owner_client.get(job_url(unknown, "change/")).status_code == 404
        assert owner_client.get("/admin/wordpress/importjob/nonsense/change/").status_code == 404
