"""What the privacy page says about the log, traces of what was deleted, withdrawn names and backups."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import SiteSettings
from core.privacy import Concerned, KeptData
from operations.backups.retention import RECENT


def kept_for_operation(site: SiteSettings) -> Iterator[KeptData]:
    """Describe the data that is kept to run the site."""
    yield KeptData(
        Concerned.EVERYONE,
        _("The log of errors"),
        _("As long as the server keeps its log."),
        _(
            "To find faults. It records what kind of page failed, but not who requested it: no IP address, no e-mail "
            "address, and nothing that was searched for or typed."
        ),
    )
    yield KeptData(
        Concerned.EVERYONE,
        _("Traces of deleted data in the files of the database and the cache"),
        _("Usually until the following night. On a large site, a few may stay longer."),
        _("Databases overwrite some of it only after a while. It can't be seen on this site."),
    )
    undo_days = settings.BROADSIDE_WITHDRAWAL_UNDO_DAYS
    yield KeptData(
        Concerned.EVERYONE,
        _("Names that were withdrawn from this site: the former text, encrypted"),
        ngettext("%d day.", "%d days.", undo_days) % undo_days,
        _("So that a mistake can be undone. After that, nothing on this site contains the name."),
    )
    if settings.BROADSIDE_BACKUP_URL:
        days = longest_backup_days()
        yield KeptData(
            Concerned.EVERYONE,
            _("Backups of all of this")
            if not settings.BROADSIDE_BACKUP_PUBLIC_KEY
            else _("Backups of all of this, encrypted with a key that is not on the server"),
            ngettext(
                "%d day. Deleted data stays in them until then.",
                "%d days. Deleted data stays in them until then.",
                days,
            )
            % days,
            _("So that the site can be restored if its server is lost."),
        )


def longest_backup_days() -> int:
    """Return the most days that a backup is kept."""
    daily, weekly, monthly = map(int, settings.BROADSIDE_BACKUP_KEEP)
    return max(RECENT.days, daily, 7 * weekly, 31 * monthly)
