"""`manage.py serve` restarts killed processes, loses no request on HUP, and leaves no process behind."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.factories.made_once import CopyDatabase
from tests.factories.processes import environment_of
from tests.factories.programs import ROOT
from tests.factories.servers import free_port

# Overrides a developer's own environment and `.env`.
SETTINGS = {
    "SECRET_KEY": "only-for-tests",
    "DEBUG": "0",
    "DATABASE_URL": "",
    "CACHE_URL": "",
    "STORAGE_URL": "",
    "EMAIL_URL": "",
    "BACKUP_URL": "",
    "PAGES_FOLDER": "",
    "SITE_URL": "http://localhost",
}


class Served:
    """A site that is served by `manage.py serve`."""

    def __init__(self, data: Path, *options: str) -> None:
        self.port = free_port()
        self.log = data.parent / f"log-{self.port}"
        # What it reports to the service manager.
        self.reports = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.reports.settimeout(300)
        self.reports.bind(f"\0broadside-{self.port}")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "manage.py", "serve", f"--port={self.port}", "--processes=2", *options],
                cwd=ROOT,
                env={**environment_of(data), **SETTINGS, "NOTIFY_SOCKET": f"@broadside-{self.port}"},
                stdout=log,
                stderr=log,
            )

    def get(self) -> int:
        """Request a page on a new connection, and return its status; 0 if the connection was lost."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            try:
                connection.request("GET", "/robots.txt")
                response = connection.getresponse()
                response.read()
            except ConnectionError:
                return 0
            return response.status

    def descendants(self) -> dict[int, str]:
        """Return the command lines of all descendant processes by their IDs."""
        parents, commands = {}, {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(folder.name)] = int(parent)
                    commands[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return {pid: commands[pid] for pid in found - {self.process.pid}}

    def find(self, word: str) -> list[int]:
        """Return the IDs of descendants whose command line contains this word, oldest first."""
        return sorted(pid for pid, command in self.descendants().items() if word in command)

    def wait_until_it_is_up(self) -> None:
        wait_until(lambda: self._is_listening() and len(self.find("serving.web")) == 3)
        assert self.get() == 200
        self.wait_for_worker(after=0)

    def workers_started(self) -> int:
        """Return how many workers have started so far, and so end in an orderly way when they are told to."""
        return self.log.read_text().count("The worker has started.")

    def wait_for_worker(self, *, after: int) -> None:
        """Wait until more workers than this have started."""
        wait_until(lambda: self.workers_started() > after)

    def _is_listening(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("It took more than five minutes.")


def exists(pid: int) -> bool:
    """Return whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, copy_database: CopyDatabase) -> Path:
    """The data folder of an empty site."""
    data = tmp_path_factory.mktemp("served") / "data"
    copy_database(data)
    return data


@contextmanager
def serving(data: Path) -> Iterator[Served]:
    """Serve the site, and kill all its processes afterwards."""
    served = Served(data)
    try:
        served.wait_until_it_is_up()
        yield served
    finally:
        left = list(served.descendants())
        served.process.kill()
        served.process.wait()
        served.reports.close()
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def start(data: Path) -> Iterator[Callable[[], Served]]:
    """Return a function that returns the running site. Unless the test before stopped it, it is still the same one."""
    with ExitStack() as stack:
        sites: list[Served] = []

        def start() -> Served:
            if not sites or sites[-1].process.poll() is not None:
                sites.append(stack.enter_context(serving(data)))
            return sites[-1]

        yield start


@pytest.fixture
def running(start: Callable[[], Served]) -> Served:
    """A running site, which the test may stop."""
    return start()


class Visitor(threading.Thread):
    """A visitor who keeps requesting pages on new connections, with pauses that leave the processor to others."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.answers: list[Any] = []
        self.is_leaving = False
        self._served = served

    def run(self) -> None:
        while not self.is_leaving:
            try:
                self.answers.append(self._served.get())
            except (OSError, http.client.HTTPException) as error:
                self.answers.append(repr(error))
            time.sleep(0.005)


def test_hup_replaces_everything_without_losing_a_request(running: Served) -> None:
    assert running.reports.recv(100) == b"READY=1"
    before, workers = set(running.descendants()), running.workers_started()
    visitors = [Visitor(running) for _ in range(3)]
    for visitor in visitors:
        visitor.start()
    running.process.send_signal(signal.SIGHUP)
    try:
        sent_at = time.monotonic_ns() // 1000
        reloading, _is, since = running.reports.recv(100).decode().partition("\nMONOTONIC_USEC=")
        assert reloading == "RELOADING=1"
        assert abs(int(since) - sent_at) < 60_000_000
        # It reports that it is ready when only the new web server is left.
        assert running.reports.recv(100) == b"READY=1"
        web = set(running.find("serving.web"))
        assert len(web) == 3
        assert not web & before
        wait_until(lambda: not before & set(running.descendants()))
    finally:
        for visitor in visitors:
            visitor.is_leaving = True
        for visitor in visitors:
            visitor.join()
    answers = [answer for visitor in visitors for answer in visitor.answers]
    assert answers.count(200) > 100
    assert set(answers) == {200}
    running.wait_for_worker(after=workers)
    assert len(running.find("manage.py worker")) == 1


def test_killed_processes_are_restarted(running: Served) -> None:
    (worker,), (web, *_parts) = running.find("manage.py worker"), running.find("serving.web")
    before, workers = set(running.find("serving.web")), running.workers_started()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: running.find("manage.py worker") not in ([], [worker]))
    os.kill(web, signal.SIGKILL)
    # Until then, connections wait, unless a process that is ending has just accepted them.
    wait_until(lambda: running.get() == 200)
    wait_until(lambda: len(set(running.find("serving.web")) - before) == 3)
    # The processes of the killed web server don't keep running without it.
    wait_until(lambda: not any(map(exists, before)))
    running.wait_for_worker(after=workers)
    assert running.get() == 200


def test_term_ends_everything(running: Served) -> None:
    descendants = set(running.descendants())
    assert len(descendants) >= 4
    running.process.terminate()
    assert running.process.wait(60) == 0
    assert not any(map(exists, descendants))
    log = running.log.read_text()
    assert "serve: Stopping." in log
    assert "The worker has stopped." in log


def test_no_process_is_left_when_serve_itself_is_killed(running: Served) -> None:
    descendants = set(running.descendants())
    running.process.kill()
    running.process.wait()
    wait_until(lambda: not any(map(exists, descendants)))


def test_serves_a_unix_socket_and_removes_it(data: Path) -> None:
    path = data.parent / "socket"
    served = Served(data, f"--unix={path}", "--without-worker")
    try:
        wait_until(path.exists)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(str(path))
            connection.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
        assert served.find("manage.py worker") == []
    finally:
        served.process.terminate()
        served.process.wait(60)
        served.reports.close()
    assert not path.exists()


def test_a_port_in_use_is_explained(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "manage.py", "serve", f"--port={taken.getsockname()[1]}"],
            cwd=ROOT,
            env={**environment_of(data), **SETTINGS},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert "Is another server running there?" in result.stdout
