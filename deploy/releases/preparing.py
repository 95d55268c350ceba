"""Making the folder of a release, complete and ready to run, while the site keeps running."""

import compileall
import os
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from releases.archives import Archive
from releases.errors import UpgradeError
from releases.layout import Layout
from releases.programs import Account, Release, run, say

# In MB: a release with its packages, and what has to stay free for readers to comment (core.disk).
_ROOM: Final = 650


def prepare(layout: Layout, archive: Archive) -> Release:
    """Install the release in an archive, and return it. An installation that was interrupted is started again.

    For a release that is installed, only its packages are repaired, which need the system's Python.
    """
    version = archive.version
    release = Release(layout.release(version))
    if layout.is_prepared(version, archive.digest):
        _install_packages(layout, release)
        return release
    if version == layout.current_version():
        raise UpgradeError(
            f"{archive.path.name} differs from the version {version} that is in use. A release never changes: "
            "where is this file from? Nothing was changed."
        )
    check_settings(layout)
    _require_room(layout)
    say(f"Unpacking Broadside {version} …")
    try:
        layout.remove(version)
        archive.unpack(release.folder)
        (release.folder / ".env").symlink_to(layout.settings)
        _install_packages(layout, release)
        say("Collecting styles and icons …")
        _collect_static_files(release)
        layout.mark_prepared(version, archive.digest)
    except BaseException as error:
        # It is of no use, and the site may need the room.
        with suppress(OSError):
            layout.remove(version)
        if isinstance(error, OSError):
            raise UpgradeError(f"{release.folder} can't be created: {error}. Nothing was changed.") from error
        raise
    return release


def _require_room(layout: Layout) -> None:
    """Make sure that a release leaves the site the room that it needs. Raises UpgradeError."""
    layout.root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(layout.root).free // 10**6
    if free < _ROOM:
        raise UpgradeError(
            f"The disk is too full: a release needs {_ROOM} MB, and {layout.root} has {free} MB. Free some space, and "
            "try again. Nothing was changed."
        )


def check_settings(layout: Layout) -> None:
    """Make sure that a site can find its settings and its data. Raises UpgradeError."""
    try:
        lines = layout.settings.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UpgradeError(
            f"The settings can't be read: {layout.settings}: {error.strerror}. Write them first, as docs/running.md "
            "describes."
        ) from error
    settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    data = settings.get("BROADSIDE_DATA", "").strip().strip("\"'")
    if not Path(data).is_absolute():
        raise UpgradeError(
            f"BROADSIDE_DATA is missing from {layout.settings}. It sets the folder for the database and the media, "
            "which must not be in the folder of a release. For example: BROADSIDE_DATA=/var/lib/broadside"
        )


def _install_packages(layout: Layout, release: Release) -> None:
    """Install the packages of a release, and compile its modules. If they are there and work, nothing changes."""
    say("Installing its packages …")
    environment = os.environ | {
        "UV_PROJECT_ENVIRONMENT": str(release.folder / ".venv"),
        # The site's user can't read a Python in root's home folder.
        "UV_PYTHON_PREFERENCE": "system",
        "UV_PYTHON_INSTALL_DIR": str(layout.tools / "python"),
    }
    environment.pop("VIRTUAL_ENV", None)
    command = [_find_uv(layout), "sync", "--frozen", "--no-dev", "--all-extras", "--compile-bytecode"]
    if not sys.stderr.isatty():
        command.append("--quiet")
    failure = "The packages of the release could not be installed (see above). Nothing was changed."
    run(command, failure, cwd=release.folder, env=environment)
    # Compiled here because the site's user may not write there.
    compileall.compile_dir(str(release.folder), quiet=2, rx=re.compile(r"/\.venv/"))


def _find_uv(layout: Layout) -> str:
    """Return the path of uv. Install it from PyPI if the system has none."""
    if found := os.environ.get("UV") or shutil.which("uv"):
        return found
    folder = layout.tools / "uv"
    program = folder / "bin" / "uv"
    if not program.exists():
        say("Installing uv, which installs packages …")
        shutil.rmtree(folder, ignore_errors=True)
        failure = "uv could not be installed. On Debian, `apt install python3-venv` and run this again."
        run([sys.executable, "-m", "venv", str(folder)], failure)
        run([str(folder / "bin" / "pip"), "install", "--quiet", "uv"], failure)
    return str(program)


def _collect_static_files(release: Release) -> None:
    # Without the site's data and database, because root must not leave files there that the site can't open.
    with TemporaryDirectory(prefix="broadside-") as data:
        environment = {"BROADSIDE_DATA": data, "DATABASE_URL": "", "DATABASE_REPLICA_URLS": "", "PAGES_FOLDER": ""}
        release.manage(Account(), "collectstatic", "--no-input", "--verbosity=0", environment=environment)
