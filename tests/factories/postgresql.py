"""PostgreSQL servers for tests: a primary server and a replica that streams from it."""

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from tests.factories.servers import free_port

_INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
# PostgreSQL refuses to run as root.
_USER = "postgres"


def find_programs() -> Path | None:
    """Return the folder with the programs of the newest server, which Debian keeps in /usr/lib."""
    on_path = shutil.which("initdb")
    return _INSTALLED[-1] if _INSTALLED else Path(on_path).parent if on_path else None


class PostgresServer:
    """A server with its files in a new folder. It logs each statement."""

    def __init__(self, programs: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        if os.getuid() == 0:
            shutil.chown(folder, _USER)
        self._programs = programs
        self.data, self._log = folder / "data", folder / "log"
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"postgres://broadside@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Create an empty database."""
        options = ["--auth", "trust", "--encoding", "UTF8", "--username", "broadside", "--no-sync"]
        self._run("initdb", "--pgdata", self.data, *options)

    def copy(self, primary: "PostgresServer") -> None:
        """Copy the files of another server, to stream its changes from then on."""
        source = f"host=127.0.0.1 port={primary.port} user=broadside"
        options = ["--write-recovery-conf", "--checkpoint", "fast", "--no-sync"]
        self._run("pg_basebackup", "--dbname", source, "--pgdata", self.data, *options)

    def start(self, settings: str = "-c log_statement=all") -> None:
        options = f"-p {self.port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off {settings}"
        self._run("pg_ctl", "--pgdata", self.data, "--log", self._log, "--wait", "-o", options, "start")

    def kill(self) -> None:
        self._run("pg_ctl", "--pgdata", self.data, "--mode", "immediate", "stop")

    def execute(self, statement: str) -> Any:
        """Execute a statement, and return the first column of the first row, if there is any."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def statements(self, text: str) -> list[str]:
        """Return the logged lines that contain this text."""
        return [line for line in self._log.read_text().splitlines() if text in line]

    def _run(self, program: str, *arguments: object) -> None:
        run = partial(subprocess.run, user=_USER) if os.getuid() == 0 else subprocess.run
        # The server inherits the output, so it must not be a pipe, which would be read until the server ends.
        command = [str(part) for part in (self._programs / program, *arguments)]
        run(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
