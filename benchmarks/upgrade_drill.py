"""Upgrades a site repeatedly, with bad releases and random kills, while people read and comment.

The releases are made from the current commit: a good one with a migration, and bad ones. See README.md.
"""

import argparse
import contextlib
import itertools
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from plain_browser import Browser
from processes import PROJECT, free_port, kill_all

OLD, GOOD = "0.9.0", "0.9.1"
BUSY = "very busy"
# In seconds: how long a release may take to start, and one that never will; and how long to wait for anything else.
PATIENCE, SHORT_PATIENCE = 60, 15
WAIT = 120
# In seconds: how long people pause, so that they leave an upgrade some of the processor, as on a quiet evening.
READING, WRITING = 0.1, 0.3
MIGRATION = """
import time
from django.db import migrations

def check(apps, schema_editor):
    {python}

class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("operations", "{last}")]
    operations = [
        migrations.RunSQL("CREATE TABLE planted (id integer)", "DROP TABLE planted"),
        migrations.RunSQL("ALTER TABLE comments_comment ADD COLUMN planted integer NULL", migrations.RunSQL.noop),
        migrations.RunPython(check, migrations.RunPython.noop),
    ]
"""
FIRST_LINES = "import os, sys, time\nfrom django.conf import settings\n"
# True except in the trial of a release, which has its own data folder.
ONLY_LIVE = "'/work/' not in str(settings.DATA_DIR)"
# What is wrong with a release: the code of its migration, and the beginning of config/rsgi.py.
BAD = {
    "its migration fails halfway": ("raise RuntimeError('planted')", ""),
    "its schema is wrong": ("schema_editor.execute('ALTER TABLE blog_entry RENAME COLUMN title TO heading')", ""),
    "a migration is missing": (
        "schema_editor.execute(\"DELETE FROM django_migrations WHERE app = 'tags' AND name = '0004_alias_key_index'\")",
        "",
    ),
    "its migration kills the process": ("import os; os.kill(os.getpid(), 9)", ""),
    "its web server ends": ("pass", "sys.exit('planted')"),
    "its web server hangs": ("pass", "time.sleep(1000)"),
    "its web server ends, but only at the site's own database": ("pass", f"if {ONLY_LIVE}: sys.exit('planted')"),
    "its web server hangs, but only at the site's own database": ("pass", f"if {ONLY_LIVE}: time.sleep(1000)"),
}
PREPARE = """
import django
django.setup()
from accounts.models import User
from blog.models import Post, Status
from comments.models import CommentPolicy, CommentSettings
author = User.objects.create(username="author")
for number in range(30):
    Post.objects.create(title=f"Post {number}", author=author, source="Some text. " * 50, status=Status.PUBLISHED)
settings = CommentSettings.current()
settings.comment_policy, settings.proof_of_work = CommentPolicy.OPEN, False
settings.comments_per_sender = settings.comments_per_site = 0
settings.save()
print(Post.objects.first().get_absolute_url(), Post.objects.first().pk)
"""


class Failure(SystemExit):
    """An error that the drill has found."""


class Sqlite:
    """The site's database, and a copy of its initial state."""

    url = ""

    def __init__(self, data: Path) -> None:
        self._path = data / "broadside.sqlite3"
        self._saved = data.with_name("saved.sqlite3")

    def save(self) -> None:
        with contextlib.closing(self._connect()) as source, contextlib.closing(sqlite3.connect(self._saved)) as target:
            source.backup(target)

    def load(self) -> None:
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(self._saved, self._path)

    def rows(self, sql: str) -> list[str]:
        with contextlib.closing(self._connect()) as database:
            return [value for (value,) in database.execute(sql)]

    def schema(self) -> list[str]:
        return sorted(self.rows("SELECT coalesce(sql, name) FROM sqlite_master"))

    def is_migrated(self) -> bool:
        return bool(self.rows("SELECT name FROM sqlite_master WHERE name = 'planted'"))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=60)


