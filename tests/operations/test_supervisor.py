"""How `manage.py serve` reacts when its programs end, are replaced, or can't be started."""

import os
import signal
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operations.serving import supervisor
from operations.serving.processes import RETIRE_SIGNAL, Process
from operations.serving.service_manager import ServiceManager
from operations.serving.supervisor import Program, Supervisor, describe, listen, release_folder, start_web


class FakePopen:
    """A process that ends when the test sets its return code."""

    def __init__(self) -> None:
        self.pid = -1
        self.returncode: int | None = None
        self.signals: list[int] = []

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


@pytest.fixture(autouse=True)
def group_signals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that would have been sent to process groups."""
    sent: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: sent.append(number))
    return sent


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which only the test advances."""
    time = [1000.0]
    for module in ("supervisor", "processes"):
        monkeypatch.setattr(f"operations.serving.{module}.monotonic", lambda: time[0])
    return time


class Started:
    """A program with fake processes, which the test can end or make ready."""

    def __init__(self, *, says_ready: bool = False, time: list[float]) -> None:
        self.processes: list[FakePopen] = []
        self.pipes: list[int] = []
        self._says_ready = says_ready
        self._time = time
        self.program = Program("web server", self._run)

    def _run(self) -> Process:
        fake: Any = FakePopen()
        self.processes.append(fake)
        read = None
        if self._says_ready:
            read, write = os.pipe()
            os.set_blocking(read, False)
            self.pipes.append(write)
        return Process(fake, read, 2, 5.0 if self._says_ready else 0.0, started_at=self._time[0])


@pytest.fixture
def started(clock: list[float]) -> Started:
    return Started(time=clock)


def advance(program: Program, clock: list[float], seconds: float) -> None:
    """Let this many seconds pass, updating the program several times per second."""
    end = clock[0] + seconds
    while clock[0] < end:
        clock[0] += 0.25
        program.update()


