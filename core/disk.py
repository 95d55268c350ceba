"""File operations that Python lacks: trying a lock, and waiting until writes would survive a power cut."""

import fcntl
import os
from pathlib import Path


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