class Postgresql:
    """The same with PostgreSQL."""

    def __init__(self, server_url: str) -> None:
        self._server = server_url
        self.url = urlsplit(server_url)._replace(path="/drill").geturl()
        self._execute("DROP DATABASE IF EXISTS drill WITH (FORCE)")
        self._execute("CREATE DATABASE drill")

    def save(self) -> None:
        self._execute("DROP DATABASE IF EXISTS drill_saved")
        self._execute("CREATE DATABASE drill_saved TEMPLATE drill")

    def load(self) -> None:
        self._execute("DROP DATABASE IF EXISTS drill WITH (FORCE)")
        self._execute("CREATE DATABASE drill TEMPLATE drill_saved")

    def rows(self, sql: str) -> list[str]:
        return self._execute(sql, self.url)

    def schema(self) -> list[str]:
        """Describe all tables, including copies, which a completed upgrade leaves nothing of."""
        return self.rows(
            "SELECT table_schema || table_name || column_name || data_type FROM information_schema.columns "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') "
            "UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
        )

    def is_migrated(self) -> bool:
        return bool(self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename = 'planted'"))

    def _execute(self, sql: str, url: str = "") -> list[str]:
        import psycopg  # only here, because drills on SQLite need no PostgreSQL

        with psycopg.connect(url or self._server, autocommit=True) as database:
            cursor = database.execute(sql)
            return [value for (value,) in cursor.fetchall()] if cursor.description else []


@dataclass
class People:
    """Readers and a commenter, who are never idle. `acknowledged` are the comments that the site has confirmed."""

    port: int
    post_url: str
    post_id: int
    seen: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    is_away: bool = False
    has_ended: bool = False

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._read), threading.Thread(target=self._comment)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.has_ended = True
            for thread in threads:
                thread.join()

    def comment(self) -> str:
        """Send a comment, and return the outcome."""
        text = f"Comment {random.getrandbits(64):x} at {time.time()}"
        fields = {"name": "Reader", "email": "reader@example.org", "text": text}
        answer = Browser(self.port).post(f"/comments/on/post/{self.post_id}/", fields)
        if answer.status == -1:
            return "connection lost"
        if answer.status == 302:
            self.acknowledged.append(text)
            return "stored"
        if answer.status == 503 and (text in answer.body or BUSY in answer.body):
            return "busy" if BUSY in answer.body else "given back"
        return f"status {answer.status}"

    def _read(self) -> None:
        for path in itertools.cycle(["/", self.post_url, "/feed/"]):
            if self.has_ended:
                return
            if self.is_away:
                time.sleep(0.1)
                continue
            answer = Browser(self.port).get(path)
            found = "busy" if BUSY in answer.body else str(answer.status)
            # The site may have gone down in the meantime.
            if self.is_away:
                continue  # type: ignore[unreachable]  # another thread sets it
            self.seen[f"read: {found}"] += 1
            if found not in {"200", "busy"}:
                self.errors.append(f"{path}: {found} {answer.body[:200]}")
            time.sleep(READING)

    def _comment(self) -> None:
        while not self.has_ended:
            if not self.is_away:
                found = self.comment()
                if not self.is_away:
                    self.seen[f"comment: {found}"] += 1
                    if found not in {"stored", "given back", "busy"}:
                        self.errors.append(f"comment: {found}")
            time.sleep(WRITING)


