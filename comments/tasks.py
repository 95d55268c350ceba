"""The worker's tasks for comments: deleting expired data every day, and receiving and sending Webmentions."""

import datetime as dt
from typing import Final

from django.tasks import TaskResultStatus, task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult

from comments import tidying
from comments.models import CommentSettings
from comments.webmentions import receiving, sending
from core.tasks import TaskKind, daily, every

# The most received Webmentions that may wait to be checked. Further senders have to try again later.
MAX_WAITING: Final = 50
# How long to wait before each retry of a page that could not be fetched.
_PAUSES: Final = (dt.timedelta(minutes=15), dt.timedelta(hours=4))
# How long one run of sending Webmentions may take, so that other tasks get their turn.
_TURN: Final = dt.timedelta(minutes=2)


@TaskKind(
    _("Deleting old spam and commenters' expired data"),
    time_limit=dt.timedelta(hours=6),
    schedule=daily(4, 15),
    deletes_old=True,
)
@task()
def tidy_comments() -> None:
    """Delete old spam, trash, e-mail addresses and other expired data."""
    tidying.tidy()


@TaskKind(_("Checking a page that says it links here"))
# Everything else comes first.
@task(priority=-10)
def check_mention(source: str, target: str, failures: int = 0) -> None:
    """Fetch the source of a received Webmention and store what it says. If that fails, try again later."""
    if not CommentSettings.current().receive_webmentions:
        return
    if not receiving.check(source, target) and failures < len(_PAUSES):
        later = check_mention.using(run_after=timezone.now() + _PAUSES[failures])
        later.enqueue(source, target, failures + 1)


def queue_check(source: str, target: str) -> None:
    """Queue a received Webmention to be checked, unless it already is. Raises TooManyMentionsError if too many are."""
    tasks = DBTaskResult.objects.filter(task_path=check_mention.module_path)
    same = tasks.filter(args_kwargs__args__0=source, args_kwargs__args__1=target, status=TaskResultStatus.READY)
    if same.exists():
        return
    if tasks.ready().count() >= MAX_WAITING:
        raise receiving.TooManyMentionsError
    check_mention.enqueue(source, target)


@TaskKind(_("Sending Webmentions"), schedule=every(dt.timedelta(minutes=10)))
@task(priority=-10)
def send_mentions() -> None:
    """Tell other sites about links to them. What isn't done within a few minutes is left to the next run."""
    sending.note_links()
    sending.send_due(timezone.now() + _TURN)
