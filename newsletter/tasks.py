"""The worker's other tasks for the newsletter (`manage.py worker`): read bounces and the like, and tidy up."""

import datetime as dt
from typing import Final

from django.conf import settings
from django.tasks import task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.bulk import delete_in_batches
from core.tasks import TaskKind, daily, every
from mail import mailboxes
from newsletter import returns, subscriptions
from newsletter.models import Delivery

# How long deliveries are kept, which tell who got an issue.
KEEP: Final = dt.timedelta(days=90)


@TaskKind(_("Reading bounced e-mails"), schedule=every(dt.timedelta(minutes=5)))
@task()
def read_returns() -> None:
    """Read the mailbox for bounces, complaints and requests to unsubscribe."""
    if returns.is_on():
        mailboxes.process(settings.BROADSIDE_BOUNCE_MAILBOX, returns.handle)


@TaskKind(_("Deleting data that the newsletter no longer needs"), schedule=daily(4, 45))
@task()
def tidy_newsletter() -> None:
    """Delete expired requests, addresses that follow nothing, and the deliveries of old issues."""
    subscriptions.delete_old_requests()
    subscriptions.delete_unused()
    delete_in_batches(Delivery.objects.filter(issue__created_at__lt=timezone.now() - KEEP).order_by("pk"))
