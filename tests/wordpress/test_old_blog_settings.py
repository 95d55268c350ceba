"""The title and tagline of the old blog: an empty site takes them over, and any other site is offered them."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import AuditRecord, User
from core.models import SiteSettings
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.admin import ROLES, client_of, user_in_role
from tests.factories.database import contents
from tests.factories.import_jobs import export_file, job_url, start, upload
from tests.factories.types import ImportParts, Work
from tests.factories.wxr import export, exported, item, write
from wordpress.importing.report import Report
from wordpress.importing.undo import undo_run
from wordpress.models import ImportJob, ImportRun

pytestmark = pytest.mark.django_db

BLOG: dict[str, Any] = {"title": "Old blog", "tagline": "Since 2010"}


def here() -> tuple[str, str]:
    site = SiteSettings.current()
    return site.title, site.tagline


def change(**values: str) -> None:
    SiteSettings.objects.filter(pk=1).update(**values)


def run_of(report: Report) -> ImportRun:
    assert report.run is not None
    return ImportRun.objects.get(pk=report.run)


def run_command(*args: object, **options: object) -> str:
    out = io.StringIO()
    call_command("import_wordpress", *map(str, args), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


class TestEmptySite:
    def test_takes_the_title_and_tagline(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7), **BLOG)
        assert here() == ("Old blog", "Since 2010")
        assert report.taken_settings == BLOG

    @pytest.mark.parametrize(
        ("exported", "taken"),
        [
            ("  R&amp;D <em>now</em>\n", "R&D now"),
            ("مدونة", "مدونة"),
            ("x" * 199 + " y", "x" * 199),
            ("x" * 500, "x" * 200),
        ],
    )
    def test_takes_plain_text_that_fits(self, import_parts: ImportParts, exported: str, taken: str) -> None:
        import_parts(item(7), title=exported, tagline=exported)
        title, tagline = here()
        assert title == taken
        assert tagline.startswith(taken)
        assert len(tagline) <= 300

    def test_keeps_its_own_values_where_the_export_has_none(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7), title=" ", tagline="")
        assert here() == ("Broadside", "")
        assert report.taken_settings == {}

    def test_keeps_a_tagline_that_was_entered_here(self, import_parts: ImportParts) -> None:
        change(tagline="Ours")
        import_parts(item(7), **BLOG)
        assert here() == ("Old blog", "Ours")

    def test_cached_pages_expire_even_if_the_export_has_no_posts(
        self, import_parts: ImportParts, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            import_parts(authors=[], **BLOG)
        assert SiteSettings.current().content_version > before

    def test_dry_run_says_what_it_would_take_and_changes_nothing(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7), **BLOG))
        out = run_command(path, dry_run=True)
        assert "Taken from the old blog:\n  Title: Old blog\n  Tagline: Since 2010" in out
        assert here() == ("Broadside", "")

    def test_second_import_changes_nothing(self, import_parts: ImportParts) -> None:
        import_parts(item(7), **BLOG)
        before = contents()
        report = import_parts(item(7), **BLOG)
        assert contents() == before
        assert not report.has_changes

    def test_title_changed_here_is_kept_when_importing_again(self, import_parts: ImportParts) -> None:
        import_parts(item(7), **BLOG)
        change(title="Broadside")
        import_parts(item(7), item(8), **BLOG)
        assert here() == ("Broadside", "Since 2010")

    def test_our_own_export_restores_title_and_tagline(self, import_parts: ImportParts, tmp_path: Path) -> None:
        change(title="Tea & «dates» <3", tagline="Every day")
        path = exported(tmp_path)
        change(title="Broadside", tagline="")
        run_command(path)
        assert here() == ("Tea & «dates» <3", "Every day")


class TestOtherSites:
    @pytest.mark.parametrize(
        "use", [PostFactory, PageFactory, lambda: change(title="New blog")], ids=["post", "page", "title"]
    )
    def test_keep_their_title(self, import_parts: ImportParts, use: Callable[[], object]) -> None:
        use()
        before = here()
        report = import_parts(item(7), **BLOG)
        assert here() == before
        assert report.taken_settings == {}

    def test_take_the_title_if_asked(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7), **BLOG))
        PostFactory()
        assert "import again with --take-title" in run_command(path)
        assert "nothing was changed" not in run_command(path, take_title=True)
        assert here() == ("Old blog", "Since 2010")
        assert "nothing was changed" in run_command(path, take_title=True)


class TestUndoing:
    def test_restores_the_default_title_and_tagline(self, import_parts: ImportParts) -> None:
        before = contents(without_version=True)
        report = import_parts(item(7), **BLOG)
        undone = undo_run(run_of(report))
        assert contents(without_version=True) == before
        assert undone.removed["site setting"] == 2
        import_parts(item(7), **BLOG)
        assert here() == ("Old blog", "Since 2010")

    def test_keeps_values_that_were_changed_since(self, import_parts: ImportParts) -> None:
        run = run_of(import_parts(item(7), **BLOG))
        change(title="Ours")
        undone = undo_run(run)
        assert here() == ("Ours", "")
        assert [(each.kind, each.title) for each in undone.kept] == [("site setting", "Old blog")]
        assert not ImportRun.objects.exists()

    def test_restores_the_title_that_the_owner_had(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7), **BLOG))
        change(title="Ours", tagline="Since today")
        run_command(path)
        out = run_command(path, take_title=True)
        run = ImportRun.objects.latest("pk")
        assert f"--undo {run.pk}" in out
        assert "2 × site setting: removed" in run_command(undo=run.pk)
        assert here() == ("Ours", "Since today")

    def test_interrupted_import_remembers_the_original_values(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*args: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("wordpress.importing.pipeline.import_authors", interrupt)
            interrupted = import_parts(item(7), **BLOG)
        assert interrupted.interrupted
        report = import_parts(item(7), **BLOG)
        assert report.run == interrupted.run
        undo_run(run_of(report))
        assert here() == ("Broadside", "")


class TestButton:
    """In the admin, one click takes the title and tagline of an imported blog."""

    @pytest.fixture
    def job(self, work: Work) -> ImportJob:
        """An import into a site with its own title."""
        change(title="New blog")
        client = client_of(user_in_role("superuser"))
        upload(client, export_file(export(item(7), **BLOG)))
        work()
        job = ImportJob.objects.get()
        start(client, job, "import")
        work()
        job.refresh_from_db()
        return job

    def importer(self, *permissions: str) -> User:
        user: User = UserFactory(is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=["import_wordpress", *permissions]))
        return user

    def page(self, client: Client, job: ImportJob) -> str:
        return str(client.get(job.get_absolute_url()).content.decode())

    @pytest.mark.parametrize("role", [role for role in ROLES if role != "superuser"])
    def test_is_refused_without_the_permission_to_import(self, job: ImportJob, role: str) -> None:
        response = client_of(user_in_role(role)).post(job_url(job, "take-title/"))
        assert response.status_code == (302 if role == "anonymous" else 403)
        assert here() == ("New blog", "")

    def test_is_refused_without_the_permission_to_change_the_settings(self, job: ImportJob) -> None:
        client = client_of(self.importer())
        page = self.page(client, job)
        assert "the title “Old blog” and the tagline “Since 2010”" in page
        assert "take-title/" not in page
        assert "/admin/core/sitesettings/" not in page
        assert client.post(job_url(job, "take-title/")).status_code == 403
        assert here() == ("New blog", "")

    def test_takes_the_title_and_tagline_and_confirms_it(self, job: ImportJob) -> None:
        client = client_of(self.importer("change_sitesettings"))
        assert "Use the title and tagline of the old blog here" in self.page(client, job)
        response = client.post(job_url(job, "take-title/"), follow=True)
        assert here() == ("Old blog", "Since 2010")
        page = response.content.decode()
        assert "This site now has the title and tagline of the old blog." in page
        assert "take-title/" not in page
        assert AuditRecord.objects.filter(kind="core.sitesettings", object_id="1").count() == 1

    def test_pressed_twice_changes_nothing_the_second_time(self, job: ImportJob) -> None:
        client = client_of(self.importer("change_sitesettings"))
        for _press in range(2):
            assert client.post(job_url(job, "take-title/")).status_code == 302
        assert AuditRecord.objects.filter(kind="core.sitesettings").count() == 1

    def test_requires_post_and_a_csrf_token(self, job: ImportJob) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.importer("change_sitesettings"))
        assert client.get(job_url(job, "take-title/")).status_code == 405
        assert client.post(job_url(job, "take-title/")).status_code == 403
        assert here() == ("New blog", "")

    def test_does_nothing_before_the_import(self, work: Work) -> None:
        change(title="New blog")
        client = client_of(user_in_role("superuser"))
        upload(client, export_file(export(item(7), **BLOG)))
        work()
        job = ImportJob.objects.get()
        start(client, job, "preview")
        work()
        assert "Checklist" not in self.page(client, job)
        client.post(job_url(job, "take-title/"))
        assert here() == ("New blog", "")
