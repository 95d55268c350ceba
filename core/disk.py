"""What Python's files lack: trying a lock, and waiting until what was written would survive a power cut."""

import fcntl
import os
from pathlib import Path


def try_lock(descriptor: int, *, is_shared: bool = False) -> bool:
    """Lock an open file without waiting, and return whether that worked. The lock ends with the process.

    Those who share a lock have it at the same time.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync(*paths: Path) -> None:
    """Wait until the disk has these files, or which names are in these folders. Raises OSError."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
