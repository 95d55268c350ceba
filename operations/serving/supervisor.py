"""The process that `manage.py serve` becomes: it starts the web server and the worker, and restarts them if they end.

It doesn't import Django, so it is small and outlives upgrades of Broadside. It holds the socket to which readers
connect, so connections wait while the web server is replaced, or restarted after it died.
"""

import argparse
import errno
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final

from operations.serving.processes import Process, start
from operations.serving.service_manager import ServiceManager

_BACKLOG: Final = 1024
_SIGNALS: Final = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
# Seconds. A process that ends sooner counts as having failed to start.
_SHORT: Final = 10.0
# How often that may happen in a row. The pause grows each time.
MAX_FAILURES: Final = 6
_FIRST_PAUSE: Final = 0.5
# The pause between attempts to start a program that has failed too often, if the site can run without it.
_LONG_PAUSE: Final = 60.0
# Seconds in which a web server that has been replaced closes kept-alive connections, each after a response. If it just
# closed them, a client that sends a request at that moment would lose it.
_RETIREMENT: Final = 5.0
# How often to check for changes without a signal: that a process is ready or late.
_TICK: Final = 0.1
# Makes the C library return large blocks of memory to the system, instead of keeping some for each thread.
_MALLOC: Final = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "131072"}

_log = logging.getLogger("serve")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `manage.py serve`."""
    parser.add_argument("--host", default="127.0.0.1", help="the address of the web server (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="the port of the web server (default: %(default)s)")
    parser.add_argument("--unix", default="", metavar="PATH", help="listen on this Unix socket instead")
    parser.add_argument(
        "--processes", type=int, default=_processors(), help="how many processes answer requests (default: %(default)s)"
    )
    parser.add_argument(
        "--without-worker", action="store_true", help="start only the web server, because a worker runs elsewhere"
    )


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a port. Choose a number from 1 to 65535.")


def to_arguments(options: Mapping[str, Any]) -> list[str]:
    """Return the command line that `add_arguments` reads these options from."""
    names = ("host", "port", "unix", "processes")
    return [f"--{name}={options[name]}" for name in names] + ["--without-worker"] * options["without_worker"]


class Program:
    """A program to keep running: its process and, while it is replaced, the next one and those that are ending."""

    def __init__(self, name: str, run: Callable[[], Process]) -> None:
        self.name = name
        # How many processes in a row ended right after they were started.
        self.failures = 0
        self._run = run
        self._current: Process | None = None
        self._next: Process | None = None
        self._ending: list[Process] = []
        self._start_at = 0.0

    @property
    def is_running(self) -> bool:
        return any(process.status is None for process in self._processes())

    @property
    def is_settled(self) -> bool:
        """Whether its current process is ready and the only one, so that there is nothing to do until it ends."""
        return self._next is None and not self._ending and self._current is not None and self._current.is_ready

    def replace(self) -> None:
        """Start a new process, which replaces the current one as soon as it is ready."""
        if self._next:
            self._retire(self._next)
        self.failures, self._start_at = 0, 0.0
        self._next = self._start() if self._current else None

    def stop(self) -> None:
        for process in self._processes():
            process.stop()

    def update(self) -> None:
        """Restart the program if it has ended, switch to the next process if it is ready, and kill late ones."""
        for process in self._ending:
            process.enforce_deadlines()
        self._ending = [process for process in self._ending if process.status is None]
        if self._next and self._next.status is not None:
            self._next.close()
            self._next = None
            _log.error("The new %s ended before it was ready, so the old one keeps running. See above.", self.name)
        elif self._next and self._next.is_ready:
            if self._current:
                self._retire(self._current)
            self._current, self._next = self._next, None
            _log.info("The new %s has taken over.", self.name)
        if self._current and self._current.status is not None:
            self._handle_exit(self._current)
            self._current, self._next = self._next, None
        if self._current is None and monotonic() >= self._start_at:
            self._current = self._start()

    def enforce_deadlines(self) -> None:
        for process in self._processes():
            process.enforce_deadlines()

    def _start(self) -> Process | None:
        try:
            return self._run()
        except (OSError, subprocess.SubprocessError) as error:
            # There may be too little memory at the moment.
            _log.error("The %s could not be started: %s", self.name, error)
            self._pause()
            return None

    def _handle_exit(self, process: Process) -> None:
        process.close()
        _log.error("The %s ended (%s) and will be restarted.", self.name, describe(process.status or 0))
        if monotonic() - process.started_at < _SHORT:
            self._pause()
        else:
            self.failures, self._start_at = 0, 0.0

    def _pause(self) -> None:
        """Wait before the next attempt, longer each time."""
        pause = _FIRST_PAUSE * 2**self.failures
        self.failures += 1
        self._start_at = monotonic() + (pause if self.failures < MAX_FAILURES else _LONG_PAUSE)

    def _retire(self, process: Process) -> None:
        process.close()
        process.retire()
        process.enforce_deadlines()
        self._ending.append(process)

    def _processes(self) -> list[Process]:
        return [*self._ending, *filter(None, (self._current, self._next))]


class Supervisor:
    """Keeps programs running. It gives up if `web` can't be started, while the site can run without the others."""

    def __init__(self, web: Program, others: list[Program], manager: ServiceManager) -> None:
        self._web = web
        self._programs = [web, *others]
        self._manager = manager

    def run(self) -> int:
        """Run until a signal to stop, and return the exit status."""
        is_reported = False
        while True:
            for program in self._programs:
                program.update()
            # Until a web server that has been replaced ends, it may answer on connections that proxies keep.
            if self._web.is_settled and not is_reported:
                self._manager.report_ready()
                is_reported = True
            if self._web.failures >= MAX_FAILURES:
                _log.critical("The web server ended %d times right after it was started: giving up.", MAX_FAILURES)
                self._stop()
                return 1
            number = self._wait()
            if number in {signal.SIGTERM, signal.SIGINT}:
                _log.info("Stopping.")
                self._stop()
                return 0
            if number == signal.SIGHUP:
                _log.info("Replacing all processes.")
                self._manager.report_reloading()
                is_reported = False
                for program in self._programs:
                    program.replace()

    def _wait(self) -> int:
        """Wait for a signal and return its number, or 0 when it is time for another check."""
        is_settled = all(program.is_settled for program in self._programs)
        # A minute if only a signal can change anything.
        found = signal.sigtimedwait(_SIGNALS, 60.0 if is_settled else _TICK)
        return found.si_signo if found else 0

    def _stop(self) -> None:
        """Stop everything. A second signal is passed on, so that the worker interrupts its task at once."""
        for program in self._programs:
            program.stop()
        while any(program.is_running for program in self._programs):
            found = signal.sigtimedwait(_SIGNALS, _TICK)
            for program in self._programs:
                if found and found.si_signo in {signal.SIGTERM, signal.SIGINT}:
                    program.stop()
                program.enforce_deadlines()


