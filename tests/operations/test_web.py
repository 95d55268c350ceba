"""A web server that another one has replaced leaves connections to it, and loses none of its own."""

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

# Another process that has the socket, and answers on it.
OTHER = "import socket, sys; socket.socket(fileno=int(sys.argv[1])).accept()[0].sendall(b'from the other one')"

# A process whose handler of SIGTERM waits forever, and lets no other Python code run meanwhile, and its parent.
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


def test_a_process_that_does_not_stop_when_its_parent_was_killed_is_ended_and_says_what_it_did() -> None:
    parent = subprocess.Popen([sys.executable, "-c", STUCK], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603  # our own code
    assert parent.stdout
    assert parent.stdout.readline() == b"It goes on.\n"
    parent.kill()
    # Until both have ended.
    _output, said = parent.communicate(timeout=60)
    assert b"Timeout" in said
    # On a busy machine, the handler may not have begun.
    assert b'File "<string>"' in said


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_it_stops_accepting_and_the_others_go_on(family: socket.AddressFamily) -> None:
    with socket.socket(family) as listening, socket.socket(family) as client:
        # On Linux, a Unix socket without a name gets one.
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
    """A connection that keeps what is sent on it."""

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
    """Run what waits for nothing. Playwright, whose tests may have run before, keeps an event loop in this thread."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


@pytest.mark.parametrize("answer", [answer_at_once, answer_in_parts])
def test_each_response_then_ends_its_connection(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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
