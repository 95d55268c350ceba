"""Floods of one kind of request, and clients that never finish theirs, don't hold up anyone else."""

import asyncio
import contextlib
import http.client
import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.serving.admission import FullLaneError, Lane
from tests.factories.loops import in_a_loop
from tests.factories.servers import free_port

# Served by granian with a lane for three requests, and a lane for one slow request. Bodies have 1 s to arrive.
APPLICATION = """
import json, pathlib, threading, time
import django
django.setup()
from core.serving import rsgi
from core.serving.admission import Lane
rsgi.BODY_SECONDS = 1
rsgi.SECONDS_PER_BYTE = 0
FILE = pathlib.Path(__file__).with_name("file")

def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/error":
        raise RuntimeError("planned")
    if path == "/slow":
        time.sleep(1)
    if path == "/file":
        start_response("200 OK", [("Content-Length", str(FILE.stat().st_size))])
        return environ["wsgi.file_wrapper"](FILE.open("rb"), 4096)
    if path == "/open":
        start_response("200 OK", [])
        paths = [fd.readlink() for fd in pathlib.Path("/proc/self/fd").iterdir() if fd.is_symlink()]
        return [str(paths.count(FILE)).encode()]
    try:
        body = environ["wsgi.input"].read().decode("latin-1")
    except OSError as error:
        body = repr(error)
    start_response("200 OK", [("Content-Type", "application/json"), ("X-One", "1"), ("X-One", "2")])
    return [json.dumps({k: v for k, v in environ.items() if isinstance(v, str)} | {"body": body}).encode()]

def ready(environ, start_response):
    if environ["PATH_INFO"] != "/ready":
        return None
    start_response("200 OK", [])
    return [b"ready"]

def immediate(environ, start_response):
    if environ["PATH_INFO"] != "/immediate":
        return None
    start_response("200 OK", [])
    return [threading.current_thread().name.encode()]

def busy(environ, start_response):
    start_response("503 Service Unavailable", [])
    return [b"busy: " + environ["wsgi.input"].read()]

LANE, SLOW = Lane(3, waiting=100, patience=10), Lane(1, waiting=1, patience=10)
application = rsgi.RSGIApplication(
    wsgi,
    immediate=immediate,
    ready=ready,
    busy=busy,
    lane_of=lambda environ: SLOW if environ["PATH_INFO"] == "/slow" else LANE,
    lanes=[LANE, SLOW],
    may_send_files=lambda headers: "staff" in headers.get("cookie", ""),
)
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "served_for_tests.py").write_text(APPLICATION)
    (folder / "file").write_bytes(bytes(range(256)) * 80_000)
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "rsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--no-ws", "--log-level", "critical", "--working-dir", str(folder), "served_for_tests:application"]
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": f"{folder}:{Path.cwd()}"}
    server = subprocess.Popen(command, env=environment)  # noqa: S603  # our own command
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        time.sleep(0.1)
    yield port
    server.terminate()
    server.wait(10)


def send(port: int, method: str = "GET", path: str = "/", **options: Any) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, **options)
        response = connection.getresponse()
        return response, response.read()


def start_request(port: int, headers: str, body: bytes = b"", method: str = "POST", path: str = "/") -> socket.socket:
    """Send the headers and the start of the body of a request, and return its connection."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    lines = filter(None, [f"{method} {path} HTTP/1.1", "Host: localhost", headers])
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
    return connection


def status_on(connection: socket.socket) -> int:
    return int(connection.recv(1000)[9:12])


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(100):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("The condition was never met.")


