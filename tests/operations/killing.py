"""A program that kills backups, restores and changes of media with SIGKILL at random moments, and goes on after that.

A child process makes or restores a backup, or changes media (`killed_media`), and kills itself at one of its steps: a
file access, the start of a process, or a query. The site has its own folder and its own database (DATABASE_URL, or
SQLite).
"""

import hashlib
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper

# Audit events of the interpreter that count as steps. The others have no effect outside the process.
_STEPS = ("open", "os.", "shutil.", "subprocess.", "fcntl.", "sqlite3.", "tempfile.")


def main(folder: Path, kills: int) -> None:
    """Print as JSON the state after each kill."""
    django.setup()
    call_command("migrate", verbosity=0)
    from tests.factories import CommentFactory, PostFactory
    from tests.operations.killed_media import kill_changes

    seed = random.randrange(2**32)  # noqa: S311  # random moments need no secrecy
    sys.stderr.write(f"The seed is {seed}.\n")
    rng = random.Random(seed)  # noqa: S311  # as above
    CommentFactory.create_batch(20, entry=PostFactory(title="The first state"))
    for width in range(20, 26):
        add_picture(width)
    store, backups = kill_backups(folder, kills, rng)
    restores = kill_restores(store, kills, rng)
    json.dump({"backups": backups, "restores": restores, "media": kill_changes(kills, rng)}, sys.stdout)


def add_picture(width: int) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from media.pictures import store_picture
    from tests.factories.files import picture

    store_picture(SimpleUploadedFile(f"{width}.png", picture(size=(width, 20))))


def kill_backups(folder: Path, kills: int, rng: random.Random) -> tuple[str, list[dict[str, Any]]]:
    """Return the last folder with backups, and the state after each kill."""
    store, site = "", describe()
    # Every third backup is the first in its folder and stores everything. The others find most files already stored.
    steps: dict[bool, int] = {}
    found: list[dict[str, Any]] = []
    while len(found) < kills:
        is_first = len(found) % 3 == 0
        if is_first not in steps:
            measured = str(folder / f"measured-{len(found)}") if is_first else store
            steps[is_first] = count_steps(partial(run, "backup", measured))
        if is_first:
            store = str(folder / f"store-{len(found)}")
        status = run_in_child(partial(run, "backup", store), killed_at=rng.randint(1, steps[is_first]))
        if count_backups(store):
            run("restore", store, "--check")
        run("backup", store)
        run("restore", store, "--check")
        leftovers = len(list(Path(store, "backups").iterdir())) - count_backups(store)
        # With most files already stored, it takes fewer steps and may finish before the kill.
        if os.WIFSIGNALED(status):
            found.append({"signal": os.WTERMSIG(status), "leftovers": leftovers, "site": describe() == site})
        if rng.random() < 0.3:
            add_picture(30 + len(found))
            site = describe()
            steps.clear()
    return store, found


def kill_restores(store: str, kills: int, rng: random.Random) -> list[dict[str, Any]]:
    """Switch between two states that are both in the store, and return the state after each kill."""
    from blog.models import Post
    from tests.factories import PostFactory

    first = describe()
    run("backup", store)
    name_of_first = newest(store)
    Post.objects.update(title="The second state")
    PostFactory(title="Another one")
    add_picture(99)
    second = describe()
    run("backup", store)
    name_of_second = newest(store)
    states = {name_of_first: first, name_of_second: second}
    current, other = name_of_second, name_of_first
    steps: dict[str, int] = {}
    found: list[dict[str, Any]] = []
    while len(found) < kills:
        restore = partial(run, "restore", store, "--replace", "--backup", other)
        if other not in steps:
            steps[other] = count_steps(restore)
            current, other = other, current
            continue
        status = run_in_child(restore, killed_at=rng.randint(1, steps[other]))
        # A web server finishes the restore when it starts.
        run_in_child(start_server)
        state = describe()
        restore()
        if os.WIFSIGNALED(status):
            found.append(
                {
                    "signal": os.WTERMSIG(status),
                    "old": state == states[current],
                    "new": state == states[other],
                    "finished": describe() == states[other],
                }
            )
        current, other = other, current
    return found


def run(command: str, *options: str) -> None:
    call_command(command, *options, stdout=StringIO())


def start_server() -> None:
    """Do what a web server does before its first request."""
    from operations.backups.restoring import finish_if_interrupted

    finish_if_interrupted()


def describe() -> str:
    """Return a hash of all rows and media files."""
    from tests.factories.database import rows_of_all

    # The audit record of a restore is written afterwards.
    rows = [row for row in rows_of_all(without_version=True) if "backup_restored" not in row[1]]
    digest = hashlib.sha256(repr(rows).encode())
    root = Path(settings.MEDIA_ROOT)
    for path in sorted(root.rglob("*")):
        # Staged files can't be requested.
        if path.is_file() and ".restored" not in path.parts:
            digest.update(repr((path.relative_to(root), path.read_bytes())).encode())
    connection.close()
    return digest.hexdigest()


def count_backups(store: str) -> int:
    return len(list(Path(store).glob("backups/*/SHA256SUMS")))


def newest(store: str) -> str:
    return max(path.parent.name for path in Path(store).glob("backups/*/SHA256SUMS"))


def count_steps(work: Callable[[], None], *, inside: tuple[Any, str] | None = None) -> int:
    reading, writing = os.pipe()
    run_in_child(work, report=writing, inside=inside)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        return int(file.read())


def run_in_child(
    work: Callable[[], None], killed_at: int = 0, report: int = -1, *, inside: tuple[Any, str] | None = None
) -> int:
    """Call `work` in a child process that is killed at step `killed_at`, and return its exit status.

    If `inside` names a function, by its module and name, only the steps in it count.
    """
    close_connections()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    steps = 0
    is_inside = inside is None

    def step() -> None:
        nonlocal steps
        steps += is_inside
        if is_inside and steps == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(_STEPS):
            step()

    execute = CursorWrapper.execute

    def execute_step(self: Any, *args: Any) -> Any:
        step()
        return execute(self, *args)

    CursorWrapper.execute = execute_step  # type: ignore[method-assign,assignment]  # every connection counts
    if inside:
        module, name = inside
        function = getattr(module, name)

        def watched(*args: Any) -> Any:
            nonlocal is_inside
            is_inside = True
            try:
                return function(*args)
            finally:
                is_inside = False

        setattr(module, name, watched)
    sys.addaudithook(audit)
    try:
        work()
        if report >= 0:
            os.write(report, str(steps).encode())
        os._exit(0)
    except BaseException as error:  # noqa: BLE001  # the parent must not go on twice
        sys.stderr.write(f"{error!r}\n")
        sys.stderr.flush()
        os._exit(1)


def close_connections() -> None:
    connection.close()
    default: Any = connection
    if connection.vendor == "postgresql":
        default.close_pool()
