"""A real site, the servers it depends on, and the faults of each. See README.md.

Importing this module sets up Django for that site, according to the command line.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from processes import PROJECT, free_port, kill_all, wait_for_port

sys.path.insert(0, str(PROJECT))
# In MiB. PostgreSQL keeps its files on the same disk.
DISK_SIZE = {"sqlite": 300, "postgresql": 500}
# How long everything may take to recover, in seconds, even on a busy machine.
PATIENCE = 120
_FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)

parser = argparse.ArgumentParser(description="Injects faults into a site, and records what people see.")
parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
parser.add_argument("--faults", nargs="*", metavar="NAME", help="only these, or none (default: all)")
parser.add_argument("--surfaces", nargs="*", metavar="NAME", help="only these (default: all)")
parser.add_argument("--kills", type=int, default=20, help="how often each action is killed (default: %(default)s)")
parser.add_argument("--seed", type=int, default=None, help="seed for the random times of the kills")
parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
options = parser.parse_args()

FOLDER = Path(tempfile.mkdtemp(prefix="broadside-faults-"))
# Where the site and PostgreSQL store their data.
DISK = FOLDER / "disk"
DATA = DISK / "data"
CLOCK = FOLDER / "clock"

# Root may write to every file, unless it gives up that privilege.
AS_OTHERS = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.getuid() == 0 else []


PORT, CACHE_PORT, MAIL_PORT, DATABASE_PORT = (free_port() for _ in range(4))
os.environ |= {
    "BROADSIDE_DATA": str(DATA),
    "STATIC_ROOT": str(FOLDER / "static"),
    "SECRET_KEY": "only-for-this-site" * 3,
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "SITE_URL": f"http://127.0.0.1:{PORT}",
    "CACHE_URL": f"redis://127.0.0.1:{CACHE_PORT}/0",
    "EMAIL_URL": f"smtp://127.0.0.1:{MAIL_PORT}",
    "BACKUP_URL": str(FOLDER / "backups"),
    "DATABASE_URL": "",
    "DEBUG": "0",
}
if options.database == "postgresql":
    os.environ["DATABASE_URL"] = f"postgres://broadside@127.0.0.1:{DATABASE_PORT}/postgres"
DISK.mkdir()
# Whether the folder is a disk of its own, which can be full.
HAS_DISK = (
    os.getuid() == 0
    and subprocess.run(  # noqa: S603  # our own arguments
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE[options.database]}m", "tmpfs", str(DISK)],  # noqa: S607  # as above
        check=False,
        stderr=subprocess.DEVNULL,
    ).returncode
    == 0
)
DISK.chmod(0o755)

import django  # noqa: E402  # the environment is set up first

django.setup()
# aiosmtpd logs each command.
logging.getLogger("mail.log").setLevel(logging.WARNING)

from django.db import connection  # noqa: E402  # Django is set up first

from tests.factories.postgresql import PostgresServer, find_programs  # noqa: E402  # as above

# Running commands, which a power cut ends as well.
commands: list[subprocess.Popen[str]] = []


def close_connections() -> None:
    """Close this process's connections, because the database is about to be replaced or restarted."""
    connection.close()
    if options.database == "postgresql":
        default: Any = connection
        default.close_pool()


