"""What the worker does (`manage.py db_worker`): send mail, and come back when the next is due."""

import datetime as dt
import logging

from django.tasks import TaskResultStatus, task
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from comments import delivery, mail

_log = logging.getLogger(__name__)


@task()
def send_notices() -> None:
    """Send what is due. Whatever happens, the next time is arranged."""
    earliest = timezone.now() + delivery.SERVER_PAUSE
    try:
        delivery.deliver()
        earliest = timezone.now()
    except OSError as error:
        _log.warning("The mail server is away (%s). It is tried again in five minutes.", type(error).__name__)
    finally:
        following_time = delivery.next_at() if mail.is_on() else None
        if following_time is not None:
            wake(max(following_time, earliest))


def wake(at: dt.datetime) -> None:
    """Have `send_notices` run `at` this moment, unless it will be by then anyway."""
    waiting = DBTaskResult.objects.filter(task_path=send_notices.module_path, status=TaskResultStatus.READY)
    if not waiting.filter(run_after__lte=at).exists():
        send_notices.using(run_after=at).enqueue()