class Site:
    """A site installed in a folder, and its server."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder, self.root, self.data = folder, folder / "root", folder / "data"
        self.settings = folder / "settings"
        self.log = folder / "log"
        self.port = free_port()
        lines = {
            "SECRET_KEY": "only-for-the-drill" * 3,
            "SITE_URL": f"http://localhost:{self.port}",
            "BROADSIDE_DATA": str(self.data),
            "BACKUP_URL": str(folder / "backups"),
            "DATABASE_URL": database_url,
            "LOG_LEVEL": "ERROR",
        }
        self.settings.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        self.settings.chmod(0o600)
        self.server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        current = self.root / "current"
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(  # noqa: S603  # our own programs
                [current / ".venv/bin/python", "manage.py", "serve", f"--port={self.port}", "--processes=1"],
                cwd=current,
                env={"PATH": os.environ["PATH"]},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self.is_up, "the site is up")

    def is_up(self) -> bool:
        return Browser(self.port).get("/readyz/web").status == 200

    def stop(self) -> None:
        if self.server:
            self.server.terminate()
            self.server.wait()

    def program(self, command: str, version: str, *options: str) -> list[str]:
        """Return the command line of the program under test."""
        return [
            *(sys.executable, str(PROJECT / "deploy/upgrade.py"), command, str(self.folder / archive_name(version))),
            *(f"--root={self.root}", f"--settings={self.settings}", "--signers=/nonexistent", "--user=root"),
            *(f"--address=127.0.0.1:{self.port}", *options),
            f"--reload=kill -HUP {self.server.pid if self.server else 0}",
        ]

    def begin(self, version: str, *options: str, patience: float = PATIENCE) -> subprocess.Popen[bytes]:
        output = self.folder / "output"
        with output.open("wb") as file:
            command = self.program("upgrade", version, f"--patience={patience}", *options)
            return subprocess.Popen(command, stdout=file, stderr=file)  # noqa: S603  # our own programs

    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")

    def version(self) -> str:
        return Path(os.readlink(self.root / "current")).name


class Drill:
    def __init__(self, site: Site, database: Sqlite | Postgresql, people: People) -> None:
        self.site, self.database, self.people = site, database, people
        self.schema = database.schema()

    def reset(self) -> None:
        """Return to the initial state: the old release and its database."""
        self.people.is_away = True
        self.site.stop()
        self.people.acknowledged.clear()
        self.database.load()
        shutil.rmtree(self.site.data / "cache", ignore_errors=True)
        link = self.site.root / "current"
        link.unlink()
        link.symlink_to(f"releases/{OLD}")
        self.site.start()
        self.people.is_away = False

    def check(self) -> None:
        """Check that the site works, and has everything that it acknowledged."""
        wait_for(lambda: self.people.comment() == "stored", "a comment is stored")
        stored = set(self.database.rows("SELECT text FROM comments_comment"))
        lost = [text for text in list(self.people.acknowledged) if text not in stored]
        # The commenter may have been faster than this query.
        lost = [text for text in lost if text not in set(self.database.rows("SELECT text FROM comments_comment"))]
        if lost:
            raise Failure(f"{len(lost)} comments were acknowledged and are lost, such as {lost[0]}")
        if self.people.errors:
            raise Failure(f"People got errors: {self.people.errors[:5]}\n{self.site.output()}")

    def upgrade(self) -> float:
        """Upgrade to the good release, and return the seconds that took."""
        started = time.monotonic()
        status = self.site.begin(GOOD, "--without-backup").wait()
        took = time.monotonic() - started
        if status or self.site.version() != GOOD or self.database.schema() == self.schema:
            raise Failure(f"The upgrade failed (status {status}):\n{self.site.output()}")
        self.check()
        return took

    def try_bad(self, name: str, version: str) -> None:
        status = self.site.begin(version, "--without-backup", patience=SHORT_PATIENCE).wait()
        if status != 1 or self.site.version() != OLD:
            raise Failure(f"{name}: status {status}, version {self.site.version()}:\n{self.site.output()}")
        if self.database.schema() != self.schema:
            raise Failure(f"{name}: the schema has changed:\n{self.site.output()}")
        self.check()
        print(f"  {name}: {self.site.output().strip().splitlines()[-1]}", flush=True)

    def kill(self, rng: random.Random, longest: float, what: str) -> str:
        """Begin an upgrade, kill it at a random time, and return the version that the site then has."""
        process, server = self.site.begin(GOOD, "--without-backup"), self.site.server
        assert server
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, longest))
        self.people.is_away = what == "power"
        if what == "one":
            process.kill()
            process.wait()
        else:
            kill_all([process, server] if what == "power" else [process])
        if what == "power":
            self.site.start()
            self.people.is_away = False
        self.check()
        return self.site.version()

    def interrupt(self, rng: random.Random, longest: float) -> int:
        process, server = self.site.begin(GOOD, "--without-backup"), self.site.server
        assert server
        time.sleep(rng.uniform(1, longest))
        process.send_signal(signal.SIGINT)
        status = process.wait()
        if (status, self.site.version()) not in {(130, OLD), (0, GOOD)}:
            raise Failure(f"Ctrl-C: status {status}, version {self.site.version()}:\n{self.site.output()}")
        self.check()
        if status == 0:
            # The upgrade was faster. The next one must start from the old version as well.
            self.reset()
        return status


def wait_for(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT
    while not is_so():
        if time.monotonic() > deadline:
            raise Failure(f"Not within {WAIT} seconds: {what}.")
        time.sleep(0.1)


def archive_name(version: str) -> str:
    return f"broadside-{version}.tar.gz"


def make_archive(folder: Path, version: str, *, migration: str = "", first_lines: str = "") -> None:
    """Write the archive of a release from the current commit, with a planted migration and code."""
    prefix = f"broadside-{version}"
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    commit = subprocess.run(["git", "stash", "create"], cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S607  # our own programs
    archive = ["git", "archive", "--worktree-attributes", f"--prefix={prefix}/", commit.stdout.strip() or "HEAD"]
    packed = subprocess.run(archive, cwd=PROJECT, capture_output=True, check=True)  # noqa: S603  # our own programs
    tree.mkdir()
    subprocess.run(["tar", "-x"], cwd=tree, input=packed.stdout, check=True)  # noqa: S607  # our own programs
    for name in ("pyproject.toml", "uv.lock"):
        path = tree / prefix / name
        text = re.sub(r'(name = "broadside"\nversion = ")[^"]+', rf"\g<1>{version}", path.read_text())
        path.write_text(text)
    if migration:
        migrations = tree / prefix / "operations/migrations"
        last = max(path.stem for path in migrations.glob("[0-9]*.py"))
        atomic = "RuntimeError" not in migration
        code = MIGRATION.format(python=migration, last=last, atomic=atomic)
        (migrations / "9999_planted.py").write_text(code)
    if first_lines:
        path = tree / prefix / "config/rsgi.py"
        path.write_text(FIRST_LINES + first_lines + "\n" + path.read_text())
    with tarfile.open(folder / archive_name(version), "w:gz", compresslevel=1) as file:
        file.add(tree / prefix, prefix)


def share_release(site: Site, version: str) -> None:
    """Prepare a release like the good one, from an archive and hard links to the good one's packages."""
    folder, good = site.root / "releases" / version, site.root / "releases" / GOOD
    with tarfile.open(site.folder / archive_name(version)) as archive:
        archive.extractall(site.folder / "tree", filter="data")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.move(site.folder / "tree" / f"broadside-{version}", folder)
    for name in (".venv", "staticfiles"):
        subprocess.run(["cp", "-al", good / name, folder / name], check=True)  # noqa: S603, S607  # our own programs
    (folder / ".env").symlink_to(site.settings)
    (folder / ".prepared").write_text(sha256((site.folder / archive_name(version)).read_bytes()).hexdigest())


