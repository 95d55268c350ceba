"""The pages that nginx sent from files. It logs them in one file per second, in a subfolder of the folder of pages.

The folder of pages is in memory (docs/running.md). A log file is read once its second is over, and removed before it is
read. The subfolder exists only while readers are counted: nginx, which does not know the settings, otherwise has
nowhere to write. deploy/nginx.conf defines the content of a line. It has no IP address, no time, and only the host of
the referrer.
"""

import datetime as dt
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.utils import timezone

from readers.requests import Reading, is_reading

# In seconds: nginx may still write to a file that was written to this recently. It updates its clock only once in each
# iteration of its event loop.
_QUIET: Final = 3.0
# How much of each file is read. Whatever a flood adds to that in a second is not counted.
_MAX_BYTES: Final = 8 * 2**20
# nginx writes as its own user, which may add files, but neither list them nor remove files of others.
_MODE: Final = 0o1733
# nginx logs the path of the file that it sent: /current/2020/05/index.html
_PREFIX, _SUFFIX = "/current", "index.html"


class NginxLog:
    def __init__(self, pages: Path) -> None:
        self._folder = pages / "requests"

    def open(self) -> None:
        """Create the folder that nginx writes to. Raises OSError."""
        with suppress(FileExistsError):
            self._folder.mkdir(parents=True)
            self._folder.chmod(_MODE)

    def close(self) -> None:
        """Remove the folder that nginx writes to, with everything in it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def take(self) -> Iterator[tuple[dt.date, Reading]]:
        """Yield each reading with its day, and remove it from the log. Several processes may do this concurrently."""
        with suppress(OSError), os.scandir(self._folder) as files:
            for name in sorted(file.name for file in files):
                with suppress(OSError):
                    yield from self._take_file(self._folder / name)

    def _take_file(self, path: Path) -> Iterator[tuple[dt.date, Reading]]:
        # Whatever another user of this machine has put there, it can't lead elsewhere or make us wait.
        with open(path, "rb", opener=_open_safely) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or 0 <= time.time() - status.st_mtime < _QUIET:
                return
            # Of several processes that have opened the file, only one can remove it.
            path.unlink()
            day = timezone.localdate(dt.datetime.fromtimestamp(status.st_mtime, dt.UTC))
            lines = file.read(_MAX_BYTES).split(b"\n")
        for line in lines:
            if reading := parse(line):
                yield day, reading


def _open_safely(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def parse(line: bytes) -> Reading | None:
    """Return the reading in a line; None if it is not a reading, or the line is incomplete."""
    try:
        # As in a WSGI environment.
        values: Any = json.loads(line.decode("latin-1"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list) or len(values) != 7 or not all(isinstance(value, str) for value in values):
        return None
    status, path, referrer, agent, *purpose = values
    if status not in {"200", "304"} or not path.startswith(_PREFIX) or not path.endswith(_SUFFIX):
        return None
    path = path[len(_PREFIX) : -len(_SUFFIX)]
    return Reading(path, "", referrer, agent) if is_reading(*purpose) else None
