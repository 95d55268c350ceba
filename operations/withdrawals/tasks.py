"""The worker's tasks for withdrawals."""

import datetime as dt
import logging
from typing import Final

from django.apps import apps
from django.tasks import task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.tasks import TaskKind, daily
from operations.erasing import rewrite
from operations.models import GoneUrl, Withdrawal, WithdrawalState, WithdrawnRow
from operations.withdrawals import lifecycle
from operations.withdrawals.encryption import UnreadableError
from operations.withdrawals.warnings import remember_names
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


@TaskKind(_("Maintaining withdrawn names"), time_limit=dt.timedelta(hours=12), schedule=daily(4, 50))
@task()
def do_upkeep() -> None:
    """Make withdrawals final that can no longer be undone, and replace names that have come back.

    Safe to call at any time, and concurrently.
    """
    lifecycle.end_overdue(timezone.now())
    for withdrawal in lifecycle.in_force():
        try:
            lifecycle.repeat(withdrawal)
            work(withdrawal, float("inf"))
        except lifecycle.AnotherActiveError:
            # It gets its turn tomorrow.
            continue
        except UnreadableError:
            _log.error("%s can't be read, because SECRET_KEY has changed.", withdrawal)
    remember_names()
    if ended := list(lifecycle.unscrubbed()):
        labels = {label for withdrawal in ended for label in withdrawal.counts}
        rewrite({*map(apps.get_model, labels), Withdrawal, WithdrawnRow, GoneUrl})
        for withdrawal in ended:
            lifecycle.move(withdrawal, [WithdrawalState.FINAL], WithdrawalState.FINAL, cursor={})
