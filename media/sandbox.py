"""Cleaning files in a separate process, because they may be crafted to attack the program that reads them.

That process (media.sandbox_process) has limits on time and memory, and no secrets. If it exceeds one or crashes, its
file is refused, and nothing else happens. It cleans one file after another, and exits after being idle for a while.
"""

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files import File
from django.utils.translation import get_language

from media.cleaners.streams import too_demanding
from media.unnamed_files import UnnamedFile

# The time limit. Large files get more time, at the speed of copying, because most of their bytes are only copied.
SECONDS: Final = 60
BYTES_PER_SECOND: Final = 2_000_000
# In bytes. No copy of a file up to this size is written to disk, before or after cleaning.
IN_MEMORY: Final = 20 * 1024 * 1024
_MAX_MESSAGE: Final = 64 * 1024
_ATTEMPTS: Final = 3
_ROOT: Final = Path(__file__).parents[1]
# The only environment variables that the process gets.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")

# The idle processes, the most recently used last. Any thread may take or add one.
_idle: list["_Sandbox"] = []


def clean_in_sandbox(source: File[bytes], extension: str, *, as_image: bool = False) -> UnnamedFile:
    """Return a cleaned copy of a file with this extension. The name of the copy is its extension.

    An image without an `extension` keeps its format if browsers support that. Raises ValidationError if the file can't
    be cleaned, and OSError if there is no room for the copy or the process.
    """
    size = source.size or 0
    request = {
        "extension": extension,
        "as_image": as_image,
        "language": get_language() or "en",
        "seconds": SECONDS + size // BYTES_PER_SECOND,
    }
    with ExitStack() as on_error:
        target = on_error.enter_context(UnnamedFile(in_memory=size <= IN_MEMORY))
        descriptor = _descriptor(source, size)
        try:
            response = _clean(request, [descriptor, target.fileno()])
        finally:
            os.close(descriptor)
        if error := response.get("error"):
            raise ValidationError(error)
        if number := response.get("errno"):
            raise OSError(number, os.strerror(number))
        on_error.pop_all()
    target.size = os.fstat(target.fileno()).st_size
    target.seek(0)
    target.name = response["extension"]
    return target


def _clean(request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
    """Have a process clean a file, and return its response: an `error`, an `errno`, or the `extension`."""
    for _attempt in range(_ATTEMPTS):
        try:
            sandbox = _idle.pop()
        except IndexError:
            sandbox = _Sandbox()
        response = sandbox.clean(request, descriptors)
        if response is not None:
            return response
        # It was idle for too long and has exited. So have those that were used before it.
        _end_all()
    raise OSError("The process that cleans files can't be started.")


@atexit.register
def _end_all() -> None:
    with suppress(IndexError):
        while True:
            _idle.pop().end()


class _Sandbox:
    """A process that cleans one file at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-m", "media.sandbox_process", str(theirs.fileno())],
                cwd=_ROOT,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Libraries log what they find in files.
                stderr=subprocess.DEVNULL,
                # Ctrl-C is meant for us. The process exits when we do.
                start_new_session=True,
            )

    def clean(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any] | None:
        """Have a file cleaned, and return the response; None if the process had already exited."""
        self._socket.settimeout(2 * request["seconds"])
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
            message = self._socket.recv(_MAX_MESSAGE)
        except TimeoutError:
            message = b""
        except OSError:
            self.end()
            return None
        except BaseException:
            self.end()
            raise
        if message:
            _idle.append(self)
            response: dict[str, Any] = json.loads(message)
            return response
        # A negative code is the signal that ended it: from a limit, a crash, or us.
        if self.end() >= 0:
            return None
        return {"error": str(too_demanding().message)}

    def end(self) -> int:
        """End the process, and return its exit code."""
        self._socket.close()
        # It exits at once if it is idle.
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(0.5)
        self._process.kill()
        return self._process.wait()


def _descriptor(source: File[bytes], size: int) -> int:
    """Return a descriptor of a file with the same bytes, which the caller has to close."""
    if size > IN_MEMORY:
        # An upload of this size is on disk already.
        with suppress(AttributeError, OSError):
            source.flush()
            return os.dup(source.fileno())
    copy = UnnamedFile(in_memory=size <= IN_MEMORY)
    source.seek(0)
    shutil.copyfileobj(source, copy)
    copy.flush()
    with copy:
        return os.dup(copy.fileno())
