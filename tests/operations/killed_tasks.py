"""A program that kills a worker with SIGKILL in the middle of each kind of task, and lets another one take over.

The site has its own folder and its own database (DATABASE_URL, or SQLite).
"""

import datetime as dt
import json
import os
import random
import sys
import uuid
from collections.abc import Callable
from mailbox import Maildir
from pathlib import Path
from typing import Any, Final
from unittest import mock

from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.tasks import Task, TaskResultStatus
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import AuditRecord, PasswordLink, Session, User
from accounts.tasks import delete_expired_sessions, delete_old_audit_records, send_password_link
from blog.models import Autosave, Entry, Post
from blog.tasks import delete_old_autosaves
from comments.models import Comment, CommentSettings, CommentStatus, NotificationPreference, OutboxItem, SentMention
from comments.tasks import check_mention, send_mentions, tidy_comments
from comments.webmentions import pages
from comments.webmentions.pages import FetchedPage
from core.site import absolute_url
from mail import delivery
from mail.tasks import send_due_mail
from media import trash
from media.documents import store_document
from media.models import Document, Picture, RenditionState
from media.pictures import store_picture
from media.recleaning import due_documents
from media.tasks import clean_due_documents, make_due_renditions, remove_expired_files
from newsletter.models import SubscriptionRequest
from newsletter.tasks import read_returns, tidy_newsletter
from operations.backups.schedule import is_due
from operations.models import BackupRun, CheckResult, Withdrawal, WithdrawalState, WorkerHeartbeat
from operations.tasks import back_up_if_due, check_site, forget_deleted, forget_old_tasks, rewrite_database
from operations.withdrawals import lifecycle
from operations.withdrawals.tasks import continue_withdrawal, do_upkeep
from operations.withdrawals.working import work as withdraw
from operations.worker import queue, running
from operations.worker.running import Worker
from readers.models import KindCount, ReaderSettings
from readers.tasks import tidy_figures
from search.indexing import count_stale_entries, mark_as_stale
from search.tasks import index_stale_entries
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.comments import send
from tests.factories.files import pdf_file, picture
from tests.factories.wxr import export, item
from tests.operations.killing import count_steps, run_in_child
from wordpress.downloads import jobs as downloads
from wordpress.markup.footnotes_and_blocks import rerender_entries
from wordpress.models import ExportJob, ExportState, ImportJob, JobState, JobStep, ReusableBlock
from wordpress.uploads import tasks as uploads
from wordpress.uploads.folder import JobFolder

# How often each kind of task is killed, at random moments.
KILLS: Final = 2
HOUR: Final = dt.timedelta(hours=1)
# The function that runs a task, without claiming it from the queue and storing its result.
INSIDE: Final = (running, "_call")
# A page on another site.
MENTIONING: Final = "https://other.example/"
LONG_AGO: Final = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def main(folder: Path) -> None:
    """Print as JSON, for each kind of task, the state after each kill."""
    call_command("migrate", verbosity=0)
    mailer = {"BACKEND": "django.core.mail.backends.filebased.EmailBackend", "OPTIONS": {"file_path": folder / "mail"}}
    settings.MAILERS = {"default": mailer}
    # The other site links to this one, and accepts webmentions.
    links = ("</endpoint>; rel=webmention",)
    mock.patch.object(
        pages, "fetch", lambda url: FetchedPage(url, links, "text/html", f'<a href="{commented_on()}">')
    ).start()
    mock.patch.object(pages, "send").start()
    settings.BROADSIDE_BACKUP_URL = str(folder / "backups")
    settings.BROADSIDE_BOUNCE_ADDRESS = "bounces@example.org"
    settings.BROADSIDE_BOUNCE_MAILBOX = f"maildir://{folder}/bounces"
    seed = random.randrange(2**32)  # noqa: S311  # random moments need no secrecy
    rng = random.Random(seed)  # noqa: S311  # as above
    sys.stderr.write(f"The seed is {seed}.\n")
    User.objects.create_superuser("owner", email="owner@example.org")
    moderator = UserFactory(role="Moderator", email="moderator@example.org")
    NotificationPreference.objects.create(user=moderator, frequency=NotificationPreference.Frequency.IMMEDIATELY)
    PostFactory(title="Commented on", author=owner())
    ReusableBlock.objects.create(kind="block", name="30", title="Call", text="<p>Old</p>")
    for _ in range(3):
        PostFactory(author=owner(), markup="wordpress", source='<!-- wp:block {"ref":30} /-->')
    found = {task.module_path: _kill_repeatedly(prepare, is_done, rng) for task, (prepare, is_done) in KINDS}
    json.dump(found, sys.stdout)


def owner() -> User:
    return User.objects.get(username="owner")


def work(name: str) -> None:
    WorkerHeartbeat.beat(name)
    Worker(name=name).drain()


