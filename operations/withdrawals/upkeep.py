"""The daily upkeep of withdrawals."""

import logging

from django.apps import apps
from django.utils import timezone

from operations.erasing import rewrite
from operations.models import GoneUrl, Withdrawal, WithdrawalState, WithdrawnRow
from operations.withdrawals import lifecycle
from operations.withdrawals.encryption import UnreadableError
from operations.withdrawals.warnings import remember_names
from operations.withdrawals.working import work

_log = logging.getLogger(__name__)


def look_after_withdrawals() -> None:
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