class TestRequests:
    def test_the_application_gets_a_wsgi_environment(self, port: int) -> None:
        headers = {"Cookie": "a=1", "X-Two": "x", "X_Two": "forged", "Content-Type": "text/plain"}
        response, body = send(port, "POST", "/%D8%B3/a?x=%C3%A9", body=b"text", headers=headers)
        environ = json.loads(body)
        assert response.headers.get_all("X-One") == ["1", "2"]
        assert environ["PATH_INFO"].encode("latin-1").decode() == "/س/a"
        assert (environ["REQUEST_METHOD"], environ["QUERY_STRING"]) == ("POST", "x=%C3%A9")
        assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/plain", "4")
        assert (environ["HTTP_COOKIE"], environ["HTTP_X_TWO"], environ["body"]) == ("a=1", "x", "text")
        assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"]) == ("127.0.0.1", str(port))
        assert environ["wsgi.url_scheme"] == "http"

    def test_urls_may_have_letters_that_are_not_percent_encoded(self, port: int) -> None:
        with start_request(port, "Content-Length: 0", path="/س/?x=мир") as connection:
            environ = json.loads(connection.recv(10_000).partition(b"\r\n\r\n")[2])
        assert [environ[name].encode("latin-1").decode() for name in ("PATH_INFO", "QUERY_STRING")] == ["/س/", "x=мир"]

    def test_repeated_headers_are_joined(self, port: int) -> None:
        with start_request(port, "Cookie: a=1\r\nCookie: b=2\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0") as connection:
            environ = json.loads(connection.recv(10_000).partition(b"\r\n\r\n")[2])
        assert (environ["HTTP_COOKIE"], environ["HTTP_X_A"]) == ("a=1; b=2", "1,2")

    def test_a_chunked_body_has_a_content_length(self, port: int) -> None:
        with start_request(port, "Transfer-Encoding: chunked", b"3\r\nin \r\n6\r\nchunks\r\n0\r\n\r\n") as connection:
            environ = json.loads(connection.recv(10_000).partition(b"\r\n\r\n")[2])
        assert (environ["CONTENT_LENGTH"], environ["body"]) == ("9", "in chunks")

    def test_immediate_responses_are_made_in_the_event_loop(self, port: int) -> None:
        assert send(port, path="/immediate")[1] == b"MainThread"

    def test_an_error_affects_only_its_own_request(self, port: int) -> None:
        assert send(port, path="/error")[0].status == 500
        assert send(port)[0].status == 200


class TestBeingBusy:
    def test_a_flood_of_one_kind_is_refused_and_everyone_else_is_answered(self, port: int) -> None:
        with contextlib.ExitStack() as stack:
            slow = [
                stack.enter_context(start_request(port, "Content-Length: 4", b"text", path="/slow")) for _ in range(5)
            ]
            assert send(port, path="/ready")[1] == b"ready"
            assert send(port)[0].status == 200
            answers = [connection.recv(10_000) for connection in slow]
        assert sorted(int(answer[9:12]) for answer in answers) == [200] * 2 + [503] * 3
        assert all(answer.endswith(b"busy: text") for answer in answers if b" 503 " in answer)

    def test_a_large_upload_is_refused_before_it_has_arrived(self, port: int) -> None:
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(start_request(port, "", method="GET", path="/slow")) for _ in range(3)]
            # Once one of them is refused, the lane is full.
            ((refused,), *_others) = select.select(slow, [], [], 10)
            assert status_on(refused) == 503
            headers = "Content-Length: 2000000\r\nCookie: staff"
            large = stack.enter_context(start_request(port, headers, b"text", path="/slow"))
            assert large.recv(10_000).endswith(b"busy: ")
            assert {status_on(connection) for connection in slow if connection is not refused} == {200}


class TestBodies:
    def test_bodies_that_never_arrive_do_not_hold_up_others(self, port: int) -> None:
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(start_request(port, "Content-Length: 100", b"abc")) for _ in range(40)]
            assert send(port)[0].status == 200
            assert {status_on(connection) for connection in slow} == {408}
        assert send(port, "POST", body=b"text")[0].status == 200

    def test_more_bodies_than_can_be_received_at_the_same_time_are_refused(self, port: int) -> None:
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(start_request(port, "Content-Length: 100", b"abc")) for _ in range(70)]
            answers = [connection.recv(10_000) for connection in slow]
        assert sorted(int(answer[9:12]) for answer in answers) == [408] * 64 + [503] * 6
        # Their browsers still have the forms.
        assert all(b"go back to the form" in answer for answer in answers)

    @pytest.mark.parametrize("headers", ["Content-Length: 1048577", "Transfer-Encoding: chunked"])
    def test_bodies_that_are_too_large_are_refused(self, port: int, headers: str) -> None:
        with start_request(port, headers) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(18 if "chunked" in headers else 0):
                    connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            assert status_on(connection) == 413

    def test_staff_may_upload_large_files(self, port: int) -> None:
        text = b"x" * 3_000_000
        _response, body = send(port, "POST", body=text, headers={"Cookie": "staff=1"})
        assert len(json.loads(body)["body"]) == len(text)

    def test_uploads_by_staff_must_keep_arriving_too(self, port: int) -> None:
        with start_request(port, "Cookie: staff=1\r\nContent-Length: 2000000", b"abc") as connection:
            assert b"stopped arriving" in connection.recv(10_000)


