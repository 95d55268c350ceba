"""The folder in which backups and restores work, one at a time."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from django.conf import settings
from django.utils.translation import gettext as _

from core.disk import sync, try_lock
from operations.backups.errors import BackupError, BusyError

# The space that is left free for the site on the disk, in bytes.
RESERVE: Final = 2**27
_PAUSE: Final = 0.5


@contextmanager
def work_folder(patience: float = 0) -> Iterator[Path]:
    """Yield an empty folder that no other backup or restore uses at the same time.

    Raises BusyError if another one is still running after `patience` seconds.
    """
    folder: Path = settings.BROADSIDE_BACKUP_WORK_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The lock does not outlive its process.
    with (folder / "lock").open("w") as lock:
        deadline = time.monotonic() + patience
        while not try_lock(lock.fileno()):
            if time.monotonic() >= deadline:
                raise BusyError(_("Another backup or restore is running. Wait until it has finished, then try again."))
            time.sleep(_PAUSE)
        work = folder / "work"
        # Left by a process that was killed.
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def require_space(folder: Path, needed: int) -> None:
    """Make sure that there are `needed` bytes free, besides the reserve for the site. Raises BackupError."""
    if shutil.disk_usage(folder).free < needed + RESERVE:
        raise BackupError(
            _("The disk is too full: %d MB are needed in %s. Free some space, and try again.")
            % (needed // 10**6 + 1, settings.BROADSIDE_BACKUP_WORK_DIR)
        )


def open_private(path: Path) -> IO[bytes]:
    """Open a new file for writing that only its owner can read."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    return path.open("wb")


def write_private(path: Path, lines: Iterable[str]) -> None:
    """Write a file that only its owner can read, completely or not at all."""
    new = path.with_suffix(".new")
    with open_private(new) as file:
        file.writelines(f"{line}\n".encode() for line in lines)
    replace_file(path, new)


def replace_file(path: Path, new: Path) -> None:
    """Replace a file with another one, completely or not at all."""
    sync(new, new.parent)
    os.replace(new, path)


def known_files() -> Path:
    """Return the path of the file with what the last backup knew about media files."""
    return Path(settings.BROADSIDE_BACKUP_WORK_DIR, "media-known.jsonl")


def damaged_files() -> Path:
    """Return the path of the list of stored media files that were found to be damaged, until they are stored again."""
    return Path(settings.BROADSIDE_BACKUP_WORK_DIR, "media-damaged.json")


def restore_marker() -> Path:
    """Return the path of the file that exists while a restore replaces the site."""
    return Path(settings.BROADSIDE_BACKUP_WORK_DIR, "restoring.json")
