"""Checks of the machine: who can read and write which files, the disk, the clock, what is installed."""

import ctypes
import datetime as dt
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import django
from django.conf import settings
from django.core.files.base import ContentFile
from django.template.defaultfilters import filesizeformat
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.cache import is_cache_working
from core.languages import in_quotes, separator
from media.models import Picture
from operations.backups.work import RESERVE
from operations.checks.diagnoses import CheckOptions, Diagnosis, folder_advice
from operations.file_permissions import find_exposed
from operations.models import FreeSpace

# The last day of security fixes. Sources: PEP 693, PEP 719, PEP 745; djangoproject.com, "Supported Versions".
_PYTHON_ENDS: Final = {
    (3, 12): dt.date(2028, 10, 31),
    (3, 13): dt.date(2029, 10, 31),
    (3, 14): dt.date(2030, 10, 31),
    (3, 15): dt.date(2031, 10, 31),
}
_DJANGO_ENDS: Final = {(6, 0): dt.date(2027, 4, 30), (6, 1): dt.date(2027, 12, 31), (6, 2): dt.date(2030, 4, 30)}
_SOON: Final = dt.timedelta(days=90)
# The levels for warnings and problems, in bytes, days and files.
_LOW: Final = 2**30
_FEW_DAYS, _VERY_FEW_DAYS = 60, 14
_FEW_FILES, _VERY_FEW_FILES = 50_000, 5_000
# On Linux: what adjtimex() returns if nothing sets the clock, and the size of its argument, with room to spare.
_TIME_ERROR: Final = 5
_TIMEX_BYTES: Final = 512


def permissions(options: CheckOptions) -> Iterator[Diagnosis]:
    if exposed := find_exposed():
        yield Diagnosis.problem(
            _("Other users of this machine can read or change: %s.")
            % separator().join(in_quotes(path) for path, _mode in exposed),
            _("Run: %s")
            % separator().join(in_quotes(f"chmod {mode} {shlex.quote(str(path))}") for path, mode in exposed),
        )
    else:
        yield Diagnosis.ok(_("Other users of this machine can't read the settings or the data."))


def code(options: CheckOptions) -> Iterator[Diagnosis]:
    if os.geteuid() == 0:
        yield Diagnosis.warning(
            _("The site runs as root, so a fault in it can do anything to this machine."),
            _("Run the site and its commands as another user. The command “broadside” does so."),
        )
        return
    base: Path = settings.BASE_DIR
    writable = [
        path for path in (base, base / "manage.py", base / "config", base / ".venv") if os.access(path, os.W_OK)
    ]
    if writable:
        yield Diagnosis.warning(
            _("The site can change its own code (%s), and so can anyone who breaks into it.")
            % separator().join(map(in_quotes, writable)),
            _(
                "As root, make root the owner of the code: “chown -R root: %(base)s”, and then “chown -R broadside: "
                "%(data)s”."
            )
            % {"base": base, "data": settings.DATA_DIR},
        )
    else:
        yield Diagnosis.ok(_("The site can't change its own code."))


def disk(options: CheckOptions) -> Iterator[Diagnosis]:
    free = shutil.disk_usage(settings.DATA_DIR).free
    days = days_until_full(free)
    advice = _(
        "Delete anything that isn't needed, such as old logs, exports and backups on this disk, or get a larger disk."
    )
    left = filesizeformat(free)
    if free < RESERVE:
        yield Diagnosis.problem(_("The disk is full: only %s is left, so nothing can be stored.") % left, advice)
    elif days is not None and days < _FEW_DAYS:
        text = ngettext(
            "At this rate, the disk will be full in %(days)d day: %(left)s is left.",
            "At this rate, the disk will be full in %(days)d days: %(left)s is left.",
            days,
        ) % {"days": days, "left": left}
        yield (Diagnosis.problem if days < _VERY_FEW_DAYS else Diagnosis.warning)(text, advice)
    elif free < _LOW:
        yield Diagnosis.warning(_("Only %s is left on the disk.") % left, advice)
    else:
        yield Diagnosis.ok(_("%s is left on the disk.") % left)
    files = os.statvfs(settings.DATA_DIR)
    # Some file systems have no limit and report 0.
    if files.f_files and files.f_favail < _FEW_FILES:
        text = _("The disk has room for only %d more files, however small.") % files.f_favail
        yield (Diagnosis.problem if files.f_favail < _VERY_FEW_FILES else Diagnosis.warning)(text, advice)


