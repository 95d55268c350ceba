"""What is done every day about names that are withdrawn."""

import logging

from django.utils import timezone

from operations.models import WithdrawalState
from operations.withdrawals import lifecycle
from operations.withdrawals.encryption import UnreadableError
from operations.withdrawals.scrubbing import scrub
from operations.withdrawals.warnings import remember_names
from operations.withdrawals.working import work

_log = logging.getLogger(__name__)


def look_after_withdrawals() -> None:
    """Delete for good what can't be undone any more, and replace names again that have come back.

    Safe to call at any time, and by several processes.
    """
    lifecycle.end_overdue(timezone.now())
    for withdrawal in lifecycle.in_force():
        try:
            lifecycle.repeat(withdrawal)
            work(withdrawal, float("inf"))
        except lifecycle.AnotherActiveError:
            # It will have its turn tomorrow.
            continue
        except UnreadableError:
            _log.error("%s can't be read, because SECRET_KEY has changed.", withdrawal)
    remember_names()
    if ended := list(lifecycle.unscrubbed()):
        scrub({label for withdrawal in ended for label in withdrawal.counts})
        for withdrawal in ended:
            lifecycle.move(withdrawal, [WithdrawalState.FINAL], WithdrawalState.FINAL, cursor={})
