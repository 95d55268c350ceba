"""The process in which files are cleaned (media.sandbox). It has no settings, no secrets and no database.

Its argument is the descriptor of a socket, over which it receives files and sends responses.
"""

import errno
import io
import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import translation

from media.cleaners.images import clean_image
from media.cleaners.streams import too_demanding
from media.metadata import clean_file

# In bytes, for all data.
_MAX_MEMORY: Final = 1024 * 1024 * 1024
# By then, memory may be fragmented, so a new process is started.
_MAX_FILES: Final = 200
# In bytes. A cleaned file is hardly larger than before, unless its text was compressed more tightly.
_MAX_FILE_SIZE: Final = 8 * 1024 * 1024 * 1024
_MAX_OPEN_FILES: Final = 64
# How long to wait for the next file, in seconds.
_IDLE_SECONDS: Final = 20


class _Source(io.RawIOBase):
    """The file to clean, with its own position, because another process has the same file open."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: os.fstat(self._descriptor).st_size}
        if start[whence] + offset < 0:
            raise OSError("The position would be before the beginning of the file.")
        self._position = start[whence] + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        count = os.preadv(self._descriptor, [buffer], self._position)
        self._position += count
        return count

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def main() -> None:
    """Clean the files that arrive over the socket, until none comes for a while or the other end is closed."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    _restrict()
    # For the translated messages.
    settings.configure(INSTALLED_APPS=[], LOCALE_PATHS=[Path(__file__).parents[1] / "locale"], USE_I18N=True)
    apps.populate(())
    connection.settimeout(_IDLE_SECONDS)
    with suppress(TimeoutError, ConnectionError):
        for _number in range(_MAX_FILES):
            message, descriptors, _flags, _address = socket.recv_fds(connection, 65_536, 2)
            if not message:
                return
            request = json.loads(message)
            _limit_time(request["seconds"])
            connection.send(json.dumps(_clean(request, *descriptors)).encode())


def _clean(request: dict[str, Any], source: int, target: int) -> dict[str, str | int]:
    """Clean one file into another, and return the response: an `error`, an `errno`, or the `extension`."""
    extension = request["extension"]
    with translation.override(request["language"]):
        try:
            with io.BufferedReader(_Source(source), 64 * 1024) as file, os.fdopen(target, "w+b") as cleaned:
                if request["as_image"]:
                    extension = clean_image(file, cleaned, extension)
                else:
                    clean_file(file, cleaned, extension)
        except ValidationError as error:
            return {"error": str(error.message)}
        except MemoryError:
            return {"error": str(too_demanding().message)}
        except OSError as error:
            # The disk is full, or the file has grown too large.
            return {"errno": error.errno or errno.EIO}
        return {"extension": extension}


def _restrict() -> None:
    """Give up everything that cleaning doesn't need, as far as the system allows."""
    for limit, value in (
        (resource.RLIMIT_DATA, _MAX_MEMORY),
        (resource.RLIMIT_FSIZE, _MAX_FILE_SIZE),
        (resource.RLIMIT_NOFILE, _MAX_OPEN_FILES),
        # A core dump would contain the metadata that was to be removed.
        (resource.RLIMIT_CORE, 0),
    ):
        _soft, hard = resource.getrlimit(limit)
        resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard),) * 2)
    with suppress(OSError):
        # If memory runs out before that limit is reached, the system ends this process before any of the site's.
        Path("/proc/self/oom_score_adj").write_text("500")
    # Writing beyond the limit then fails like writing to a full disk.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with suppress(AttributeError, OSError):
        # A network namespace without interfaces. Not every system lets users create one.
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)


def _limit_time(seconds: int) -> None:
    """Have the process killed after this many more seconds of processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


if __name__ == "__main__":
    main()
