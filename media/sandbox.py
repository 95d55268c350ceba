"""Cleaning files in a process of its own, because their bytes may be made to attack the program that reads them.

That process (media.sandbox_process) has limits for time and memory, and no secrets. If it exceeds them or crashes, its
file is refused, and nothing else happens. It cleans several files, one after the other, and ends when there are none.
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
from django.utils.translation import gettext as _

from core.unnamed_files import UnnamedFile

# In seconds. Large files have more time: all that is done with most of their bytes is copying them.
SECONDS: Final = 60
BYTES_PER_SECOND: Final = 2_000_000
# Of files up to this size, no copy is written to the disk, neither before nor after cleaning.
IN_MEMORY: Final = 20 * 1024 * 1024
_MAX_MESSAGE: Final = 64 * 1024
_ATTEMPTS: Final = 3
_ROOT: Final = Path(__file__).parents[1]
# All that the process learns of our environment.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")

# The processes that have nothing to do, the one that was used last at the end. Any thread may take or add one.
_idle: list["_Sandbox"] = []


def clean_in_sandbox(source: File[bytes], extension: str, *, as_image: bool = False) -> UnnamedFile:
    """Return a cleaned copy of a file of this type, whose name is its extension.

    An image without an `extension` keeps its format if browsers show that. Raises ValidationError if it can't be
    cleaned, and OSError if there is no room for the copy or the process.
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
            answer = _ask(request, [descriptor, target.fileno()])
        finally:
            os.close(descriptor)
        if error := answer.get("error"):
            raise ValidationError(error)
        if number := answer.get("errno"):
            raise OSError(number, os.strerror(number))
        on_error.pop_all()
    target.size = os.fstat(target.fileno()).st_size
    target.seek(0)
    target.name = answer["extension"]
    return target


def _ask(request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
    """Return the answer of a process: an `error`, an `errno`, or the `extension`."""
    for _attempt in range(_ATTEMPTS):
        try:
            sandbox = _idle.pop()
        except IndexError:
            sandbox = _Sandbox()
        answer = sandbox.ask(request, descriptors)
        if answer is not None:
            return answer
        # It had ended before, because it had nothing to do. So have those that were used before it.
        _end_all()
    raise OSError("The process that cleans files does not start.")


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
                # Libraries write what they find in files.
                stderr=subprocess.DEVNULL,
                # Ctrl-C is for us. The process ends when we do.
                start_new_session=True,
            )

    def ask(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any] | None:
        """Have a file cleaned, and return the answer; None if the process had ended before."""
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
            answer: dict[str, Any] = json.loads(message)
            return answer
        # A negative code is the signal that ended it: that of a limit, of a crash, or ours.
        if self.end() >= 0:
            return None
        return {"error": _("The file takes too much time or memory to be cleaned. Save it in a simpler form.")}

    def end(self) -> int:
        """End the process, and return its exit code."""
        self._socket.close()
        # It needs no time if it has ended by itself, or has nothing to do.
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(0.5)
        self._process.kill()
        return self._process.wait()


def _descriptor(source: File[bytes], size: int) -> int:
    """Return a descriptor of a file with the same bytes, which the caller closes."""
    if size > IN_MEMORY:
        # It is on the disk, unless it isn't an upload.
        with suppress(AttributeError, OSError):
            source.flush()
            return os.dup(source.fileno())
    copy = UnnamedFile(in_memory=size <= IN_MEMORY)
    source.seek(0)
    shutil.copyfileobj(source, copy)
    copy.flush()
    with copy:
        return os.dup(copy.fileno())
