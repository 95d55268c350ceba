"""Owners see failed tasks on the dashboard, where they can retry or dismiss them."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from core.tasks import task_kinds
from mail.tasks import send_due_mail
from operations.worker.failures import describe
from search.tasks import index_stale_entries
from tests.factories import UserFactory
from tests.factories.admin import client_of
from tests.factories.responses import read
from tests.factories.types import Work
from wordpress.downloads.jobs import run_export
from wordpress.models import ExportJob, ExportState, ImportJob, JobState
from wordpress.uploads.tasks import run_job

pytestmark = pytest.mark.django_db

MAIL = send_due_mail.module_path


def failed(task: Any, *arguments: str, error: str = "builtins.OSError", ago: int = 0) -> Any:
    task.enqueue(*arguments)
    rows = DBTaskResult.objects.filter(task_path=task.module_path, status="READY")
    finished_at = timezone.now() - dt.timedelta(hours=ago)
    pk = rows.values_list("pk", flat=True).get()
    rows.update(status="FAILED", finished_at=finished_at, exception_class_path=error, worker_ids=["a", "b"])
    return DBTaskResult.objects.get(pk=pk)


@pytest.fixture
def owner() -> Client:
    return client_of(UserFactory(username="owner", is_superuser=True, is_staff=True))


def shown(client: Client) -> list[str]:
    """Return the text of each item of the panel."""
    page = read(client.get("/admin/"))
    items = page.xpath("//section[@aria-labelledby='panel-failed-tasks']//li")
    return [" ".join(item.text_content().replace("\xa0", " ").split()) for item in items]


def press(client: Client, button: str, path: str = MAIL) -> str:
    return client.post(reverse(f"tasks_{button}"), {"task": path}, follow=True).text


class TestPanel:
    def test_is_missing_if_nothing_has_failed(self, owner: Client) -> None:
        send_due_mail.enqueue()
        assert "panel-failed-tasks" not in owner.get("/admin/").text

    def test_explains_what_failed_when_and_why(self, owner: Client) -> None:
        failed(send_due_mail, error="smtplib.SMTPServerDisconnected", ago=30)
        failed(send_due_mail, error="smtplib.SMTPServerDisconnected", ago=2)
        failed(index_stale_entries, error="builtins.ValueError", ago=1)
        reason = "Something unexpected happened. The server's log has the details. Please report it."
        mail_reason = "The mail server could not be reached, or refused the e-mail. Check EMAIL_URL."
        assert shown(owner) == [
            f"Indexing for the search failed 1 hour ago {reason} Try again Dismiss",
            f"Sending e-mail failed 2 times, last 2 hours ago {mail_reason} Try again Dismiss",
        ]

    def test_does_not_show_the_arguments_of_a_task(self, owner: Client) -> None:
        failed(run_job, "ann@example.org")
        assert "ann@example.org" not in owner.get("/admin/").text

    def test_explains_tasks_of_other_versions(self, owner: Client) -> None:
        failed(send_due_mail, error="builtins.ImportError")
        DBTaskResult.objects.update(task_path="newsletter.tasks.send")
        assert "A task of another version of Broadside" in shown(owner)[0]
        assert "Dismiss it." in shown(owner)[0]

    @pytest.mark.parametrize("role", ["Author", "Editor", "Moderator", "Reader of drafts"])
    def test_only_owners_see_it(self, role: str) -> None:
        failed(send_due_mail)
        assert "panel-failed-tasks" not in client_of(UserFactory(role=role)).get("/admin/", follow=True).text


class TestReasons:
    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            ("builtins.FileNotFoundError", "A file could not be read or written."),
            ("builtins.ConnectionRefusedError", "Another server could not be reached."),
            ("builtins.TimeoutError", "Another server did not answer in time."),
            ("django.db.utils.OperationalError", "The database was busy or unavailable."),
            ("builtins.MemoryError", "The server ran out of memory."),
            ("builtins.ModuleNotFoundError", "This version of Broadside doesn't know this task."),
            ("operations.worker.queue.KilledWorkerError", "The worker was killed during this task"),
            ("operations.worker.queue.TimeLimitError", "It took too long"),
            ("operations.backups.errors.BackupError", "The backup could not be made."),
            ("media.storage.StorageUnavailableError", "The object storage could not be reached."),
            ("accounts.tasks.UnsentLinkError", "The mail server could not be reached"),
        ],
    )
    def test_explain_known_errors(self, error: str, reason: str) -> None:
        assert str(describe(error)).startswith(reason)

    @pytest.mark.parametrize(
        "error", ["", "x", "builtins.", "builtins.print", "no.such.Error", "os.path", "sys.modules"]
    )
    def test_refer_to_the_log_for_unknown_errors(self, error: str) -> None:
        assert "Something unexpected happened" in str(describe(error))


class TestRetrying:
    def test_makes_the_worker_run_the_task_again(self, owner: Client, work: Work) -> None:
        row = failed(send_due_mail)
        assert "The worker will try 1 task again. If it fails again, it will appear here." in press(owner, "retry")
        assert shown(owner) == []
        row.refresh_from_db()
        # The attempts are counted from the start again.
        assert (row.status, row.worker_ids) == ("READY", [])
        work()
        row.refresh_from_db()
        assert row.status == "SUCCESSFUL"

    def test_runs_tasks_with_the_same_arguments_only_once(self, owner: Client) -> None:
        for ago in (3, 2, 1):
            failed(send_due_mail, ago=ago)
        first, second = str(uuid4()), str(uuid4())
        for key in (first, second, first):
            failed(run_export, key)
        assert "will try 1 task again" in press(owner, "retry")
        assert "will try 2 tasks again" in press(owner, "retry", run_export.module_path)
        assert DBTaskResult.objects.filter(task_path=MAIL).count() == 1
        assert not DBTaskResult.objects.failed().exists()

    def test_does_not_affect_other_kinds_of_tasks(self, owner: Client) -> None:
        failed(send_due_mail)
        other = failed(index_stale_entries)
        press(owner, "retry")
        assert DBTaskResult.objects.failed().get() == other

    @pytest.mark.parametrize(
        ("model", "task", "waiting"),
        [(ImportJob, run_job, JobState.WAITING), (ExportJob, run_export, ExportState.WAITING)],
    )
    def test_makes_a_failed_job_wait_again(self, owner: Client, model: Any, task: Any, waiting: str) -> None:
        job = model.objects.create(state="interrupted", error="Something went wrong.")
        failed(task, str(job.pk))
        press(owner, "retry", task.module_path)
        job.refresh_from_db()
        assert (job.state, job.error) == (waiting, "")

    def test_does_not_make_a_job_wait_while_another_one_waits(self, owner: Client, work: Work) -> None:
        ImportJob.objects.create(state=JobState.WAITING)
        job = ImportJob.objects.create(state=JobState.INTERRUPTED)
        failed(run_job, str(job.pk))
        press(owner, "retry", run_job.module_path)
        work()
        job.refresh_from_db()
        assert job.state == JobState.INTERRUPTED

    def test_a_second_time_changes_nothing(self, owner: Client) -> None:
        failed(send_due_mail)
        press(owner, "retry")
        assert "That failed task no longer exists" in press(owner, "retry")


class TestDismissing:
    def test_deletes_all_failed_tasks_of_one_kind(self, owner: Client) -> None:
        failed(send_due_mail)
        failed(send_due_mail)
        other = failed(index_stale_entries)
        assert "2 failed tasks dismissed." in press(owner, "dismiss")
        assert DBTaskResult.objects.get() == other

    def test_never_deletes_tasks_that_have_not_failed(self, owner: Client) -> None:
        send_due_mail.enqueue()
        assert "That failed task no longer exists" in press(owner, "dismiss")
        assert DBTaskResult.objects.exists()


class TestPermissions:
    @pytest.mark.parametrize("button", ["retry", "dismiss"])
    @pytest.mark.parametrize(
        ("role", "status"),
        [("Owner", 302), ("Editor", 403), ("Moderator", 403), ("Author", 403), ("Reader of drafts", 403), ("", 302)],
    )
    def test_only_owners_may_retry_and_dismiss(self, role: str, status: int, button: str) -> None:
        row = failed(send_due_mail)
        if role == "Owner":
            client = client_of(UserFactory(is_superuser=True, is_staff=True))
        else:
            client = client_of(UserFactory(role=role)) if role else Client()
        assert client.get(reverse(f"tasks_{button}")).status_code in {302, 403, 405}
        row.refresh_from_db()
        assert row.status == "FAILED"
        assert client.post(reverse(f"tasks_{button}"), {"task": MAIL}).status_code == status
        assert DBTaskResult.objects.failed().exists() == (role != "Owner")

    @pytest.mark.parametrize("path", ["", "\x00", "x" * 10_000, "mail.tasks.send_due_mail'", "../..", "💥", "١.٢"])
    @pytest.mark.parametrize("button", ["retry", "dismiss"])
    def test_invalid_paths_change_nothing(self, owner: Client, path: str, button: str) -> None:
        failed(send_due_mail)
        assert "That failed task no longer exists" in press(owner, button, path)
        assert DBTaskResult.objects.failed().exists()


def test_every_kind_has_a_name() -> None:
    assert all(str(kind.label) for kind in task_kinds.values())
    labels = [str(kind.label) for kind in task_kinds.values()]
    assert len(labels) == len(set(labels))