def pass_time() -> None:
    """Make everything due that is planned within the next hour."""
    before = timezone.now() - HOUR
    NotificationPreference.objects.update(not_before=before)
    OutboxItem.objects.update(created_at=before)
    SentMention.objects.exclude(not_before=None).update(not_before=before)
    DBTaskResult.objects.filter(status=TaskResultStatus.READY).update(run_after=before)


def _kill_repeatedly(
    prepare: Callable[[], object], is_done: Callable[[], bool], rng: random.Random
) -> list[dict[str, Any]]:
    """Return the state after each kill."""
    prepare()
    steps = count_steps(lambda: work("measured"), inside=INSIDE)
    return [_kill(prepare, is_done, steps, rng) for _ in range(KILLS)]


def _kill(prepare: Callable[[], object], is_done: Callable[[], bool], steps: int, rng: random.Random) -> dict[str, Any]:
    """Enqueue a task, kill the worker at one of its steps, and let another worker take over."""
    status = 0
    # Later runs take fewer steps, because all modules have been imported, so the kill may come too late.
    while not os.WIFSIGNALED(status):
        DBTaskResult.objects.all().delete()
        prepare()
        status = run_in_child(lambda: work("killed"), killed_at=rng.randint(1, steps), inside=INSIDE)
    was_running = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING).count()
    # The next worker must wait until the killed one can be presumed dead.
    too_early = queue.recover("next")
    WorkerHeartbeat.objects.update(at=timezone.now() - HOUR)
    recovered = queue.recover("next")
    for _ in range(2):
        pass_time()
        work("next")
    found = {
        "signal": os.WTERMSIG(status),
        "running": was_running,
        "recovered": [too_early, recovered],
        "failed": list(DBTaskResult.objects.failed().values_list("exception_class_path", flat=True)),
        "done": is_done(),
    }
    DBTaskResult.objects.all().delete()
    return found


# For each kind, a function that enqueues a task with something to do, and one that returns whether it is done.


def comment() -> None:
    send(Post.objects.get(title="Commented on"), text=f"Comment {uuid.uuid4()}")
    DBTaskResult.objects.all().delete()
    pass_time()
    send_due_mail.enqueue()


def is_notified() -> bool:
    return delivery.next_at() is None


def rename_tag() -> None:
    posts = [PostFactory(author=owner()).pk for _ in range(3)]
    with transaction.atomic():
        mark_as_stale(posts)
    index_stale_entries.enqueue()


def is_indexed() -> bool:
    return count_stale_entries() == 0


def upload_pictures() -> None:
    for _ in range(2):
        store_picture(SimpleUploadedFile("x.png", picture(size=(700, 20))), by=owner())
    DBTaskResult.objects.all().delete()
    make_due_renditions.enqueue()


def has_renditions() -> bool:
    return not Picture.objects.present().exclude(rendition_state=RenditionState.DONE).exists()


def delete_picture() -> None:
    stored = store_picture(SimpleUploadedFile("x.png", picture()), by=owner())
    DBTaskResult.objects.all().delete()
    trash.delete(Picture, [stored.pk])
    Picture.objects.filter(pk=stored.pk).update(deleted_at=LONG_AGO)
    remove_expired_files.enqueue()


def is_removed() -> bool:
    return not Picture.objects.filter(deleted_at__isnull=False).exists()


def upload_export() -> ImportJob:
    """Upload an export with one post, and enqueue the step that reads it."""
    number = 1_000 + ImportJob.objects.count()
    text = export(item(number, title=f"Imported {number}"))
    job, _is_new = uploads.create_job(uuid.uuid4(), [SimpleUploadedFile("blog.xml", text.encode())], owner())
    work("reader")
    DBTaskResult.objects.all().delete()
    job.refresh_from_db()
    return job


def import_export() -> None:
    uploads.start_step(upload_export(), JobStep.IMPORT, owner(), {})


def is_imported() -> bool:
    job = ImportJob.objects.latest("uploaded_at")
    titles = list(Post.objects.filter(title__startswith="Imported").values_list("title", flat=True))
    return job.state == JobState.DONE and len(titles) == len(set(titles)) == ImportJob.objects.count()


def abandon_upload() -> None:
    ImportJob.objects.filter(pk=upload_export().pk).update(state_since=LONG_AGO)
    uploads.clean_up.enqueue()


def is_upload_deleted() -> bool:
    return not JobFolder(ImportJob.objects.latest("uploaded_at").pk).files()


def export_site() -> None:
    downloads.start("wordpress", owner())


def is_exported() -> bool:
    job = ExportJob.objects.latest("started_at")
    return job.state == ExportState.DONE and downloads.file_of(job).exists()