def prepare_site(site: Site) -> tuple[str, int]:
    """Install the old release, fill the site, and return the URL and ID of a post."""
    subprocess.run(site.program("install", OLD), check=True)  # noqa: S603  # our own programs
    current = site.root / "current"
    done = subprocess.run(  # noqa: S603  # our own programs
        [current / ".venv/bin/python", "-c", PREPARE],
        cwd=current,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    url, pk = done.stdout.split()
    return url, int(pk)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="how often an upgrade is killed (%(default)s)")
    parser.add_argument("--bad", type=int, default=len(BAD), help="how many bad releases are tried (%(default)s)")
    parser.add_argument("--interrupts", type=int, default=3, help="how often Ctrl-C is pressed (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311  # random times need no secrecy
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311  # random times need no secrecy
    # Shells make what they start in the background ignore Ctrl-C, and programs inherit this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="broadside-drill-") as name:
        folder = Path(name)
        server_url = os.environ.get("DATABASE_URL", "")
        database = Postgresql(server_url) if server_url else Sqlite(folder / "data")
        print(f"Upgrades on {'PostgreSQL' if server_url else 'SQLite'}, seed {options.seed}", flush=True)
        make_archive(folder, OLD)
        make_archive(folder, GOOD, migration="time.sleep(0.5)")
        site = Site(folder, database.url)
        post_url, post_id = prepare_site(site)
        database.save()
        site.start()
        people = People(site.port, post_url, post_id)
        drill = Drill(site, database, people)
        try:
            with people.at_work():
                run(drill, rng, options)
        finally:
            site.stop()
        print(f"  {dict(sorted(people.seen.items()))}")
    print(f"Nothing was lost, and no error was seen. It took {time.monotonic() - started:.0f} s.")


def run(drill: Drill, rng: random.Random, options: argparse.Namespace) -> None:
    site = drill.site
    # The first upgrades are killed while the folder of the release is prepared.
    early = options.kills // 4
    for _ in range(early):
        drill.kill(rng, 12, rng.choice(["one", "all"]))
    print(f"  {early} kills while the release was prepared", flush=True)
    took = drill.upgrade()
    print(f"  an upgrade with its preparation: {took:.0f} s", flush=True)
    drill.reset()
    took = drill.upgrade()
    print(f"  an upgrade of a release that is prepared: {took:.0f} s", flush=True)
    drill.reset()
    for number, (name, (migration, first_lines)) in enumerate(list(BAD.items())[: options.bad], start=2):
        version = f"0.9.{number}"
        make_archive(site.folder, version, migration=migration, first_lines=first_lines)
        share_release(site, version)
        drill.try_bad(name, version)
    interrupted = Counter(drill.interrupt(rng, took) for _ in range(options.interrupts))
    print(f"  Ctrl-C: {interrupted[130]} upgrades were interrupted, {interrupted[0]} finished", flush=True)
    ends: Counter[str] = Counter()
    for number in range(options.kills - early):
        what = ("one", "all", "power")[number % 3]
        version = drill.kill(rng, took, what)
        is_migrated = drill.database.schema() != drill.schema
        ends[f"{version} with {'its' if is_migrated == (version == GOOD) else 'the other'} schema"] += 1
        if version == GOOD or number == options.kills - early - 1:
            # Running it again completes the upgrade.
            drill.upgrade()
            drill.reset()
    print(f"  after {options.kills - early} kills later: {dict(ends)}", flush=True)


if __name__ == "__main__":
    main()
