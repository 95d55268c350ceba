"""What the worker (`manage.py db_worker`) does about running the site: backups when they are planned, and checks."""

import logging

from django.conf import settings
from django.db import DatabaseError
from django.tasks import TaskResultStatus, task
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from operations.backups.errors import BackupError
from operations.backups.schedule import describe_error, do_what_is_due, next_time
from operations.checks.outcomes import run_checks

_log = logging.getLogger(__name__)


@task()
def back_up_if_due() -> None:
    """Make a backup if one is planned, and come back when the next one is. Whatever happens is recorded."""
    if not settings.BROADSIDE_BACKUP_URL:
        return
    try:
        do_what_is_due(lambda step, done, total: None)
    except (BackupError, OSError, DatabaseError) as error:
        # The dashboard shows it.
        _log.error("The backup failed: %s", describe_error(error))
    finally:
        schedule_backup()


@task()
def check_site() -> None:
    """Run all checks, and let the dashboard show what the slow ones find."""
    for _outcome in run_checks(remember=True):
        pass


def schedule_backup() -> None:
    """Have the worker make the next backup that is planned, unless it will do so anyway."""
    scheduled = DBTaskResult.objects.filter(task_path=back_up_if_due.module_path, status=TaskResultStatus.READY)
    if settings.BROADSIDE_BACKUP_URL and not scheduled.exists():
        back_up_if_due.using(run_after=next_time(timezone.now())).enqueue()
