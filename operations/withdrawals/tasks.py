"""The worker's tasks for withdrawals."""

import datetime as dt
import logging
from typing import Final

from django.tasks import task
from django.utils.translation import gettext_lazy as _

from core.tasks import TaskKind
from operations.models import Withdrawal
from operations.withdrawals.encryption import UnreadableError
from operations.withdrawals.upkeep import look_after_withdrawals
from operations.withdrawals.working import work

# How many seconds one run may take, so that other tasks get their turn.
_TURN: Final = 20

_log = logging.getLogger(__name__)


@TaskKind(_("Withdrawing a name"))
@task()
def continue_withdrawal(pk: int) -> None:
    """Continue a withdrawal for some seconds, and enqueue the task again if it is not finished."""
    withdrawal = Withdrawal.objects.filter(pk=pk).first()
    if withdrawal is None:
        return
    try:
        if not work(withdrawal, _TURN):
            continue_withdrawal.enqueue(pk)
    except UnreadableError:
        _log.error("%s can't be read, because SECRET_KEY has changed.", withdrawal)


@TaskKind(_("Maintaining withdrawn names"), time_limit=dt.timedelta(hours=12))
@task()
def do_upkeep() -> None:
    """Make withdrawals final that can no longer be undone, and replace names that have come back."""
    look_after_withdrawals()
