"""Notices for owners about withdrawals, on the dashboard."""

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from core.dashboard import Concern
from operations.models import Withdrawal, WithdrawalState


def unfinished_withdrawals(request: HttpRequest) -> Iterator[Concern]:
    """Yield a concern for each withdrawal that is not complete."""
    done = [WithdrawalState.UNDONE, WithdrawalState.FINAL]
    for withdrawal in Withdrawal.objects.exclude(state__in=done).defer("sealed").order_by("pk"):
        url = reverse("admin:operations_withdrawal_change", args=[withdrawal.pk])
        if withdrawal.is_active:
            yield Concern(gettext("A name is still being withdrawn. Check that it makes progress."), url)
        elif withdrawal.state == WithdrawalState.FOUND:
            yield Concern(gettext("A name was searched for, but has not been withdrawn yet."), url)
        elif withdrawal.by_hand:
            yield Concern(gettext("A withdrawn name is still in texts that have to be changed by hand."), url)
