"""What the worker (`manage.py worker`) does for comments: every day, and about Webmentions."""

import datetime as dt
from typing import Final

from django.tasks import TaskResultStatus, task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult

from comments import tidying
from comments.models import CommentSettings
from comments.webmentions import receiving, sending
from core.tasks import task_kind

# Received Webmentions may wait in this number. Others come back later.
MAX_WAITING: Final = 50
# Before a page is opened again that could not be opened.
_PAUSES: Final = (dt.timedelta(minutes=15), dt.timedelta(hours=4))
# For sending Webmentions. Then other tasks have their turn.
_TURN: Final = dt.timedelta(minutes=2)


@task_kind(_("Deleting old spam and what commenters left"), time_limit=dt.timedelta(hours=6))
@task()
def tidy_comments() -> None:
    """Delete old spam, trash, e-mail addresses and other expired data."""
    tidying.tidy()


@task_kind(_("Checking a page that says it links here"))
# Everything else comes first.
@task(priority=-10)
def check_mention(source: str, target: str, failures: int = 0) -> None:
    """Open the source of a received Webmention, again later if that fails, and store what it says."""
    if not CommentSettings.current().receive_webmentions:
        return
    if not receiving.check(source, target) and failures < len(_PAUSES):
        later = check_mention.using(run_after=timezone.now() + _PAUSES[failures])
        later.enqueue(source, target, failures + 1)


def queue_check(source: str, target: str) -> None:
    """Have the worker look at a received Webmention, once. Raises TooManyMentionsError if too many are waiting."""
    tasks = DBTaskResult.objects.filter(task_path=check_mention.module_path)
    same = tasks.filter(args_kwargs__args__0=source, args_kwargs__args__1=target, status=TaskResultStatus.READY)
    if same.exists():
        return
    if tasks.ready().count() >= MAX_WAITING:
        raise receiving.TooManyMentionsError
    check_mention.enqueue(source, target)


@task_kind(_("Sending Webmentions"))
@task(priority=-10)
def send_mentions() -> None:
    """Tell other sites of links to them. What isn't done within some minutes is done the next time."""
    sending.note_links()
    sending.send_due(timezone.now() + _TURN)
