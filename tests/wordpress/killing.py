"""The files of an import, killed at work: a program of its own, for nothing that is killed by SIGKILL lives to tell.

A child does the work and kills itself at one of its steps: a query, or the opening of a file. Then the same import is
run again. The site is kept in a folder of its own, whatever database the tests run on.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection


def main(folder: Path, points: int) -> None:
    """Print, as JSON, what the site is if nothing happens, and what after each of `points` deaths and a second run."""
    django.setup()
    call_command("migrate", verbosity=0)
    from wordpress.importing import import_export
    from wordpress.media import bring_in_files
    from wordpress.media_folder import MediaFolder
    from wordpress.reports import Report
    from wordpress.survey import take_survey

    export, media = folder / "export.xml", MediaFolder(folder / "files")
    site = Site(folder / "before")
    import_export([export])
    before = site.told()
    site.keep()

    def bring_in() -> None:
        bring_in_files(take_survey([export]).base_url, media, Report())

    steps = _in_child(bring_in)[1]
    undisturbed, deaths = site.told(), []
    for point in range(points):
        site.restore()
        status, _steps = _in_child(bring_in, deadly=1 + point * (steps - 1) // (points - 1))
        import_export([export], media=media)
        deaths.append({"signal": os.WTERMSIG(status), **site.told()})
    json.dump({"before": before, "undisturbed": undisturbed, "deaths": deaths}, sys.stdout)


class Site:
    """The database and the media, and a copy of both."""

    def __init__(self, copy: Path) -> None:
        self._copy = copy
        self._database = Path(settings.DATABASES["default"]["NAME"])
        self._media = Path(settings.MEDIA_ROOT)

    def keep(self) -> None:
        connection.close()
        shutil.copy(self._database, self._copy)

    def restore(self) -> None:
        connection.close()
        shutil.rmtree(self._media, ignore_errors=True)
        for path in self._database.parent.glob(f"{self._database.name}*"):
            path.unlink()
        shutil.copy(self._copy, self._database)

    def told(self) -> dict[str, Any]:
        """The files by their contents, and all that stands in the database, with files named by these."""
        from blog.site import SiteSettings
        from tests.wordpress.test_importing import rows_of_all

        rows = repr([row for row in rows_of_all() if row[0] != "blog.SiteSettings"])
        files = []
        for path in self._media.rglob("*"):
            if path.is_file():
                files.append(hashlib.sha256(path.read_bytes()).hexdigest())
                rows = rows.replace(path.name, files[-1])
        version = SiteSettings.current().content_version
        connection.close()
        return {"rows": hashlib.sha256(rows.encode()).hexdigest(), "files": sorted(files), "version": version}


def _in_child(work: Callable[[], None], deadly: int = 0) -> tuple[int, int]:
    """Do `work` in a child that dies at its step number `deadly`; how it ended, and its steps if it did all."""
    connection.close()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1
            if steps == deadly:
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
        told = file.read()
    return os.waitpid(child, 0)[1], int(told or 0)