class MailServer:
    """A server that accepts e-mails, or that responds more slowly than any client waits."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.is_slow = False
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=MAIL_PORT)
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        if self.is_slow:
            await asyncio.sleep(45)
        session.host_name = hostname
        return responses

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        self.messages.append(cast("bytes", envelope.content).decode(errors="replace"))
        return "250 OK"


MAIL = MailServer()


class Cache:
    """Valkey."""

    def start(self) -> None:
        program = shutil.which("valkey-server") or shutil.which("redis-server")
        if program is None:
            raise SystemExit("Install valkey-server.")
        command = [program, "--port", str(CACHE_PORT), "--bind", "127.0.0.1", "--save", "", "--dir", str(FOLDER)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  # our own arguments
        wait_for_port(CACHE_PORT, self._process)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Database:
    """The PostgreSQL server, or nothing if the database is a file."""

    def __init__(self) -> None:
        self._server: PostgresServer | None = None
        if options.database == "postgresql":
            programs = find_programs()
            if programs is None:
                raise SystemExit("Install postgresql.")
            # PostgreSQL's user must be able to enter it.
            FOLDER.chmod(0o755)
            self._server = PostgresServer(programs, DISK / "postgresql")
            self._server.port = DATABASE_PORT
            self._server.create()
            with (self._server.data / "postgresql.conf").open("a") as settings:
                settings.write("max_wal_size = 64MB\nmin_wal_size = 32MB\nshared_buffers = 32MB\n")

    def start(self) -> None:
        if self._server:
            self._server.start()

    def stop(self) -> None:
        """Stop it at once, as a power cut does."""
        close_connections()
        if self._server:
            with contextlib.suppress(subprocess.CalledProcessError):
                self._server.kill()

    def let_only_read(self, only_read: bool) -> None:
        """Refuse all writes, like a server that has become a standby, or a file of another user."""
        if self._server:
            self._server.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if only_read else 'off'}")
            self._server.execute("SELECT pg_reload_conf()")
            return
        close_connections()
        for path in DATA.glob("broadside.sqlite3*"):
            path.chmod(0o444 if only_read else 0o600)

    @property
    def is_file(self) -> bool:
        return self._server is None


class Site:
    """`manage.py serve` and everything that it needs."""

    def __init__(self) -> None:
        self.mail, self.cache, self.database = MAIL, Cache(), Database()
        self.log = FOLDER / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._filler = DISK / "filler"

    def start(self, *, fake_clock: bool = False) -> None:
        environment = dict(os.environ)
        if fake_clock:
            CLOCK.write_text("+0\n")
            environment |= {
                "LD_PRELOAD": str(_FAKETIME),
                "FAKETIME_TIMESTAMP_FILE": str(CLOCK),
                "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        command = [*AS_OTHERS, sys.executable, "manage.py", "serve", f"--port={PORT}", "--processes=1"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                command, cwd=PROJECT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_for_port(PORT, self._process)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """Kill all processes of the site and of PostgreSQL, as a power cut does."""
        if self._process:
            kill_all([self._process])
            self._process = None
        for command in commands:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGKILL)
        self.database.stop()

    def end(self) -> None:
        self.stop()
        self.cache.stop()
        self.mail.stop()
        self.database.stop()
        if HAS_DISK:
            subprocess.run(["umount", "--lazy", str(DISK)], check=False)  # noqa: S603, S607  # our own arguments
        shutil.rmtree(FOLDER, ignore_errors=True)

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        """Fill the disk of the site, and the space that is left in the log of a SQLite database."""
        writer = sqlite3.connect(DATA / "broadside.sqlite3", isolation_level=None) if self.database.is_file else None
        if writer:
            # A slow reader, such as a backup, keeps the log from being reused from its beginning.
            reader = sqlite3.connect(DATA / "broadside.sqlite3", isolation_level=None)
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM core_contentversion").fetchall()
            writer.execute("CREATE TABLE filler (bytes BLOB)")
        with self._filler.open("wb", buffering=0) as filler:
            size = 2**20
            while size:
                try:
                    filler.write(bytes(size))
                except OSError:
                    size //= 2
        if writer:
            with contextlib.suppress(sqlite3.OperationalError):
                while True:
                    writer.execute("INSERT INTO filler VALUES (zeroblob(1000))")
        try:
            yield
        finally:
            self._filler.unlink()
            if writer:
                reader.close()
                writer.execute("DROP TABLE filler")
                writer.close()


def has_fake_clock() -> bool:
    return _FAKETIME is not None


def set_clock(days: int) -> None:
    CLOCK.write_text(f"{days:+d}d\n")
    # The library checks the file once a second.
    time.sleep(2)
