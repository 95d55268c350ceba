"""Checks of the backups: whether there is a recent one that is verified, encrypted, and stored elsewhere."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.dates import format_datetime, time_since
from operations.backups.schedule import is_late
from operations.checks.diagnoses import CheckOptions, Diagnosis
from operations.models import BackupRun, RunKind

# How long after a backup was verified another one should be, which needs the owner's key if backups are encrypted.
_PROVEN_AGAIN: Final = dt.timedelta(days=31)


def backups(options: CheckOptions) -> Iterator[Diagnosis]:
    if not settings.BROADSIDE_BACKUP_URL:
        yield Diagnosis.problem(_("This site is not backed up."), _("Set BACKUP_URL, as docs/backups.md describes."))
        return
    made = BackupRun.objects.last_successful(RunKind.BACKUP)
    proven = BackupRun.objects.last_successful(RunKind.CHECK)
    now = timezone.now()
    problems = [*_about_the_last(made, now), *_about_checks(made, proven, now), *_about_the_place()]
    yield from problems
    if made and not problems:
        times = {"made": time_since(made.finished_at), "proven": time_since(proven.finished_at) if proven else ""}
        yield Diagnosis.ok(
            _("The last backup was made %(made)s ago. A backup was last proven restorable %(proven)s ago.") % times
        )


def _about_the_last(made: BackupRun | None, now: dt.datetime) -> Iterator[Diagnosis]:
    last = BackupRun.objects.last(RunKind.BACKUP)
    if last and last.error:
        when = format_datetime(last.finished_at)
        yield Diagnosis.problem(_("The last backup failed (%s).") % when, last.error)
    elif made is None:
        yield Diagnosis.problem(
            _("No backup has been made yet."), _("Run “manage.py backup”, and check that the worker is running.")
        )
    elif is_late(made, now):
        text = _("Backups are late. The last one was made %s ago.") % time_since(made.finished_at)
        yield Diagnosis.problem(text, _("Check that the worker is running, or run “manage.py backup”."))
    if made and made.missing:
        text = ngettext(
            "%d media file is missing from this site, and therefore from the backup.",
            "%d media files are missing from this site, and therefore from the backup.",
            made.missing,
        )
        advice = _("Run “manage.py backup” to see which. Upload them again, or delete them from the library.")
        yield Diagnosis.warning(text % made.missing, advice)


def _about_checks(made: BackupRun | None, proven: BackupRun | None, now: dt.datetime) -> Iterator[Diagnosis]:
    last = BackupRun.objects.last(RunKind.CHECK)
    if last and last.error:
        yield Diagnosis.problem(_("The last backup that was checked can't be restored."), last.error)
    elif made and (proven is None or proven.finished_at < now - _PROVEN_AGAIN):
        if proven is None:
            text = _("No backup has been proven to be restorable yet.")
        else:
            text = _("No backup has been proven to be restorable for %s.") % time_since(proven.finished_at)
        if settings.BROADSIDE_BACKUP_PUBLIC_KEY:
            # The private key must never be stored on the server.
            advice = _(
                "From your own computer, where the key is, run “manage.py restore --check --key -” on the server, as "
                "docs/running.md describes."
            )
        else:
            advice = _("Run “manage.py restore --check”.")
        yield Diagnosis.warning(text, advice)


def _about_the_place() -> Iterator[Diagnosis]:
    if not settings.BROADSIDE_BACKUP_PUBLIC_KEY:
        yield Diagnosis.warning(
            _("Backups are not encrypted: anyone who gets hold of one can read everything."),
            _("Set BACKUP_PUBLIC_KEY, as docs/backups.md describes."),
        )
    if "://" not in settings.BROADSIDE_BACKUP_URL and _is_on_the_same_disk(Path(settings.BROADSIDE_BACKUP_URL)):
        yield Diagnosis.warning(
            _("Backups are on the same disk as the site, and would be lost together with it."),
            _(
                "Copy that folder to another place every day, or point BACKUP_URL at a bucket or at the disk of "
                "another machine."
            ),
        )


def _is_on_the_same_disk(folder: Path) -> bool:
    try:
        return folder.stat().st_dev == Path(settings.DATA_DIR).stat().st_dev
    except OSError:
        # There is no backup yet, which is reported elsewhere.
        return False
