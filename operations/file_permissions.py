"""File permissions that hide drafts, addresses, password hashes, keys and exports from other users of the machine."""

import logging
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connection

# Permissions that others must not have. The owner may let a group traverse a folder, so that a web server can read
# media.
_FOLDER: int = stat.S_IRWXO | stat.S_IRGRP | stat.S_IWGRP
_FILE: int = stat.S_IRWXO | stat.S_IRWXG

_log = logging.getLogger(__name__)


def exposed_paths() -> Iterator[tuple[Path, int]]:
    """Yield each path that others can read or change, with the permissions that it should have."""
    folders = [settings.DATA_DIR, settings.BROADSIDE_IMPORTS_DIR]
    files = []
    if connection.vendor == "sqlite":
        database = str(connection.settings_dict["NAME"])
        files = [Path(f"{database}{suffix}") for suffix in ("", "-wal", "-shm")]
    for paths, forbidden in ((folders, _FOLDER), (files, _FILE)):
        for path in paths:
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
            # Skip folders that all users share, such as /tmp.
            if mode & forbidden and not mode & stat.S_ISVTX:
                yield path, mode & stat.S_IRWXU


def make_private(**kwargs: Any) -> None:
    """Remove the permissions that others must not have. The system check reports paths that can't be changed."""
    for path, mode in list(exposed_paths()):
        try:
            path.chmod(mode)
        except OSError as error:
            _log.warning("%s could not be made private: %s", path, error.strerror)
        else:
            _log.info("%s is now private.", path)


def find_exposed() -> list[tuple[Path, str]]:
    """Return what others can read or change, also the file with the settings, each with the mode for `chmod`."""
    exposed = [(path, f"{mode:o}") for path, mode in exposed_paths()]
    secrets = settings.BASE_DIR / ".env"
    if secrets.exists():
        state = secrets.stat()
        # A file that belongs to root may be readable by the group of the site.
        forbidden = stat.S_IRWXO | stat.S_IWGRP | (stat.S_IRGRP if state.st_uid == os.geteuid() != 0 else 0)
        if state.st_mode & forbidden:
            exposed.append((secrets, "600"))
    return exposed


def check_private(**kwargs: Any) -> list[checks.CheckMessage]:
    """Report each path that others can read or change (operations.W001)."""
    return [
        checks.Warning(
            f"Other users of this machine can read or change {path}.",
            hint=f"Run `chmod {mode} {shlex.quote(str(path))}`, or `manage.py migrate` for all of the data folder.",
            id="operations.W001",
        )
        for path, mode in find_exposed()
    ]