def cache(options: CheckOptions) -> Iterator[Diagnosis]:
    try:
        problem = "" if is_cache_working() else _("The cache does not keep what is stored in it.")
    except Exception as error:  # noqa: BLE001  each kind of cache has its own errors
        problem = _("The cache can't be used (%s), so pages are slower.") % type(error).__name__
    if problem:
        advice = _(
            "Check CACHE_URL, and that the server it names is running. Without CACHE_URL, the site has to be "
            "able to write to %s."
        )
        yield Diagnosis.problem(problem, advice % (settings.DATA_DIR / "cache"))
    else:
        yield Diagnosis.ok(_("The cache can be used."))


def media(options: CheckOptions) -> Iterator[Diagnosis]:
    """Store a file where new images are stored, and delete it."""
    field = Picture._meta.get_field("file")
    # No image has this name, because it has no suffix.
    name = field.generate_filename(Picture(), "check")
    try:
        # What an interrupted check has left.
        field.storage.delete(name)
        # The name is another one if a check in another process has just taken this one.
        field.storage.delete(field.storage.save(name, ContentFile(b"check")))
    except OSError as error:
        text = _("Images and other files can't be stored (%s).") % (error.strerror or type(error).__name__)
        advice = folder_advice(settings.MEDIA_ROOT), _("If they are in a bucket, check STORAGE_URL.")
        yield Diagnosis.problem(text, " ".join(advice))
    else:
        yield Diagnosis.ok(_("Images and other files can be stored."))


def days_until_full(free: int) -> int | None:
    """Return in how many days the disk will be full at the rate of the last weeks; None if that is not known."""
    today = timezone.localdate()
    first = FreeSpace.objects.filter(day__lte=today - dt.timedelta(days=7)).order_by("day").first()
    if first is None:
        return None
    used_per_day = (first.bytes - free) / (today - first.day).days
    return int(free / used_per_day) if used_per_day > 0 else None


def clock(options: CheckOptions) -> Iterator[Diagnosis]:
    match _is_clock_set():
        case False:
            yield Diagnosis.warning(
                _(
                    "The clock of this machine is not synchronised, so it will drift, and posts will appear early or "
                    "late."
                ),
                _("As root, run “timedatectl set-ntp true”, or install chrony."),
            )
        case True:
            yield Diagnosis.ok(_("The clock of this machine is set from the network."))
        case None:
            yield Diagnosis.ok(_("The system doesn't report whether the clock of this machine is synchronised."))


def _is_clock_set() -> bool | None:
    """Return whether the kernel reports that something sets the clock; None if unknown. Source: adjtimex(2)."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    # The call may be forbidden in a sandbox.
    return None if state < 0 else state != _TIME_ERROR


def versions(options: CheckOptions) -> Iterator[Diagnosis]:
    python, framework = sys.version_info[:2], django.VERSION[:2]
    for name, number, ends in (("Python", python, _PYTHON_ENDS), ("Django", framework, _DJANGO_ENDS)):
        version = ".".join(map(str, number))
        end = ends.get(number)
        if end is None:
            yield Diagnosis.warning(
                _("This version of Broadside doesn't know %(name)s %(version)s.") % {"name": name, "version": version},
                _("Upgrade Broadside, as docs/maintaining.md describes."),
            )
            continue
        date = formats.date_format(end)
        if end < timezone.localdate():
            yield Diagnosis.problem(
                _("%(name)s %(version)s has had no security fixes since %(date)s.")
                % {"name": name, "version": version, "date": date},
                _("Upgrade Broadside and the system, as docs/maintaining.md describes."),
            )
        elif end < timezone.localdate() + _SOON:
            yield Diagnosis.warning(
                _("%(name)s %(version)s gets no security fixes after %(date)s.")
                % {"name": name, "version": version, "date": date},
                _("Upgrade Broadside and the system before that, as docs/maintaining.md describes."),
            )
        else:
            yield Diagnosis.ok(
                _("%(name)s %(version)s gets security fixes until %(date)s.")
                % {"name": name, "version": version, "date": date}
            )
