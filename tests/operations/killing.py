"""A program that kills backups and restores with SIGKILL at random moments, and repeats them.

A child process makes or restores a backup, and kills itself at one of its steps: an access to a file, a process that it
starts, or a query. The site has its own folder and a database of its own (in DATABASE_URL, or SQLite).
"""

import hashlib
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper

# Events of the interpreter that are steps. Others say nothing about the world outside.
_STEPS = ("open", "os.", "shutil.", "subprocess.", "fcntl.", "sqlite3.", "tempfile.")


def main(folder: Path, kills: int) -> None:
    """Print as JSON what was found after each kill."""
    django.setup()
    call_command("migrate", verbosity=0)
    from django.core.files.uploadedfile import SimpleUploadedFile

    from blog.models import Post
    from media.pictures import store_picture
    from tests.factories import CommentFactory, PostFactory
    from tests.factories.files import picture

    seed = random.randrange(2**32)  # noqa: S311  # random moments need no secrecy
    rng = random.Random(seed)  # noqa: S311  # likewise
    store = ""
    CommentFactory.create_batch(20, entry=PostFactory(title="The first state"))
    for size in range(20, 26):
        store_picture(SimpleUploadedFile(f"{size}.png", picture(size=(size, 20))))
    first = describe()
    sys.stderr.write(f"The seed is {seed}.\n")

    def back_up() -> None:
        run("backup", store)

    def check() -> None:
        run("restore", store, "--check")

    # One in three is the first in its folder, and stores everything. The others find most of it there.
    backups: list[dict[str, Any]] = []
    while len(backups) < kills:
        if len(backups) % 3 == 0:
            store = str(folder / f"store-{len(backups)}")
        steps = count_steps(lambda: run("backup", str(folder / f"measured-{len(backups)}")))
        status = run_in_child(back_up, killed_at=rng.randint(1, steps))
        if count_backups(store):
            check()
        back_up()
        check()
        leftovers = len(list(Path(store, "backups").iterdir())) - count_backups(store)
        # It takes fewer steps if most is there already.
        if os.WIFSIGNALED(status):
            backups.append({"signal": os.WTERMSIG(status), "leftovers": leftovers, "site": describe() == first})
        if rng.random() < 0.3:
            store_picture(SimpleUploadedFile("new.png", picture(size=(30 + len(backups), 20))))
            first = describe()

    # Between two states, both of which are in the store.
    back_up()
    name_of_first = newest(store)
    Post.objects.update(title="The second state")
    PostFactory(title="Another one")
    store_picture(SimpleUploadedFile("last.png", picture(size=(99, 99))))
    second = describe()
    back_up()
    name_of_second = newest(store)
    states = {name_of_first: first, name_of_second: second}
    current, other = name_of_second, name_of_first

    def restore(name: str) -> None:
        run("restore", store, "--replace", "--backup", name)

    restores: list[dict[str, Any]] = []
    while len(restores) < kills:
        steps = count_steps(lambda name=other: restore(name))  # type: ignore[misc]  # its default
        current, other = other, current
        status = run_in_child(lambda name=other: restore(name), killed_at=rng.randint(1, steps))  # type: ignore[misc]  # likewise
        # What a web server does when it starts.
        run_in_child(start_server)
        found = describe()
        restore(other)
        if os.WIFSIGNALED(status):
            restores.append(
                {
                    "signal": os.WTERMSIG(status),
                    "old": found == states[current],
                    "new": found == states[other],
                    "finished": describe() == states[other],
                }
            )
        current, other = other, current
    json.dump({"backups": backups, "restores": restores}, sys.stdout)


def run(command: str, *options: str) -> None:
    call_command(command, *options, stdout=StringIO())


def start_server() -> None:
    """Do what a web server does before its first request."""
    from operations.backups.restoring import finish_if_interrupted

    finish_if_interrupted()


def describe() -> str:
    """Return a hash of all rows and media files."""
    from tests.factories.database import rows_of_all

    # That a backup was restored is recorded afterwards.
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

    If a function is given, by its module and name, only the steps inside it count.
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
