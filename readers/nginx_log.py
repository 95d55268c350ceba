"""The pages that nginx sent from files: a log that it writes into files of one second each, in the folder of pages.

That folder is in memory (docs/running.md). A file is read once its second is over, and removed before it is read. It is
there only while readers are counted, so that nginx, which knows nothing of settings, has nowhere to write otherwise.
deploy/nginx.conf says what is in a line. There is no IP address and no time, and of referrers the host only.
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

# In seconds: a file that was written to so recently may still be. nginx knows the time once in each round of its work.
_QUIET: Final = 3.0
# Of each file. What a flood writes beyond this in a second is not counted.
_MAX_BYTES: Final = 8 * 2**20
# nginx writes as its own user, who may add files, but neither list them nor remove those of others.
_MODE: Final = 0o1733
# nginx names the file that it sent: /current/2020/05/index.html
_PREFIX, _SUFFIX = "/current", "index.html"


class NginxLog:
    def __init__(self, pages: Path) -> None:
        self._folder = pages / "requests"

    def open(self) -> None:
        """Let nginx write. Raises OSError."""
        with suppress(FileExistsError):
            self._folder.mkdir(parents=True)
            self._folder.chmod(_MODE)

    def close(self) -> None:
        """Leave nginx nowhere to write, and forget what it wrote."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def take(self) -> Iterator[tuple[dt.date, Reading]]:
        """Yield what was read, with its day, and forget it. Several processes may do this at the same time."""
        with suppress(OSError), os.scandir(self._folder) as files:
            for name in sorted(file.name for file in files):
                with suppress(OSError):
                    yield from self._take_file(self._folder / name)

    def _take_file(self, path: Path) -> Iterator[tuple[dt.date, Reading]]:
        # Whatever someone on this machine has put there, it can't lead elsewhere or keep us waiting.
        with open(path, "rb", opener=_open_nothing_else) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or 0 <= time.time() - status.st_mtime < _QUIET:
                return
            # Of several processes that have opened it, one can do this.
            path.unlink()
            day = timezone.localdate(dt.datetime.fromtimestamp(status.st_mtime, dt.UTC))
            lines = file.read(_MAX_BYTES).split(b"\n")
        for line in lines:
            if reading := parse(line):
                yield day, reading


def _open_nothing_else(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def parse(line: bytes) -> Reading | None:
    """Return the reading in a line, or None if it is none, or no complete line."""
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
