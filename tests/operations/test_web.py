"""A replaced web server leaves new connections to its successor, and loses none of its own."""

import signal
import socket
import subprocess
import sys
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from operations.serving import web
from operations.serving.processes import RETIRE_SIGNAL
from operations.serving.web import Application, stop_accepting
from tests.factories.programs import ROOT

# Another process with the same socket, on which it answers.
OTHER = "import socket, sys; socket.socket(fileno=int(sys.argv[1])).accept()[0].sendall(b'from the other one')"

# A process, and its child, whose SIGTERM handler blocks forever and lets no other Python code run.
STUCK = """
import ctypes, os, signal, time
from operations.serving.processes import end_after_parent

signal.signal(signal.SIGTERM, lambda number, frame: ctypes.PyDLL(None).sleep(1000))
if not os.fork():
    end_after_parent(os.getppid(), 1)
    time.sleep(1.5)
    print("It goes on.", flush=True)
time.sleep(1000)
"""

# A web server that is replaced before its application is loaded.
EARLY = """
import os
from operations.serving import web

def serve(server, **options):
    os.kill(os.getpid(), web.RETIRE_SIGNAL)
    web.stop_accepting = lambda listening: print("It stopped accepting.")
    web.Application(None, 7)

web.Server.serve = serve
web.main(7, 8, 1)
"""


def test_a_server_that_is_replaced_while_it_starts_never_accepts_connections() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S603  # our own code
    assert done.stdout == b"It stopped accepting.\n"


def test_a_process_that_does_not_stop_after_its_parent_was_killed_is_ended_with_a_traceback() -> None:
    parent = subprocess.Popen([sys.executable, "-c", STUCK], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603  # our own code
    assert parent.stdout
    assert parent.stdout.readline() == b"It goes on.\n"
    parent.kill()
    # Wait until both processes have ended.
    _stdout, stderr = parent.communicate(timeout=60)
    assert b"Timeout" in stderr
    # On a busy machine, the handler may not have started, so its line may be missing from the traceback.
    assert b'File "<string>"' in stderr


class StoppedWorker:
    """A process that has stopped. granian doesn't know it yet, because another of its threads has waited for it."""

    idx = 0

    def __init__(self) -> None:
        self.calls: list[str] = []

    def terminate(self) -> None:
        self.calls.append("terminate")

    def join(self, timeout: float | None = None) -> None:
        self.calls.append("join")

    def is_alive(self) -> bool:
        return True

    def kill(self) -> None:
        self.calls.append("kill")


def test_a_process_that_has_just_stopped_is_not_reported_and_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(web.Server, "serve", lambda server, **options: started.append(server))
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    web.main(listening=7, ready=8, processes=1)
    worker = StoppedWorker()
    (server,) = started
    server.wrks = [worker]
    server._stop_workers()
    assert worker.calls == ["terminate", "join"]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_a_retired_server_stops_accepting_connections_and_others_continue(family: socket.AddressFamily) -> None:
    with socket.socket(family) as listening, socket.socket(family) as client:
        # Linux assigns a name to a Unix socket that is bound without one.
        listening.bind("" if family == socket.AF_UNIX else ("127.0.0.1", 0))
        listening.listen()
        address = listening.getsockname()
        number = listening.fileno()
        other = subprocess.Popen([sys.executable, "-c", OTHER, str(number)], pass_fds=[number])  # noqa: S603  # our own code
        with listening.dup() as again:
            stop_accepting(number)
            client.settimeout(60)
            client.connect(address)
            assert client.recv(100) == b"from the other one"
            for each in (listening, again):
                each.setblocking(False)
                with pytest.raises(BlockingIOError):
                    each.accept()
        assert other.wait(60) == 0


class FakeExchange:
    """A connection that records the headers sent on it."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []

    def __aiter__(self) -> Any:
        return iter(())

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.headers = headers

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.headers = headers


async def answer_at_once(scope: Any, exchange: Any) -> None:
    exchange.response_bytes(200, [("x", "1")], b"")


async def answer_in_parts(scope: Any, exchange: Any) -> None:
    exchange.response_stream(200, [("x", "1")])


def finish(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits, without an event loop: earlier Playwright tests may have left one running."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


@pytest.mark.parametrize("answer", [answer_at_once, answer_in_parts])
def test_each_response_of_a_retired_server_closes_its_connection(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[int] = []
    monkeypatch.setattr(web, "stop_accepting", stopped.append)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    application = Application(SimpleNamespace(__rsgi__=answer), 7)
    exchange = FakeExchange()
    finish(application.__rsgi__(None, exchange))
    assert exchange.headers == [("x", "1")]
    application._retire(RETIRE_SIGNAL, None)
    application._retire(RETIRE_SIGNAL, None)
    finish(application.__rsgi__(None, exchange))
    assert exchange.headers == [("x", "1"), ("connection", "close")]
    assert stopped == [7]
