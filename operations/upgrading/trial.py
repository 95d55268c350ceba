"""Migrating a copy of the database with this release, and testing whether the site works with it."""

import http.client
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from operations.serving.processes import Process, start
from operations.serving.supervisor import start_web

# How many seconds a page may take.
_ANSWER_SECONDS: Final = 30
_PAUSE: Final = 0.05
# The pages that are requested. The first one reports whether the web server has everything it needs.
_PATHS: Final = ("/readyz/web", "/", "/feed/", "/admin/login/")


class TrialError(Exception):
    """This release does not work with the database. The message says what happened."""


def trial_environment(url: str, folder: Path) -> dict[str, str]:
    """Return the environment for processes that use the copy at `url` and nothing else that belongs to the site.

    Their data is in `folder`, a work folder.
    """
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    return {
        **os.environ,
        "DATABASE_URL": url,
        "BROADSIDE_DATA": str(data),
        "DATABASE_REPLICA_URLS": "",
        "CACHE_URL": "",
        "PAGES_FOLDER": "",
        "SENTRY_DSN": "",
        # The pages are requested over HTTP.
        "SECURE_SSL_REDIRECT": "0",
        "ALLOWED_HOSTS": "127.0.0.1",
    }


def apply_migrations(environment: Mapping[str, str]) -> None:
    """Apply the migrations of this release to the copy, and check it. Raises TrialError."""
    command = [sys.executable, "manage.py", "upgrade_database", "--migrate-copy"]
    process = start(command, environment, folder=str(settings.BASE_DIR), output=sys.stderr.fileno())
    if process.wait():
        raise TrialError(_("The migrations of the new version failed on a copy of the database (see above)."))


def try_web_server(environment: Mapping[str, str], patience: float) -> None:
    """Start the web server of this release on the copy, and request some pages. Raises TrialError.

    The server has `patience` seconds to start.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = start_web(listening, 1, environment, str(settings.BASE_DIR), sys.stderr.fileno())
        try:
            _wait(process, patience)
            for path in _PATHS:
                _request(listening.getsockname()[1], path)
        finally:
            process.close()
            with suppress(ProcessLookupError):
                os.killpg(process.process.pid, signal.SIGKILL)
            process.process.wait()


def _wait(process: Process, patience: float) -> None:
    deadline = time.monotonic() + patience
    while not process.is_ready:
        if process.status is not None:
            raise TrialError(_("The web server of the new version stopped as soon as it was started."))
        if time.monotonic() > deadline:
            raise TrialError(_("The web server of the new version did not start within %d seconds.") % patience)
        time.sleep(_PAUSE)


def _request(port: int, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise TrialError(_("The new version does not respond to %s.") % path) from error
    finally:
        connection.close()
    if status != http.client.OK:
        text = _("The new version responds to %(path)s with the status %(status)d.")
        raise TrialError(text % {"path": path, "status": status})
