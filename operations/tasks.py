"""The worker's tasks for operating the site: backups, checks, deleting old data."""

import datetime as dt
import logging

from django.conf import settings
from django.db import DatabaseError
from django.tasks import task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.tasks import PASSING, TaskKind, daily, every
from operations.backups.errors import BackupError, BusyError
from operations.backups.schedule import describe_error, do_what_is_due, next_time
from operations.checks.outcomes import run_checks
from operations.erasing import forget_copies, rewrite_if_small
from operations.models import WorkerHeartbeat
from operations.upgrading.postgresql import delete_leftovers
from operations.worker import queue

# How long the heartbeat of a worker that has ended is kept.
_KEEP_HEARTBEATS_FOR = dt.timedelta(days=1)
# When a scheduled backup is tried again if another backup or a restore is running.
_BUSY_PAUSE = dt.timedelta(minutes=15)

_log = logging.getLogger(__name__)


@TaskKind(
    _("Making a backup"),
    attempts=4,
    retry_on=(BackupError, *PASSING),
    time_limit=dt.timedelta(days=1),
    schedule=next_time,
)
@task()
def back_up_if_due() -> None:
    """Make a backup if one is due, and verify the newest from time to time. The dashboard shows failures."""
    if not settings.BROADSIDE_BACKUP_URL:
        return
    try:
        do_what_is_due(lambda step, done, total: None)
    except BusyError:
        # It may take hours. If it makes a backup, none is due any more afterwards.
        back_up_if_due.using(run_after=timezone.now() + _BUSY_PAUSE).enqueue()
    except (BackupError, OSError, DatabaseError) as error:
        _log.error("The backup failed: %s", describe_error(error))
        raise


@TaskKind(_("Deleting results of old tasks"), schedule=daily(4, 10))
@task()
def forget_old_tasks() -> None:
    """Delete the results of tasks and the heartbeats of workers that ended long ago."""
    queue.delete_old_results()
    WorkerHeartbeat.objects.filter(at__lt=timezone.now() - _KEEP_HEARTBEATS_FOR).delete()


@TaskKind(_("Deleting copies of deleted data"), schedule=every(dt.timedelta(hours=1)))
@task()
def forget_deleted() -> None:
    """Delete copies of public pages that are out of date, and empty the log of the database."""
    forget_copies()


# Before the backup, which then contains nothing that was deleted the day before.
@TaskKind(_("Rewriting the database"), time_limit=dt.timedelta(hours=6), schedule=daily(3, 5))
@task()
def rewrite_database() -> None:
    """Rewrite the search index and the database without deleted data, and delete leftover copies of it."""
    delete_leftovers()
    rewrite_if_small()


# Starts at once, so that the dashboard of a new site doesn't say that nothing was checked.
@TaskKind(_("Checking the site"), schedule=daily(5, 10), starts_at_once=True)
@task()
def check_site() -> None:
    """Run all checks, and store the results of the slow ones for the dashboard."""
    for _outcome in run_checks(remember=True):
        pass
