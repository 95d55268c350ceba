"""Which backups are kept, and removing the others along with media that no backup needs any more."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from django.utils.translation import gettext as _

from operations.backups.contents import BACKUPS, CHECKSUMS, MEDIA, is_ours, parse_name, read_backup
from operations.backups.errors import BackupError, RetentionError
from operations.backups.stores import Store

# Someone who has just made a backup may be about to restore an earlier one.
RECENT: Final = dt.timedelta(days=2)
# Days, weeks and months.
_PERIODS: Final[tuple[Callable[[dt.datetime], object], ...]] = (
    lambda time: time.date(),
    lambda time: time.isocalendar()[:2],
    lambda time: (time.year, time.month),
)


def kept(names: Iterable[str], retention: Sequence[int], *, newest: str) -> set[str]:
    """Return the names of the backups to keep: the last ones of the given numbers of days, weeks and months.

    All backups of the last two days are kept too, and those that claim to be later than `newest`. The latter were made
    while the clock was wrong, and don't count as the last ones of a period.
    """
    names = sorted(names, reverse=True)
    found = {name for name in names if parse_name(name) > parse_name(newest) - RECENT}
    for count, period_of in zip(retention, _PERIODS, strict=True):
        last: dict[object, str] = {}
        for name in names:
            if name <= newest:
                last.setdefault(period_of(parse_name(name)), name)
        found.update(list(last.values())[:count])
    return found


def prune(store: Store, names: Collection[str], retention: Sequence[int], *, newest: str) -> list[str]:
    """Remove backups that are not kept, and return their names. Also remove incomplete ones and media no backup needs.

    `names` are the complete backups. No other backup may be running. Wherever this is interrupted, every backup that is
    still listed is complete. Raises RetentionError if the list of a kept backup is damaged; then nothing is removed.
    """
    keep = kept(names, retention, newest=newest)
    # Before anything is deleted, because a list that can't be read stops everything.
    needed: set[str] = set()
    for name in keep:
        try:
            needed |= read_backup(store, name).media
        except BackupError as error:
            text = _(
                "The new backup is complete, but the older backup %s is damaged, so nothing was removed. Delete the "
                "damaged one."
            )
            raise RetentionError(text % name, newest) from error
    for name in sorted(set(names) - keep):
        # From here on, it no longer counts as a backup.
        store.delete(f"{BACKUPS}/{name}/{CHECKSUMS}")
    remove_incomplete(store, keep)
    _remove_media(store, needed)
    return sorted(set(names) - keep)


def remove_incomplete(store: Store, complete: Collection[str]) -> None:
    """Remove the files of backups that are not in `complete`, except for media, which the next one uses."""
    for path in store.sizes(BACKUPS):
        if is_ours(path) and path.split("/")[1] not in complete:
            store.delete(path)


def remove_unused_media(store: Store, complete: Collection[str]) -> None:
    """Remove media that none of these backups needs. Raises BackupError if the list of one of them is damaged."""
    _remove_media(store, {path for name in complete for path in read_backup(store, name).media})


def _remove_media(store: Store, needed: Collection[str]) -> None:
    for path in store.sizes(MEDIA):
        if is_ours(path) and path not in needed:
            store.delete(path)
