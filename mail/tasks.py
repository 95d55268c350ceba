"""The worker's task for mail (`manage.py worker`): send it, and run again when the next is due."""

import datetime as dt
import logging

from django.db import transaction
from django.tasks import TaskResultStatus, task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult

from core.tasks import TaskKind, every
from mail import delivery, messages

_log = logging.getLogger(__name__)


# The task schedules itself for when more is due. The schedule is for mail that was recorded without that, such as while
# the disk was full.
@TaskKind(_("Sending e-mail"), schedule=every(dt.timedelta(minutes=10)))
@task()
def send_due_mail() -> None:
    """Send all mail that is due. Whatever happens, schedule the next run."""
    earliest = timezone.now() + delivery.RETRY_AFTER
    try:
        delivery.deliver()
        earliest = timezone.now()
    except OSError as error:
        _log.warning("The mail server is unavailable (%s). Trying again in five minutes.", type(error).__name__)
    finally:
        if messages.is_on() and (next_at := delivery.next_at()):
            schedule_delivery(max(next_at, earliest))


def wake_worker(at: dt.datetime) -> None:
    """Make the worker send mail at this time, once the current transaction is committed."""
    # An error in scheduling must not fail the request: recorded mail is sent with the next delivery.
    transaction.on_commit(lambda: schedule_delivery(at), robust=True)


def schedule_delivery(at: dt.datetime) -> None:
    """Schedule `send_due_mail` for this time, unless it will run by then anyway."""
    scheduled = DBTaskResult.objects.filter(task_path=send_due_mail.module_path, status=TaskResultStatus.READY)
    if not scheduled.filter(run_after__lte=at).exists():
        send_due_mail.using(run_after=at).enqueue()