def let_export_expire() -> None:
    export_site()
    work("writer")
    ExportJob.objects.filter(state=ExportState.DONE).update(state_since=LONG_AGO)
    DBTaskResult.objects.all().delete()
    downloads.delete_old_exports.enqueue()


def is_export_deleted() -> bool:
    return not any(downloads.file_of(job).exists() for job in ExportJob.objects.all())


def change_block() -> None:
    ReusableBlock.objects.update(text=f"<p>New {uuid.uuid4()}</p>")
    rerender_entries.enqueue(ReusableBlock.objects.get().pk)


def is_rendered() -> bool:
    text = ReusableBlock.objects.get().text
    shown = Entry.objects.filter(source__contains="wp:block").values_list("body_html", flat=True)
    return len(shown) == 3 and all(text in html for html in shown)


def keep_old_spam() -> None:
    post = Post.objects.get(title="Commented on")
    CommentFactory.create_batch(3, entry=post, status=CommentStatus.SPAM, status_since=LONG_AGO)
    tidy_comments.enqueue()


def is_tidy() -> bool:
    return not Comment.objects.filter(status_since=LONG_AGO).exists()


def commented_on() -> str:
    return absolute_url(Post.objects.get(title="Commented on").get_absolute_url())


def receive_mention() -> None:
    CommentSettings.objects.update(receive_webmentions=True)
    Comment.objects.filter(website=MENTIONING).delete()
    check_mention.enqueue(MENTIONING, commented_on())


def is_mention_pending() -> bool:
    return Comment.objects.filter(website=MENTIONING, status=CommentStatus.PENDING).count() == 1


def link_to_another_site() -> None:
    CommentSettings.objects.update(send_webmentions=True, sending_since=LONG_AGO)
    Post.objects.filter(title="Linking").delete()
    SentMention.objects.all().delete()
    PostFactory(title="Linking", author=owner(), markup="html", source=f'<a href="{MENTIONING}">x</a>')
    send_mentions.enqueue()


def is_other_site_notified() -> bool:
    # The rows of posts that the next preparation deleted are gone, too.
    told = SentMention.objects.exclude(sent_at=None).filter(target=MENTIONING, not_before=None)
    return told.count() == SentMention.objects.count() == 1


def let_mail_bounce() -> None:
    box = Maildir(settings.BROADSIDE_BOUNCE_MAILBOX.removeprefix("maildir://"), create=True)
    for _ in range(3):
        box.add(b"To: bounces+b1@example.org\n\nA bounce.")
    read_returns.enqueue()


def is_mailbox_empty() -> bool:
    return not Maildir(settings.BROADSIDE_BOUNCE_MAILBOX.removeprefix("maildir://"))


def keep_old_request() -> None:
    SubscriptionRequest.objects.create(email="a@example.org", frequency="daily", requested_at=LONG_AGO)
    tidy_newsletter.enqueue()


def is_request_deleted() -> bool:
    return not SubscriptionRequest.objects.exists()


def keep_old_session() -> None:
    times = {"expire_date": LONG_AGO, "started_at": LONG_AGO, "last_used_at": LONG_AGO}
    Session.objects.create(session_key=uuid.uuid4().hex, public_id=uuid.uuid4(), session_data="", **times)
    delete_expired_sessions.enqueue()


def is_session_deleted() -> bool:
    return not Session.objects.filter(expire_date=LONG_AGO).exists()


def keep_old_result() -> None:
    forget_old_tasks.enqueue()
    DBTaskResult.objects.update(status=TaskResultStatus.SUCCESSFUL, finished_at=LONG_AGO)
    forget_old_tasks.enqueue()


def is_result_deleted() -> bool:
    return not DBTaskResult.objects.filter(finished_at=LONG_AGO).exists()


def plan_backup() -> None:
    BackupRun.objects.all().delete()
    back_up_if_due.enqueue()


def is_backed_up() -> bool:
    return not is_due(timezone.now())


def forget_password() -> None:
    PasswordLink.objects.all().delete()
    send_password_link.enqueue(owner().pk)


def has_link() -> bool:
    return PasswordLink.objects.filter(person=owner()).exists()


def keep_old_record() -> None:
    record(Action.CHANGED, [owner()], by=None)
    AuditRecord.changeable().update(at=LONG_AGO)
    delete_old_audit_records.enqueue()


def is_record_deleted() -> bool:
    return not AuditRecord.objects.filter(at=LONG_AGO).exists()


def search_for_name() -> None:
    PostFactory.create_batch(2, author=owner(), title="By Ann Lée")
    continue_withdrawal.enqueue(lifecycle.start(["Ann Lée"], "[…]", None).pk)


def is_name_found() -> bool:
    return not Withdrawal.objects.exclude(state__in=[WithdrawalState.FOUND, WithdrawalState.FINAL]).exists()


