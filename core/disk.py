"""The disk: trying a lock, waiting until writes would survive a power cut, and the room that visitors must leave."""

import errno
import fcntl
import os
import shutil
from pathlib import Path
from typing import Final

from django.conf import settings

# What visitors leave of the disk, so that the people who run the site can still log in and delete what fills it: this
# many bytes, or a twentieth of a small disk.
_LEFT_BY_VISITORS: Final = 256 * 2**20
_PART_LEFT: Final = 20


def try_lock(descriptor: int, *, is_shared: bool = False) -> bool:
    """Lock an open file without waiting, and return whether that worked. The lock ends with the process.

    Several processes can hold a shared lock at the same time.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync(*paths: Path) -> None:
    """Flush the content of these files, and the names in these folders, to disk. Raises OSError."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def require_room_for_visitors() -> None:
    """Raise OSError (ENOSPC), as if the disk were full, if visitors should store nothing more on it."""
    disk = shutil.disk_usage(settings.DATA_DIR)
    if disk.free < min(_LEFT_BY_VISITORS, disk.total // _PART_LEFT):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
