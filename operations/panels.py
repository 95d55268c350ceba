"""What the dashboard shows to owners about operating the site."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.dashboard import Panel
from operations.backups.schedule import is_late
from operations.models import BackupRun, RunKind
from operations.worker.failures import failed_kinds

# After which time a backup should be proved again, which takes the owner's key if it is encrypted.
_PROVEN_AGAIN: Final = dt.timedelta(days=31)


def _backups(request: HttpRequest) -> dict[str, Any]:
    made = BackupRun.objects.last_successful(RunKind.BACKUP)
    proven = BackupRun.objects.last_successful(RunKind.CHECK)
    return {"made": made, "proven": proven, "warnings": list(_warnings(made, proven))}


def _failed_tasks(request: HttpRequest) -> dict[str, Any] | None:
    kinds = failed_kinds()
    return {"kinds": kinds} if kinds else None


def _warnings(made: BackupRun | None, proven: BackupRun | None) -> Iterator[str]:
    """Yield what is wrong, and what to do about it."""
    if not settings.BROADSIDE_BACKUP_URL:
        yield _("This site is not backed up. Set BACKUP_URL, as docs/owners.md describes under “Backups”.")
        return
    now = timezone.now()
    last = BackupRun.objects.last(RunKind.BACKUP)
    if last and last.error:
        when = formats.date_format(timezone.localtime(last.finished_at), "DATETIME_FORMAT")
        yield _("The last backup failed (%(when)s): %(error)s") % {"when": when, "error": last.error}
    elif made is None:
        yield _("No backup has been made yet. Run “manage.py backup”, and check that the worker runs.")
    elif is_late(made, now):
        yield _("Backups are late. Check that the worker runs, or run “manage.py backup”.")
    if made and made.missing:
        text = ngettext(
            "%d media file is missing on this site, and so in the backup. “manage.py backup” names it.",
            "%d media files are missing on this site, and so in the backup. “manage.py backup” names them.",
            made.missing,
        )
        yield text % made.missing
    yield from _warnings_about_checks(made, proven, now)


def _warnings_about_checks(made: BackupRun | None, proven: BackupRun | None, now: dt.datetime) -> Iterator[str]:
    key = " --key FILE" if settings.BROADSIDE_BACKUP_PUBLIC_KEY else ""
    last = BackupRun.objects.last(RunKind.CHECK)
    if last and last.error:
        yield _("The last backup that was checked can't be restored. %s") % last.error
    elif made and (proven is None or proven.finished_at < now - _PROVEN_AGAIN):
        text = _("For a month, no backup was proven to be restorable. Run “manage.py restore --check%s”.")
        yield text % key
    if not key:
        yield _("Backups are not encrypted: who gets hold of one can read everything. Set BACKUP_PUBLIC_KEY.")


FAILED_TASKS: Final = Panel(
    gettext_lazy("Failed tasks"),
    "admin/operations/_failed_tasks.html",
    _failed_tasks,
    ("core.change_sitesettings",),
    order=1,
)
BACKUPS: Final = Panel(
    gettext_lazy("Backups"), "admin/operations/_backups.html", _backups, ("core.change_sitesettings",), order=5
)
