"""When backups are made and verified, and recording the results."""

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext as _

from core.file_errors import describe_file_error
from core.progress_callback import ProgressCallback
from operations.backups.creating import BackupResult, create_backup
from operations.backups.errors import BackupError, NotTriedError, RetentionError, is_disk_full
from operations.backups.media import drop_staged_media
from operations.backups.restoring import check, finish, open_backup
from operations.backups.sealing import Identity
from operations.backups.stores import Store, open_store
from operations.backups.work import damaged_files, work_folder
from operations.models import BackupRun, RunKind

# How often the newest backup is verified, if that needs no private key.
CHECK_INTERVAL: Final = dt.timedelta(days=7)

_log = logging.getLogger(__name__)


def planned_times(now: dt.datetime) -> list[dt.datetime]:
    """Return when backups are planned, from two days ago until tomorrow."""
    today = timezone.localtime(now).date()
    zone = timezone.get_current_timezone()
    days = (today + dt.timedelta(days=day) for day in (-2, -1, 0, 1))
    return sorted(dt.datetime.combine(day, time, zone) for day in days for time in settings.BROADSIDE_BACKUP_TIMES)


def next_time(now: dt.datetime) -> dt.datetime:
    """Return when the next backup is planned."""
    return min(time for time in planned_times(now) if time > now)


def is_due(now: dt.datetime) -> bool:
    """Whether no backup has been made since the last planned time."""
    last = BackupRun.objects.complete().last(RunKind.BACKUP)
    planned = max(time for time in planned_times(now) if time <= now)
    # A backup from the future was made before the clock was set back.
    return last is None or not planned <= last.finished_at <= now


def is_late(last: BackupRun, now: dt.datetime) -> bool:
    """Whether two planned backups have been missed since the last one."""
    return last.finished_at < [time for time in planned_times(now) if time <= now][-2]


def is_check_due(now: dt.datetime) -> bool:
    """Whether the newest backup should be verified, and can be without a private key."""
    if settings.BROADSIDE_BACKUP_PUBLIC_KEY:
        return False
    last = BackupRun.objects.last_successful(RunKind.CHECK)
    return last is None or not now - CHECK_INTERVAL <= last.finished_at <= now


def back_up(destination: str, progress: ProgressCallback) -> BackupResult:
    """Make a backup and record the result. Raises BackupError, or OSError if something can't be read or written."""
    with _recorded(RunKind.BACKUP), work_folder() as folder:
        finish()
        drop_staged_media()
        report = create_backup(open_store(destination), folder, progress)
        if settings.BROADSIDE_BACKUP_URL in {destination, ""}:
            # A backup to another store doesn't replace the files that were found to be damaged in this one.
            damaged_files().unlink(missing_ok=True)
    try:
        BackupRun.record(RunKind.BACKUP, backup=report.name, missing=len(report.manifest.missing))
    except DatabaseError as error:
        # A database that can only be read is still worth a backup.
        _log.error("A backup was made, but that could not be recorded: %s", error)
    return report


def verify(store: Store, name: str, private_keys: list[Identity], progress: ProgressCallback) -> str:
    """Verify a backup, by default the newest, and record the result. Return its name. Raises BackupError or OSError."""
    with _recorded(RunKind.CHECK, name), work_folder() as folder:
        opened = open_backup(store, name, private_keys)
        check(opened, folder, progress)
    # On a machine without the site, there is no database to record it in.
    with suppress(DatabaseError):
        BackupRun.record(RunKind.CHECK, backup=opened.name)
    return opened.name


def do_what_is_due(progress: ProgressCallback) -> BackupResult | None:
    """Make a backup if one is due, and verify the newest from time to time. Raises BackupError or OSError."""
    report = None
    if is_due(timezone.now()):
        report = back_up(settings.BROADSIDE_BACKUP_URL, progress)
    if is_check_due(timezone.now()):
        verify(open_store(settings.BROADSIDE_BACKUP_URL), "", [], progress)
    return report


def describe_error(error: Exception) -> str:
    """Return a sentence about what went wrong."""
    if is_disk_full(error):
        return _("The disk is full. Nothing incomplete was left on it. Free some space, then run this again.")
    if isinstance(error, DatabaseError):
        return _("The database can't be used: %s") % str(error).strip()
    if isinstance(error, PermissionError) and error.filename:
        return describe_file_error(error)
    if isinstance(error, OSError):
        detail = error.strerror or str(error)
        if error.filename:
            detail += f" ({error.filename})"
        return _("Something could not be read or written: %s. Check the disk or the object storage.") % detail
    return str(error)


@contextmanager
def _recorded(kind: RunKind, name: str = "") -> Iterator[None]:
    """Record it if the block fails."""
    try:
        yield
    except NotTriedError:
        raise
    except (BackupError, OSError, DatabaseError) as error:
        complete = error.backup if isinstance(error, RetentionError) else name
        try:
            BackupRun.record(kind, backup=complete, error=describe_error(error))
        except DatabaseError as unrecorded:
            _log.error("A failed %s could not be recorded: %s", kind.value, unrecorded)
        raise
