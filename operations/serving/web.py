"""The web server: granian, on a socket that it is given (`operations.serving.supervisor`).

By itself, granian opens a socket in each of its processes, and connections waiting at one that is closed are lost.
"""

import multiprocessing
import os
import signal
import socket
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final

from granian._granian import SocketHolder
from granian._internal import load_target
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from operations.serving.processes import RETIRE_SIGNAL, end_after_parent

_APPLICATION: Final = "config.rsgi:application"
_BACKLOG: Final = 1024
# How many seconds running requests have to end after the parent was killed. Otherwise, the supervisor's limit counts.
# granian's own limit also kills processes that have just stopped, and says that they refused to.
_STOP_SECONDS: Final = 30
_LOGGING: Final = {
    "formatters": {
        "generic": {"format": "{asctime} {levelname} granian: {message}", "style": "{"},
        "access": {"format": "{message}", "style": "{"},
    }
}


class Server(MPServer):
    """granian on the socket with the file descriptor `listening`."""

    def __init__(self, listening: int, **options: Any) -> None:
        super().__init__(_APPLICATION, **options)
        self._listening = listening

    def _init_shared_socket(self) -> None:
        # As granian does on systems where each process can't have a socket of its own.
        self._sso = socket.socket(fileno=self._listening)
        is_unix = self._sso.family == socket.AF_UNIX
        self._shd: Any = SocketHolder(self._listening, is_unix, _BACKLOG)  # type: ignore[call-arg]  # not in its stub
        self._sfd: Any = self._listening


class Application:
    """The site. After RETIRE_SIGNAL, another server takes new connections, and each response closes its connection.

    When granian stops, it drops connections that have not yet sent a request. The time until then lets them send one,
    and lets kept-alive connections be closed by a response.
    """

    def __init__(self, site: Any, listening: int) -> None:
        self._site = site
        self._listening = listening
        self._is_retired = False
        signal.signal(RETIRE_SIGNAL, self._retire)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {RETIRE_SIGNAL})

    async def __rsgi__(self, scope: Any, exchange: Any) -> None:
        await self._site.__rsgi__(scope, LastExchange(exchange) if self._is_retired else exchange)

    def _retire(self, number: int, frame: FrameType | None) -> None:
        if not self._is_retired:
            self._is_retired = True
            stop_accepting(self._listening)


def stop_accepting(listening: int) -> None:
    """Leave new connections to the other processes that have this socket.

    All its file descriptors in this process are redirected to a socket that nothing connects to. Code that waits for
    connections is still woken by new ones, but finds none.
    """
    inode = os.fstat(listening).st_ino
    with socket.socket(socket.AF_UNIX) as unused:
        unused.setblocking(False)
        # The system chooses a name.
        unused.bind("")
        unused.listen(1)
        for path in list(Path("/proc/self/fd").iterdir()):
            number = int(path.name)
            with suppress(OSError):
                if os.fstat(number).st_ino == inode:
                    os.dup2(unused.fileno(), number, inheritable=False)


class LastExchange:
    """The last request and response of a connection."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange

    def __aiter__(self) -> Any:
        return self._exchange.__aiter__()

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self._exchange.response_bytes(status, [*headers, ("connection", "close")], body)

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Any:
        return self._exchange.response_stream(status, [*headers, ("connection", "close")])


def main(listening: int, ready: int, processes: int) -> None:
    """Serve the site with `processes` processes. Each writes a byte to the file descriptor `ready` when it is ready."""
    server = Server(
        listening,
        interface=Interfaces.RSGI,
        # With both versions, a connection is dropped if the server stops before it knows which version it is.
        http=HTTPModes.http1,
        workers=processes,
        websockets=False,
        # A process that ends, for example because memory ran out, is replaced while the others answer.
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
        log_dictconfig=_LOGGING,
    )
    # Each process that answers requests receives it only once it has loaded the application.
    signal.pthread_sigmask(signal.SIG_BLOCK, {RETIRE_SIGNAL})
    load: Any = partial(_load, os.getpid(), listening, ready)
    server.serve(target_loader=load, wrap_loader=False)


def _load(parent: int, listening: int, ready: int) -> Application:
    """Return the application, in a process that is about to serve it."""
    # Until it serves, a signal to stop ends the process at once. The handlers inherited from its parent do nothing.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    end_after_parent(parent, _STOP_SECONDS)
    application = Application(load_target(_APPLICATION), listening)
    # If this process replaces one that failed, nothing reads from the pipe any more.
    with suppress(OSError):
        os.write(ready, b".")
    return application


if __name__ == "__main__":
    # The processes inherit the socket and the pipe. Python 3.14 doesn't fork by default.
    multiprocessing.set_start_method("fork")
    main(*map(int, sys.argv[1:]))
