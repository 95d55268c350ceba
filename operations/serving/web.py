"""The web server: granian, on a socket that it is given (`operations.serving.supervisor`).

Each of granian's processes would otherwise open a socket of its own, and connections that wait at one that is closed
are lost.
"""

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
# Seconds in which requests that are being answered have to end.
_STOP_SECONDS: Final = 30
_LOGGING: Final = {
    "formatters": {
        "generic": {"format": "{asctime} {levelname} granian: {message}", "style": "{"},
        "access": {"format": "{message}", "style": "{"},
    }
}


class Server(MPServer):
    """granian on the socket with the file number `listening`."""

    def __init__(self, listening: int, **options: Any) -> None:
        super().__init__(_APPLICATION, **options)
        self._listening = listening

    def _init_shared_socket(self) -> None:
        # What it does where processes can't have sockets of their own.
        self._sso = socket.socket(fileno=self._listening)
        is_unix = self._sso.family == socket.AF_UNIX
        self._shd: Any = SocketHolder(self._listening, is_unix, _BACKLOG)  # type: ignore[call-arg]  # not in its stub
        self._sfd: Any = self._listening


class Application:
    """The site. After RETIRE_SIGNAL, another server takes new connections, and each response here ends its connection.

    When granian stops, it drops connections on which no request has arrived yet. Until then, those that are here have
    time to send one, and those that are kept open to be ended by a response.
    """

    def __init__(self, site: Any, listening: int) -> None:
        self._site = site
        self._listening = listening
        self._is_retired = False
        signal.signal(RETIRE_SIGNAL, self._retire)

    async def __rsgi__(self, scope: Any, exchange: Any) -> None:
        await self._site.__rsgi__(scope, LastExchange(exchange) if self._is_retired else exchange)

    def _retire(self, number: int, frame: FrameType | None) -> None:
        if not self._is_retired:
            self._is_retired = True
            stop_accepting(self._listening)


def stop_accepting(listening: int) -> None:
    """Leave connections to the other processes that have this socket.

    All of its numbers in this process are given to a socket to which nothing connects. What waits for connections is
    woken by new ones, and finds none.
    """
    is_same = os.fstat(listening).st_ino
    with socket.socket(socket.AF_UNIX) as deserted:
        deserted.setblocking(False)
        # The system gives it a name.
        deserted.bind("")
        deserted.listen(1)
        for path in list(Path("/proc/self/fd").iterdir()):
            number = int(path.name)
            with suppress(OSError):
                if os.fstat(number).st_ino == is_same:
                    os.dup2(deserted.fileno(), number, inheritable=False)


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
    """Serve the site with so many processes. Each writes one byte to the file with the number `ready` when it can."""
    server = Server(
        listening,
        interface=Interfaces.RSGI,
        # With both versions, a connection is dropped if the server has to stop before it knows which one it is.
        http=HTTPModes.http1,
        workers=processes,
        websockets=False,
        # One that ends, for example because memory ran out, is replaced while the others answer.
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
        log_level=LogLevels.warning,
        log_dictconfig=_LOGGING,
    )
    # Only the processes that answer do anything about it.
    signal.signal(RETIRE_SIGNAL, signal.SIG_IGN)
    load: Any = partial(_load, os.getpid(), listening, ready)
    server.serve(target_loader=load, wrap_loader=False)


def _load(parent: int, listening: int, ready: int) -> Application:
    """Return the application, in a process that is about to serve it."""
    # Until it serves, a signal to stop ends it at once. The handlers of its parent, which it has inherited, do nothing.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    end_after_parent(parent, _STOP_SECONDS)
    application = Application(load_target(_APPLICATION), listening)
    # If this process replaces another one, nothing waits for it.
    with suppress(OSError):
        os.write(ready, b".")
    return application


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