class TestFiles:
    def test_files_of_any_size_are_sent_completely(self, port: int) -> None:
        response, body = send(port, path="/file")
        assert (response.headers["Content-Length"], body) == ("20480000", bytes(range(256)) * 80_000)

    def test_clients_that_do_not_read_their_file_do_not_hold_up_others(self, port: int) -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(10):
                connection = stack.enter_context(socket.socket())
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.connect(("127.0.0.1", port))
                connection.sendall(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert send(port)[0].status == 200
            wait_until(lambda: send(port, path="/open")[1] != b"0")
        # They are gone, so their files are closed.
        wait_until(lambda: send(port, path="/open")[1] == b"0")

    def test_a_head_request_gets_the_headers_without_the_file(self, port: int) -> None:
        response, body = send(port, "HEAD", "/file")
        assert (response.status, body) == (200, b"")


class TestLanes:
    """Requests that stay in their lane until they are told to leave."""

    @staticmethod
    async def stay(lane: Lane, leave: asyncio.Event, inside: list[int]) -> str:
        try:
            async with lane.enter():
                inside.append(1)
                await leave.wait()
                return "answered"
        except FullLaneError:
            return "refused"

    def run(self, *requests: tuple[Lane, int]) -> tuple[list[str], int]:
        """Send this many requests into each lane, then let all leave. Return the results, and how many got inside."""

        async def run() -> tuple[list[str], int]:
            leave, inside = asyncio.Event(), list[int]()
            tasks = [
                asyncio.create_task(self.stay(lane, leave, inside)) for lane, count in requests for _ in range(count)
            ]
            await asyncio.sleep(0.05)
            entered = len(inside)
            leave.set()
            return sorted(await asyncio.gather(*tasks)), entered

        return in_a_loop(run())

    def test_a_full_lane_lets_some_wait_and_refuses_the_rest(self) -> None:
        results, entered = self.run((Lane(2, waiting=3, patience=10), 8))
        assert (results, entered) == (["answered"] * 5 + ["refused"] * 3, 2)

    def test_waiting_longer_than_the_patience_of_a_lane_is_refused(self) -> None:
        results, _entered = self.run((Lane(1, waiting=3, patience=0.01), 4))
        assert results == ["answered"] + ["refused"] * 3

    def test_a_request_that_gave_up_makes_room_for_another_to_wait(self) -> None:
        async def run() -> str:
            lane, leave = Lane(1, waiting=1, patience=0.01), asyncio.Event()
            tasks = [asyncio.create_task(self.stay(lane, leave, [])) for _ in range(2)]
            await asyncio.sleep(0.05)
            last = asyncio.create_task(self.stay(lane, leave, []))
            await asyncio.sleep(0)
            leave.set()
            await asyncio.gather(*tasks)
            return await last

        assert in_a_loop(run()) == "answered"

    def test_a_full_lane_does_not_affect_another(self) -> None:
        results, entered = self.run((Lane(1, waiting=0, patience=0), 5), (Lane(1, waiting=0, patience=0), 1))
        assert (results, entered) == (["answered"] * 2 + ["refused"] * 4, 2)

    def test_lanes_take_turns_however_many_wait_in_one_of_them(self) -> None:
        async def run() -> list[str]:
            turns, order = asyncio.Semaphore(1), list[str]()
            lanes = {name: Lane(1, waiting=10, patience=10, turns=turns) for name in ("flooded", "calm")}

            async def take(name: str) -> None:
                async with lanes[name].enter():
                    assert turns.locked()
                    order.append(name)
                    await asyncio.sleep(0)

            await asyncio.gather(*(take("flooded") for _ in range(6)), *(take("calm") for _ in range(2)))
            return order

        assert in_a_loop(run()) == ["flooded", "calm", "flooded", "calm", *["flooded"] * 4]

    def test_a_request_that_fails_leaves_the_lane(self) -> None:
        async def run() -> str:
            lane, leave = Lane(1, waiting=0, patience=0, turns=asyncio.Semaphore(1)), asyncio.Event()
            leave.set()
            with pytest.raises(RuntimeError, match="planned"):
                async with lane.enter():
                    raise RuntimeError("planned")
            return await self.stay(lane, leave, [])

        assert in_a_loop(run()) == "answered"
