"""A program that kills imports with SIGKILL and repeats them.

A child process imports and kills itself at one of its steps: a query, or the opening of a media file. Then the same
import runs again. The site has its own folder and an empty SQLite database, whichever database the tests use.
"""

import datetime as dt
import hashlib
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django
from django.conf import settings
from django.db import connection


def main(folder: Path, points: int) -> None:
    """Print descriptions of the site as JSON: after an undisturbed import, and after each kill and a second import."""
    django.setup()
    from wordpress.importing.media_source import MediaFolder
    from wordpress.importing.pipeline import import_export

    export, media = folder / "export.xml", MediaFolder(folder / "files")
    site = Site(folder / "before")
    before = site.describe()
    site.save_copy()
    seed = random.randrange(2**32)  # noqa: S311  # random moments need no secrecy
    rng = random.Random(seed)  # noqa: S311  # as above
    sys.stderr.write(f"The seed is {seed}.\n")

    def import_all() -> None:
        import_export([export], media=media)

    # Undated drafts get the current time, and unusable passwords are random.
    with (
        patch("django.utils.timezone.now", return_value=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        patch("accounts.models.User.set_unusable_password", lambda user: setattr(user, "password", "!")),
    ):
        steps = _in_child(import_all)[1]
        undisturbed, deaths = site.describe(), []
        for point in range(points):
            site.restore()
            # Divide the steps into equal parts, and choose a random step in each.
            killed_at = rng.randint(point * steps // points + 1, (point + 1) * steps // points)
            status, _steps = _in_child(import_all, killed_at=killed_at)
            partial = site.describe()
            import_all()
            connection.close()
            deaths.append({"signal": os.WTERMSIG(status), "partial": partial["rows"], **site.describe()})
    json.dump({"before": before, "undisturbed": undisturbed, "deaths": deaths}, sys.stdout)


class Site:
    """The database and the media files, with a copy of the database."""

    def __init__(self, copy: Path) -> None:
        self._copy = copy
        self._database = Path(settings.DATABASES["default"]["NAME"])
        self._media = Path(settings.MEDIA_ROOT)

    def save_copy(self) -> None:
        connection.close()
        shutil.copy(self._database, self._copy)

    def restore(self) -> None:
        connection.close()
        shutil.rmtree(self._media, ignore_errors=True)
        for path in self._database.parent.glob(f"{self._database.name}*"):
            path.unlink()
        shutil.copy(self._copy, self._database)

    def describe(self) -> dict[str, Any]:
        """Return digests of the files, and of all rows of the database with file names replaced by these digests."""
        from core.changes import ContentVersion
        from tests.factories.database import rows_of_all

        rows = repr(rows_of_all(without_version=True))
        files = []
        for path in self._media.rglob("*"):
            if path.is_file():
                files.append(hashlib.sha256(path.read_bytes()).hexdigest())
                # Documents are in a folder of their own.
                rows = rows.replace(f"{path.parent.name}/{path.name}", files[-1]).replace(path.name, files[-1])
        version = ContentVersion.objects.get().number
        connection.close()
        return {"rows": hashlib.sha256(rows.encode()).hexdigest(), "files": sorted(files), "version": version}


def _in_child(work: Callable[[], None], killed_at: int = 0) -> tuple[int, int]:
    """Call `work` in a child process that is killed at step `killed_at`. Return its exit status and number of steps."""
    connection.close()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1
            if steps == killed_at:
                os.kill(os.getpid(), signal.SIGKILL)

        def query(execute: Callable[..., Any], *args: Any) -> Any:
            step()
            return execute(*args)

        def audit(event: str, args: tuple[Any, ...]) -> None:
            if event == "open" and str(args[0]).startswith(str(settings.MEDIA_ROOT)):
                step()

        sys.addaudithook(audit)
        with connection.execute_wrapper(query):
            work()
        os.write(writing, str(steps).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        steps_written = file.read()
    return os.waitpid(child, 0)[1], int(steps_written or 0)