def describe(status: int) -> str:
    """Return a description of how a process ended."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        # Most real-time signals have no name.
        return f"killed by signal {-status}"


def listen(host: str, port: int, unix: str) -> socket.socket:
    """Open the socket that readers connect to. Raises OSError."""
    if not unix:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    path = Path(unix)
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode) and not _answers(unix):
            # Left by a server that was killed.
            path.unlink()
    listening = socket.socket(socket.AF_UNIX)
    # For this user and group, so that nginx can be given access.
    before = os.umask(0o117)
    try:
        listening.bind(unix)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py serve")
    add_arguments(parser)
    options = parser.parse_args()
    logging.basicConfig(
        stream=sys.stdout, level=logging.INFO, format="{asctime} {levelname} {name}: {message}", style="{"
    )
    # From here on, signals stay pending until sigtimedwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        listening = listen(options.host, options.port, options.unix)
    except OSError as error:
        place = options.unix or f"{options.host}:{options.port}"
        hint = " Is another server running there?" if error.errno == errno.EADDRINUSE else ""
        # An error of Python's own, such as that the path of the socket is too long, has no number and no `strerror`.
        _log.critical("Can't listen on %s: %s.%s", place, error.strerror or error, hint)
        return 1
    place = f"unix:{options.unix}" if options.unix else f"http://{options.host}:{listening.getsockname()[1]}"
    _log.info("Listening on %s (process %d).", place, os.getpid())
    folder = release_folder(os.getcwd())
    manager = ServiceManager()
    programs = [] if options.without_worker else [Program("worker", lambda: _start_worker(folder))]
    web = Program("web server", lambda: start_web(listening, max(1, options.processes), os.environ, folder))
    try:
        return Supervisor(web, programs, manager).run()
    finally:
        listening.close()
        if options.unix:
            Path(options.unix).unlink(missing_ok=True)


def start_web(
    listening: socket.socket,
    processes: int,
    environment: Mapping[str, str],
    folder: str,
    output: int | None = None,
) -> Process:
    """Start the web server of the release in `folder`, with `processes` processes that answer requests."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    numbers = [listening.fileno(), write]
    command = [sys.executable, "-m", "operations.serving.web", *map(str, [*numbers, processes])]
    try:
        process = start(command, {**_MALLOC, **environment}, folder=folder, output=output, inherited=numbers)
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
    return Process(process, read, processes, _RETIREMENT)


def _start_worker(folder: str) -> Process:
    return Process(start([sys.executable, "manage.py", "worker"], os.environ, folder=folder, lower_priority=True))


def release_folder(working: str) -> str:
    """Return the folder that processes are started from: the one that contains this process's virtual environment.

    If this process was started through the link to the current release, so are they, and thus from the next release
    once it is current. `working`, the folder of the code, is returned for any other virtual environment.
    """
    folder = os.path.dirname(sys.prefix)
    with suppress(OSError):
        if os.path.samefile(folder, working):
            return folder
    return working


def _answers(unix: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(unix) == 0


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
