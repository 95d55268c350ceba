"""Taking turns at rendering, so that a page that many readers request at once is rendered once."""

import fcntl
import os
import threading
from pathlib import Path


class Turns:
    """Numbered locks, shared by all threads and processes on this machine. A process that dies releases its locks.

    Each is a lock on the byte at that position of an empty file. Without the file, for example on a read-only disk,
    only the threads of this process take turns.
    """

    def __init__(self, lock_file: Path) -> None:
        self._taken: set[int] = set()
        self._mutex = threading.Lock()
        self._file: int | None
        try:
            # The file stays open as long as this process lives: closing it would release all of its locks.
            self._file = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            self._file = None

    def take(self, number: int) -> bool:
        """Take this lock. Return False if another thread or process has it."""
        with self._mutex:
            if number in self._taken or not self._lock_byte(number):
                return False
            self._taken.add(number)
            return True

    def give_back(self, number: int) -> None:
        with self._mutex:
            self._taken.discard(number)
            if self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)

    def _lock_byte(self, number: int) -> bool:
        if self._file is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except BlockingIOError:
            return False
        except OSError:
            # The system has no locks left, or the file is on a file system without locks.
            return True
        return True
