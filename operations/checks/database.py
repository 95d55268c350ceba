"""Checks of the database."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import AuditRecord
from comments.models import Comment
from core.changes import use_throwaway_version
from core.clock import CLOCK_TOLERANCE
from core.dates import format_datetime
from core.tasks import task_kinds
from operations.checks.diagnoses import CheckOptions, Diagnosis
from operations.migrations_applied import unapplied_migrations
from operations.models import BackupRun, ScheduledTime

# The last day of support for PostgreSQL, by major version. Source: postgresql.org, "Versioning Policy".
_POSTGRESQL_ENDS: Final = {
    15: dt.date(2027, 11, 11),
    16: dt.date(2028, 11, 9),
    17: dt.date(2029, 11, 8),
    18: dt.date(2030, 11, 14),
}
# From this version on, the search index needs no second copy of texts.
_GOOD_SQLITE: Final = (3, 43)
# Several pages of SQLite.
_TRIAL_BYTES: Final = 2**16
# How many missing migrations are listed.
_NAMED: Final = 3


def migrations(options: CheckOptions) -> Iterator[Diagnosis]:
    missing = unapplied_migrations()
    if missing and not connection.introspection.table_names():
        yield Diagnosis.problem(
            _("The database is empty."),
            _(
                "If this site is new, run “manage.py migrate”. Otherwise, the settings lead to the wrong database: "
                "check DATABASE_URL and BROADSIDE_DATA (%s), and that the disk with the data is mounted."
            )
            % settings.DATA_DIR,
        )
    elif missing:
        text = ngettext(
            "The database is not up to date with the code: %(count)d migration is missing (%(names)s).",
            "The database is not up to date with the code: %(count)d migrations are missing (%(names)s).",
            len(missing),
        )
        names = ", ".join(missing[:_NAMED]) + ", …" * (len(missing) > _NAMED)
        yield Diagnosis.problem(
            text % {"count": len(missing), "names": names},
            _("Make a backup, run “manage.py migrate”, and restart the site."),
        )
    else:
        yield Diagnosis.ok(_("The database is up to date with the code."))


def version(options: CheckOptions) -> Iterator[Diagnosis]:
    if connection.vendor == "sqlite":
        if sqlite3.sqlite_version_info < _GOOD_SQLITE:
            yield Diagnosis.warning(
                _("SQLite %s is old, so the search needs more space.") % sqlite3.sqlite_version,
                _("Upgrade the system to Debian 13 or later, and run “manage.py rebuild_search”."),
            )
        else:
            yield Diagnosis.ok(_("SQLite %s is new enough.") % sqlite3.sqlite_version)
        return
    connection.ensure_connection()
    major = int(getattr(connection, "pg_version", 0)) // 10_000
    end = _POSTGRESQL_ENDS.get(major)
    if end is None or end < timezone.localdate():
        yield Diagnosis.warning(
            _("PostgreSQL %d no longer gets fixes, or is too new for this version of Broadside.") % major,
            _("Upgrade PostgreSQL or Broadside. Make a backup first."),
        )
    else:
        yield Diagnosis.ok(_("PostgreSQL %d still gets fixes.") % major)


def writable(options: CheckOptions) -> Iterator[Diagnosis]:
    # Any failure raises an error, which becomes a diagnosis.
    with transaction.atomic():
        use_throwaway_version()
        transaction.set_rollback(True)
    if connection.vendor == "sqlite":
        _write_beside_database()
    yield Diagnosis.ok(_("The database can be written to."))


def _write_beside_database() -> None:
    """Write to the disk of the database, because SQLite does that only when a transaction is committed."""
    folder = Path(connection.settings_dict["NAME"]).parent
    try:
        with TemporaryFile(dir=folder, buffering=0) as file:
            file.write(bytes(_TRIAL_BYTES))
    except OSError as error:
        raise OperationalError(error.strerror) from error


def clock(options: CheckOptions) -> Iterator[Diagnosis]:
    """Compare the clocks of this machine and of the database, and look for what a wrong clock has left."""
    is_wrong = False
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            ((there,),) = cursor.fetchall()
        if abs(there - timezone.now()) > CLOCK_TOLERANCE:
            is_wrong = True
            yield Diagnosis.problem(
                _("The clocks of this machine and of the database differ by more than a minute."),
                _("Have both set their clocks from the network: “timedatectl set-ntp true”."),
            )
    future = [str(name) for name, at in _newest() if at > timezone.now() + CLOCK_TOLERANCE]
    if future:
        is_wrong = True
        yield Diagnosis.problem(
            _("The newest %s are dated in the future: the clock is wrong, or was when they were stored.")
            % ", ".join(future),
            _("Check the clock with “timedatectl”. If it is right, this will pass on its own."),
        )
    if until := _deletion_waits_until():
        is_wrong = True
        text = _(
            "The clock was set, or no worker was running for more than a day. So old data is not deleted before %s."
        )
        yield Diagnosis.warning(
            text % format_datetime(until), _("Check the clock with “timedatectl”. If it is wrong, set it before then.")
        )
    if not is_wrong:
        yield Diagnosis.ok(_("None of the newest records is dated in the future."))


def _newest() -> Iterator[tuple[Any, dt.datetime]]:
    """Yield the names of some tables, each with the time of the row that was stored last."""
    for model, field in ((Comment, "created_at"), (AuditRecord, "at"), (BackupRun, "finished_at")):
        newest = model._default_manager.order_by("-pk").values_list(field, flat=True).first()
        if newest is not None:
            yield model._meta.verbose_name_plural, newest


def _deletion_waits_until() -> dt.datetime | None:
    """Return when the first task that deletes old data is due, if it is later than its schedule says."""
    now = timezone.now()
    kinds = {path: kind for path, kind in task_kinds.items() if kind.deletes_old}
    stored = ScheduledTime.objects.filter(name__in=kinds).values_list("name", "at")
    planned = ((at, kinds[name].schedule) for name, at in stored)
    return min((at for at, schedule in planned if schedule and at > schedule(now)), default=None)
