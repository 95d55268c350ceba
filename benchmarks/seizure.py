"""Looks for traces on the disk of a seized site, after a day of traffic and in the nights that follow.

Prints, for each seizure, how many planted texts were looked for and found, and where. See README.md.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import scratch_site  # isort: split

from processes import PROJECT, free_port, kill_all, wait_for_port, with_descendants

from tests.factories.postgresql import PostgresServer, find_programs
from tests.factories.traces import Trace, Traces

# How many days longer backups contain deleted texts. With these settings, the last backups of two days are kept.
KEPT_LONGER = 3
# In days, as docs/maintaining.md advises, with `rotate 7` in logrotate. nginx's log has the URLs of deleted posts.
LOG_KEPT = 7
# As docs/running.md advises.
POSTGRESQL = "-c log_min_error_statement=panic -c wal_recycle=off"
BACKUPS = {"BACKUP_TIMES": "03:30", "BACKUP_KEEP_DAILY": "2", "BACKUP_KEEP_WEEKLY": "0", "BACKUP_KEEP_MONTHLY": "0"}


class Site:
    """A site behind nginx with all files in one folder: data, backups, logs, pages, temporary files."""

    def __init__(self, folder: Path, database: PostgresServer | None) -> None:
        self.disk, self._seized, self.database = folder / "disk", folder / "seized", database
        for name in ("data", "backups", "logs", "pages", "tmp", "nginx"):
            # There may be an empty site already.
            (self.disk / name).mkdir(parents=True, exist_ok=True)
        self.static = Path(os.environ.get("STATIC_ROOT", folder / "static"))
        self.port, self._app_port = free_port(), free_port()
        self.environment = os.environ | {
            "BROADSIDE_DATA": f"{self.disk}/data",
            "PAGES_FOLDER": f"{self.disk}/pages",
            "BACKUP_URL": f"{self.disk}/backups",
            "STATIC_ROOT": str(self.static),
            "TMPDIR": str(self.disk / "tmp"),
            "SITE_URL": "http://localhost",
            "BEHIND_PROXY": "1",
            "TRUSTED_PROXIES": "1",
            "LOG_LEVEL": "INFO",
            "PYTHONPATH": f"{PROJECT}:{PROJECT / 'benchmarks'}",
            **BACKUPS,
            **({"DATABASE_URL": database.url} if database else {}),
        }
        self._running: list[subprocess.Popen[Any]] = []

    def manage(self, *arguments: str, day: int = 0) -> None:
        """Run a command, with the clock set this many days ahead."""
        ahead = ["faketime", "-f", f"+{day}d"] if day else []
        # Waiting must not depend on that, and files keep the times at which they were really written.
        clock = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
        with (self.disk / "logs" / "commands.log").open("ab") as log:
            command = [*ahead, sys.executable, "manage.py", *arguments]
            subprocess.run(  # noqa: S603  # our own command
                command, cwd=PROJECT, env=self.environment | clock, stdout=log, stderr=log, check=True
            )

    def start(self) -> None:
        """Start the servers of the site, with core dumps enabled as far as an administrator could have enabled them."""
        unlimited = partial(resource.setrlimit, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        serve = [sys.executable, "manage.py", "serve", f"--port={self._app_port}", "--processes=2", "--without-worker"]
        self._run(serve, "site", preexec_fn=unlimited)
        log = f"{self.disk}/logs/nginx-start.log"
        self._run(scratch_site.nginx_command(self.disk / "nginx", self._directives(), error_log=log), "nginx")
        for port, program in zip((self._app_port, self.port), self._running, strict=True):
            wait_for_port(port, program)

    def live(self) -> Traces:
        """Let the day pass, and return what was planted. The process of the day keeps running."""
        script = [sys.executable, str(PROJECT / "benchmarks" / "seized_day.py"), str(self.port)]
        # It does the worker's work, and logs like the worker.
        day = self._run(script, "worker", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert day.stdout is not None  # it is a pipe
        line = day.stdout.readline()
        if not line:
            raise SystemExit(f"The day ended early. {(self.disk / 'logs' / 'worker.log').read_text()[-2000:]}")
        return Traces.from_json(line.decode())

    def check_crashing(self) -> None:
        """Make sure that no process of the site would write its memory to a file if it crashed."""
        for pid in with_descendants(self._running[0].pid):
            limits = Path(f"/proc/{pid}/limits").read_text()
            (size,) = re.findall(r"^Max core file size +(\S+)", limits, re.MULTILINE)
            if size != "0":
                raise SystemExit(f"A process that crashes may leave {size} bytes of its memory in a file.")

    def seize(self, name: str) -> Path:
        """Pull the plug, and return a copy of the disk."""
        self.kill()
        if self.database:
            self.database.kill()
        target = self._seized / name
        shutil.copytree(self.disk, target, symlinks=True)
        return target

    def kill(self) -> None:
        kill_all(self._running)
        self._running.clear()

    def _run(self, command: list[str], log: str, **options: Any) -> subprocess.Popen[Any]:
        file = (self.disk / "logs" / f"{log}.log").open("ab")
        options = {"stdout": file, "stderr": file} | options
        program = subprocess.Popen(command, cwd=PROJECT, env=self.environment, **options)  # noqa: S603  # our own programs
        self._running.append(program)
        return program

    def _directives(self) -> str:
        """Return the configuration that we ship, with the paths and ports of this site, and without TLS."""
        paths = {
            "/run/broadside/pages": f"{self.disk}/pages",
            "/var/log/nginx/blog.log": f"{self.disk}/logs/access.log",
        }
        shipped = scratch_site.shipped_nginx(self.port, self._app_port, paths)
        folder = self.disk / "nginx"
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
        )
        return f"{temporary}\n{shipped}"


def report(name: str, day: int, found: Mapping[Path, set[Trace]], planted: Traces) -> list[str]:
    """Print what was found after this many days, and return what should not have been found, and where it was."""
    wrong, seen = [], set()
    for path, traces in found.items():
        longer = KEPT_LONGER if path.parts[0] == "backups" else 0
        seen |= traces
        wrong += [f"{trace.kind} in {path}" for trace in traces if trace.is_due(day, kept_longer=longer)]
    due = [trace for trace in planted.planted if trace.is_due(day)]
    stay = [trace for trace in planted.planted if trace.days is None]
    missing = [trace.kind for trace in stay if trace not in seen]
    later = {trace for trace in planted.planted if trace.days is not None} - set(due)
    print(
        f"| {name} | {len(due)} | {len(wrong)} | {len(later)} | {len(later & seen)} "
        f"| {len(stay)} | {len(stay) - len(missing)} |",
        flush=True,
    )
    return wrong + [f"{kind} was not found anywhere, so the search is blind" for kind in missing]


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgresServer]:
    """Create a server with the settings of docs/running.md, whose files are on the disk that is seized."""
    programs = find_programs()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed.")
    # PostgreSQL's user must be able to enter it.
    folder.chmod(0o755)
    server = PostgresServer(programs, folder / "disk" / "postgresql")
    server.create()
    server.start(POSTGRESQL)
    try:
        yield server
    finally:
        # The server is already down, unless something went wrong.
        with suppress(subprocess.CalledProcessError):
            server.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[1, 41, 400], help="days on which it is seized again")
    parser.add_argument("--postgresql", action="store_true", help="use a PostgreSQL server")
    options = parser.parse_args()
    missing = [name for name in ("nginx", "faketime") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"{' and '.join(missing)} must be installed.")
    folder, wrong = scratch_site.FOLDER, Counter[str]()
    with ExitStack() as stack:
        database = stack.enter_context(postgresql(folder)) if options.postgresql else None
        site = Site(folder, database)
        if not (site.disk / "data" / "broadside.sqlite3").exists():
            site.manage("migrate", "--verbosity", "0")
        if not site.static.exists():
            site.manage("collectstatic", "--no-input", "--verbosity", "0")
        # The first run creates the schedule.
        site.manage("worker", "--once")
        site.start()
        try:
            planted = site.live()
            site.check_crashing()
            print("| seized | must be gone | found | will be gone later | found | stay | found |")
            print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
            image = site.seize("that evening")
            wrong.update(report("that evening", 0, planted.find_in_files(image), planted))
            for day in options.days:
                if database:
                    database.start(POSTGRESQL)
                if day > LOG_KEPT:
                    (site.disk / "logs" / "access.log").unlink()
                site.start()
                # Twice, because texts that the first run deletes are overwritten in the next night.
                for later in (day, day + 1):
                    site.manage("worker", "--once", day=later)
                name = f"{day} day later" if day == 1 else f"{day} days later"
                image = site.seize(name)
                wrong.update(report(name, day, planted.find_in_files(image), planted))
        finally:
            site.kill()
    for text, times in sorted(wrong.items()):
        print(f"{times} × {text}")
    if wrong:
        raise SystemExit("There are traces.")


if __name__ == "__main__":
    main()
