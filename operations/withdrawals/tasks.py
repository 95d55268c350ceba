"""What the worker (`manage.py db_worker`) does about withdrawals."""

import datetime as dt
import logging
from typing import Final

from django.tasks import TaskResultStatus, task
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from operations.models import Withdrawal
from operations.withdrawals.encryption import UnreadableError
from operations.withdrawals.lifecycle import in_force, unscrubbed
from operations.withdrawals.upkeep import look_after_withdrawals
from operations.withdrawals.working import work

# In seconds. Then other tasks have their turn.
_TURN: Final = 20
_DAY: Final = dt.timedelta(days=1)

_log = logging.getLogger(__name__)


@task()
def continue_withdrawal(pk: int) -> None:
    """Continue a withdrawal for some seconds, and come back if it is not finished."""
    withdrawal = Withdrawal.objects.filter(pk=pk).first()
    if withdrawal is None:
        return
    try:
        if not work(withdrawal, _TURN):
            continue_withdrawal.enqueue(pk)
    except UnreadableError:
        _log.error("%s can't be read, because SECRET_KEY has changed.", withdrawal)
    schedule_upkeep()


@task()
def do_upkeep() -> None:
    """Do what is due every day, and come back tomorrow while any withdrawal can be undone."""
    try:
        look_after_withdrawals()
    finally:
        schedule_upkeep()


def schedule_upkeep() -> None:
    """Have the worker look after withdrawals tomorrow, unless it will do so anyway."""
    scheduled = DBTaskResult.objects.filter(task_path=do_upkeep.module_path, status=TaskResultStatus.READY)
    if (in_force() or unscrubbed().exists()) and not scheduled.exists():
        do_upkeep.using(run_after=timezone.now() + _DAY).enqueue()