def keep_old_withdrawal() -> None:
    PostFactory(author=owner(), title="By Ben Ode")
    withdrawal = lifecycle.start(["Ben Ode"], "[…]", None)
    withdraw(withdrawal, seconds=60)
    lifecycle.carry_out(withdrawal)
    withdraw(withdrawal, seconds=60)
    Withdrawal.objects.filter(pk=withdrawal.pk).update(undo_until=LONG_AGO)
    DBTaskResult.objects.all().delete()
    do_upkeep.enqueue()


def is_final() -> bool:
    return not Withdrawal.objects.filter(undo_until=LONG_AGO).exists() and not lifecycle.unscrubbed().exists()


def keep_old_statistics() -> None:
    ReaderSettings.objects.update(count_readers=True)
    KindCount.objects.all().delete()
    KindCount.objects.bulk_create(KindCount(day=dt.date(2020, 5, day), kind="front", count=10) for day in (1, 2, 17))
    tidy_figures.enqueue()


def are_statistics_summed_up() -> bool:
    return list(KindCount.objects.values_list("day", "count")) == [(dt.date(2020, 5, 1), 30)]


def keep_old_autosaves() -> None:
    user, _is_new = User.objects.get_or_create(username="writer")
    long_ago = timezone.now() - dt.timedelta(days=365)
    Autosave.objects.bulk_create(
        Autosave(user=user, kind="post", form_id=uuid.uuid4(), data={}, saved_at=long_ago, seen_at=long_ago)
        for _number in range(3)
    )
    delete_old_autosaves.enqueue()


def are_autosaves_deleted() -> bool:
    return not Autosave.objects.exists()


def forget_checks() -> None:
    CheckResult.objects.all().delete()
    check_site.enqueue()


def is_checked() -> bool:
    return CheckResult.objects.exists()


def leave_pages() -> None:
    """Store a page with an earlier state of the site."""
    cache.set("page", "former text", version=1)
    forget_deleted.enqueue()


def are_pages_deleted() -> bool:
    return cache.get("page", version=1) is None


def delete_posts() -> None:
    for post in [PostFactory(author=owner(), title="Deleted for good", source="Words " * 5_000) for _ in range(3)]:
        post.delete()
    rewrite_database.enqueue()


def is_rewritten() -> bool:
    """Whether deleted content is gone from the database file or the tables."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA freelist_count")
        else:
            cursor.execute("CHECKPOINT")
            cursor.execute(
                "SELECT position('Deleted for good'::bytea in pg_read_binary_file(pg_relation_filepath('blog_entry')))"
            )
        return cursor.fetchone() == (0,)


def upgrade_cleaners() -> None:
    store_document(pdf_file(name=f"{uuid.uuid4()}.pdf"), by=owner())
    DBTaskResult.objects.all().delete()
    Document.objects.update(cleaned_with=0)
    clean_due_documents.enqueue()


def is_clean() -> bool:
    return not due_documents().exists()


KINDS: Final[list[tuple[Task[..., Any], tuple[Callable[[], object], Callable[[], bool]]]]] = [
    (send_due_mail, (comment, is_notified)),
    (index_stale_entries, (rename_tag, is_indexed)),
    (make_due_renditions, (upload_pictures, has_renditions)),
    (remove_expired_files, (delete_picture, is_removed)),
    (uploads.run_job, (import_export, is_imported)),
    (uploads.clean_up, (abandon_upload, is_upload_deleted)),
    (downloads.run_export, (export_site, is_exported)),
    (downloads.delete_old_exports, (let_export_expire, is_export_deleted)),
    (rerender_entries, (change_block, is_rendered)),
    (tidy_comments, (keep_old_spam, is_tidy)),
    (check_mention, (receive_mention, is_mention_pending)),
    (send_mentions, (link_to_another_site, is_other_site_notified)),
    (read_returns, (let_mail_bounce, is_mailbox_empty)),
    (tidy_newsletter, (keep_old_request, is_request_deleted)),
    (send_password_link, (forget_password, has_link)),
    (delete_expired_sessions, (keep_old_session, is_session_deleted)),
    (back_up_if_due, (plan_backup, is_backed_up)),
    (forget_old_tasks, (keep_old_result, is_result_deleted)),
    (delete_old_audit_records, (keep_old_record, is_record_deleted)),
    (continue_withdrawal, (search_for_name, is_name_found)),
    (do_upkeep, (keep_old_withdrawal, is_final)),
    (check_site, (forget_checks, is_checked)),
    (tidy_figures, (keep_old_statistics, are_statistics_summed_up)),
    (delete_old_autosaves, (keep_old_autosaves, are_autosaves_deleted)),
    (clean_due_documents, (upgrade_cleaners, is_clean)),
    (forget_deleted, (leave_pages, are_pages_deleted)),
    (rewrite_database, (delete_posts, is_rewritten)),
]