class TestRestarting:
    def test_a_process_that_ran_for_a_while_is_restarted_at_once(self, started: Started, clock: list[float]) -> None:
        started.program.update()
        clock[0] += 60
        started.processes[0].returncode = -9
        started.program.update()
        assert len(started.processes) == 2
        assert started.program.failures == 0

    def test_a_process_that_ends_at_once_is_restarted_after_growing_pauses(
        self, started: Started, clock: list[float]
    ) -> None:
        times = []
        for number in range(5):
            advance(started.program, clock, 60 if number == 0 else 30)
            started.processes[-1].returncode = 1
            started.program._current.started_at = clock[0]  # type: ignore[union-attr]  # it is running
            began = clock[0]
            while len(started.processes) == number + 1:
                advance(started.program, clock, 0.25)
            times.append(clock[0] - began)
        assert times == sorted(times)
        assert times[0] <= 1
        assert 7 <= times[-1] <= 9

    def test_the_site_keeps_running_while_the_worker_keeps_failing(self, started: Started, clock: list[float]) -> None:
        for _ in range(supervisor.MAX_FAILURES + 3):
            advance(started.program, clock, 61)
            started.program._current.started_at = clock[0]  # type: ignore[union-attr]  # as above
            started.processes[-1].returncode = 1
        assert started.program.failures >= supervisor.MAX_FAILURES
        before = len(started.processes)
        advance(started.program, clock, 120)
        assert len(started.processes) > before

    def test_serve_gives_up_if_the_web_server_keeps_failing(
        self, clock: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        web, worker = Started(time=clock), Started(time=clock)

        def wait(*arguments: object) -> None:
            clock[0] += 10
            for fake in worker.processes if worker.processes and worker.processes[0].signals else web.processes:
                fake.returncode = 1
            if web.program._current:
                web.program._current.started_at = clock[0]

        monkeypatch.setattr(signal, "sigtimedwait", wait)
        assert Supervisor(web.program, [worker.program], ServiceManager()).run() == 1
        assert "giving up" in caplog.text
        assert worker.processes[0].signals == [signal.SIGTERM]


class TestReplacing:
    @pytest.fixture
    def web(self, clock: list[float]) -> Started:
        web = Started(says_ready=True, time=clock)
        web.program.update()
        return web

    def test_the_old_server_stops_when_all_processes_of_the_new_one_are_ready(
        self, web: Started, clock: list[float], group_signals: list[int]
    ) -> None:
        web.program.replace()
        web.program.update()
        os.write(web.pipes[1], b".")
        web.program.update()
        assert group_signals == []
        os.write(web.pipes[1], b".")
        web.program.update()
        # First, it is told to close its idle connections.
        assert group_signals == [RETIRE_SIGNAL]
        assert web.processes[0].signals == []
        advance(web.program, clock, 5)
        assert web.processes[0].signals == [signal.SIGTERM]
        assert web.processes[1].signals == []

    def test_the_old_server_keeps_running_if_the_new_one_does_not_start(
        self, web: Started, caplog: pytest.LogCaptureFixture
    ) -> None:
        web.program.replace()
        web.processes[1].returncode = 1
        web.program.update()
        assert web.processes[0].signals == []
        assert "so the old one keeps running" in caplog.text
        assert web.program.failures == 0

    def test_a_reload_is_over_when_the_new_server_has_failed(
        self, web: Started, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reports: list[str] = []
        manager = ServiceManager()
        monkeypatch.setattr(manager, "_send", lambda message: reports.append(message.partition("=")[0]))

        def wait(*arguments: object) -> SimpleNamespace | None:
            if not reports:
                os.write(web.pipes[0], b"..")
            elif reports == ["READY"]:
                return SimpleNamespace(si_signo=signal.SIGHUP)
            elif reports == ["READY", "RELOADING"]:
                web.processes[1].returncode = 1
            else:
                web.processes[0].returncode = 0
                return SimpleNamespace(si_signo=signal.SIGTERM)
            return None

        monkeypatch.setattr(signal, "sigtimedwait", wait)
        assert Supervisor(web.program, [], manager).run() == 0
        assert reports == ["READY", "RELOADING", "READY"]

    def test_the_new_server_takes_over_early_if_the_old_one_dies(self, web: Started) -> None:
        web.program.replace()
        web.processes[0].returncode = -9
        web.program.update()
        assert len(web.processes) == 2

    def test_replacing_again_ends_the_first_attempt(self, web: Started, clock: list[float]) -> None:
        web.program.replace()
        web.program.replace()
        advance(web.program, clock, 5)
        assert [fake.signals for fake in web.processes] == [[], [signal.SIGTERM], []]

    def test_an_old_server_that_does_not_stop_is_killed(
        self, web: Started, clock: list[float], group_signals: list[int]
    ) -> None:
        web.program.replace()
        os.write(web.pipes[1], b"..")
        web.program.update()
        advance(web.program, clock, 54)
        assert signal.SIGKILL not in group_signals
        advance(web.program, clock, 2)
        assert signal.SIGKILL in group_signals


class TestListening:
    def test_the_socket_file_of_a_killed_server_is_replaced(self, tmp_path: Path) -> None:
        path = str(tmp_path / "socket")
        listen("", 0, path).close()
        with listen("", 0, path), socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        assert oct(os.stat(path).st_mode & 0o777) == "0o660"

    def test_the_socket_of_another_server_is_not_replaced(self, tmp_path: Path) -> None:
        path = str(tmp_path / "socket")
        with listen("", 0, path), pytest.raises(OSError, match="in use"):
            listen("", 0, path)

    def test_a_file_that_is_not_a_socket_is_not_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "socket"
        path.write_text("x")
        with pytest.raises(OSError, match="in use"):
            listen("", 0, str(path))
        assert path.read_text() == "x"

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    def test_ipv4_and_ipv6_addresses_are_supported(self, host: str) -> None:
        with listen(host, 0, "") as listening:
            assert listening.getsockname()[0] == host

    @pytest.mark.parametrize("port", ["99999999", "-1", "http"])
    def test_a_port_that_does_not_exist_is_explained(self, port: str, capsys: pytest.CaptureFixture[str]) -> None:
        parser = ArgumentParser()
        supervisor.add_arguments(parser)
        with pytest.raises(SystemExit):
            parser.parse_args([f"--port={port}"])
        assert f"{port} is not a port. Choose a number from 1 to 65535." in capsys.readouterr().err

    def test_a_path_that_is_too_long_is_explained(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["serve", f"--unix=/{'x' * 200}"])
        monkeypatch.setattr(signal, "pthread_sigmask", lambda *arguments: None)
        assert supervisor.main() == 1
        assert caplog.messages[-1].endswith("x: AF_UNIX path too long.")


def test_the_end_of_a_process_is_described() -> None:
    assert describe(-9) == "killed by SIGKILL"
    assert describe(-40) == "killed by signal 40"
    assert describe(1) == "exit status 1"


def test_processes_are_started_through_the_link_to_the_current_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, elsewhere = tmp_path / "releases/1.0.0", tmp_path / "elsewhere"
    for folder in (release, elsewhere):
        (folder / ".venv").mkdir(parents=True)
    current = tmp_path / "current"
    current.symlink_to(release)
    monkeypatch.setattr(sys, "prefix", str(current / ".venv"))
    assert release_folder(str(release)) == str(current)
    monkeypatch.setattr(sys, "prefix", str(elsewhere / ".venv"))
    assert release_folder(str(release)) == str(release)
    monkeypatch.setattr(sys, "prefix", "/nonexistent/.venv")
    assert release_folder(str(release)) == str(release)


def test_a_web_server_that_cannot_be_started_leaves_no_open_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open files would add up, because starting it is retried."""

    def fail(*args: Any, **options: Any) -> Any:
        raise OSError("no memory")

    monkeypatch.setattr(supervisor, "start", fail)
    with listen("127.0.0.1", 0, "") as listening:
        before = set(os.listdir("/proc/self/fd"))
        with pytest.raises(OSError, match="no memory"):
            start_web(listening, 1, {}, ".")
        assert set(os.listdir("/proc/self/fd")) == before
