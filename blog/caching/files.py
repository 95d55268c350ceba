"""Pages in files that nginx sends on its own (deploy/nginx.conf), without calling the application.

Each content version has a folder, and the symbolic link `current` points to the one that nginx may use. nginx does not
know the content version, so the link must be right at all times. Two rules ensure that, even after crashes:

- Each transaction that changes content removes the link before the change becomes visible.
- The link is created only while no transaction is changing content, under the lock that a change needs.
"""

import contextlib
import logging
import os
import shutil
import threading
import time
from hashlib import blake2b
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection

from blog.caching.pages import CachedPage, is_current
from blog.caching.requests import PageRequest
from core.changes import content_stands_still

# Encodings, and the suffixes that nginx appends for them. The plain file comes last, because nginx looks for that one.
_SUFFIXES: Final = {"br": ".br", "gzip": ".gz", "": ""}
# In bytes. The limit for names is that of file systems, the one for paths is ours.
_MAX_NAME_LENGTH: Final = 200
_MAX_PATH_LENGTH: Final = 1_000
# How often to check whether content has changed on its own, in seconds.
_GUARD_INTERVAL: Final = 1.0

_log = logging.getLogger(__name__)


def retract() -> None:
    """Make nginx pass requests for all pages to the application. Raises OSError if that fails."""
    if settings.BROADSIDE_PAGES_FOLDER:
        _link(settings.BROADSIDE_PAGES_FOLDER).unlink(missing_ok=True)


def delete_stale_folders(version: int) -> None:
    """Delete the pages of earlier content versions, which nginx no longer uses, without waiting for new pages."""
    folder = settings.BROADSIDE_PAGES_FOLDER
    if folder and folder.is_dir():
        _delete_folders(folder, before=version)


def _delete_folders(parent: Path, *, before: int, keep: str = "") -> None:
    for folder in parent.iterdir():
        number = folder.name.partition("-")[0]
        if number.isdecimal() and int(number) < before and folder.name != keep:
            shutil.rmtree(folder, ignore_errors=True)


def _link(folder: Path) -> Path:
    return folder / "current"


class PageFiles:
    """The files that this process writes. Other processes write the same ones.

    A folder is named after the content version of its pages, the time at which they expire, and the release.
    """

    def __init__(self, folder: Path, release: str, max_bytes: int) -> None:
        self._folder = folder
        # The boot ID is included because files may be incomplete after a power failure.
        self._release = f"{release}{_boot_id()}"
        self._max_bytes = max_bytes
        # The folder that this process writes to, and how many bytes it has written there.
        self._name = ""
        self._size = 0
        threading.Thread(target=self._guard, daemon=True, name="pages").start()

    def offer(self, version: int, request: PageRequest, page: CachedPage) -> None:
        """Write a page that was requested again, if nginx can send it, and let nginx use all pages of this version."""
        name = f"{version}-{int(page.expires_at)}-{self._release}"
        if name != self._name:
            self._name, self._size = name, 0
        if not _is_file(request, page):
            return
        try:
            # WSGI decodes bytes as Latin-1.
            target = os.fsencode(self._folder / name) + request.path.encode("latin-1")
            if not os.path.exists(target + b"index.html") and self._size < self._max_bytes:
                self._write(target, page)
            self._publish(version, name)
        except (OSError, DatabaseError) as error:
            _log.warning("A page could not be written for nginx. %s", error)

    def _write(self, target: bytes, page: CachedPage) -> None:
        _make_readable_folders(os.fsencode(self._folder), target)
        for encoding, suffix in _SUFFIXES.items():
            body = page.body(encoding)
            # Each thread writes a file of its own and renames it, so that nginx sees only complete files.
            unfinished = target + b".%d-%d" % (os.getpid(), threading.get_ident())
            with open(unfinished, "wb", opener=lambda name, flags: os.open(name, flags, 0o644)) as file:
                os.fchmod(file.fileno(), 0o644)
                file.write(body)
            # nginx derives the ETag from the time and the size, so the time is derived from the content.
            digest = int.from_bytes(blake2b(body, digest_size=4).digest()) >> 1
            os.utime(unfinished, (digest, digest))
            os.replace(unfinished, target + b"index.html" + suffix.encode())
            self._size += len(body)

    def _publish(self, version: int, name: str) -> None:
        """Let nginx use the folder, unless content has changed or is changing, or the folder is in use already."""
        link = _link(self._folder)
        if connection.in_atomic_block or _target(link) == name:
            return
        with content_stands_still() as current_version:
            if current_version != version or not is_current(self._expires_at(name)):
                return
            unfinished = self._folder / f".{os.getpid()}-{threading.get_ident()}"
            unfinished.unlink(missing_ok=True)
            unfinished.symlink_to(name)
            unfinished.replace(link)
        older = {"before": version + 1, "keep": name}
        threading.Thread(target=_delete_folders, args=[self._folder], kwargs=older, daemon=True).start()

    def _guard(self) -> None:
        """Remove the link when content changes on its own, or if another release created it."""
        while True:
            pause = _GUARD_INTERVAL
            with contextlib.suppress(OSError):
                if name := _target(_link(self._folder)):
                    left = self._expires_at(name) - time.time()
                    if not is_current(self._expires_at(name)) or not name.endswith(self._release):
                        _link(self._folder).unlink(missing_ok=True)
                    pause = max(0.0, min(left, _GUARD_INTERVAL))
            time.sleep(pause)

    @staticmethod
    def _expires_at(name: str) -> int:
        """Return the time of expiry in the name of a folder; 0 if there is none."""
        parts = name.split("-")
        return int(parts[1]) if len(parts) == 3 and parts[1].isdecimal() else 0


def _boot_id() -> str:
    """Return an ID of the machine's current boot; empty if the system doesn't provide one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return ""


def _target(link: Path) -> str:
    """Return the name of the folder that the link points to; empty if there is no link."""
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _is_file(request: PageRequest, page: CachedPage) -> bool:
    """Return whether nginx would send the page as we do: an HTML page whose path is safe to use for a folder."""
    path = request.path
    names = path[1:-1].split("/") if len(path) > 1 else []
    return (
        page.is_page
        and not request.query
        and page.is_html
        and path.startswith("/")
        and path.endswith("/")
        and len(path) <= _MAX_PATH_LENGTH
        and "\0" not in path
        # No name is empty, hidden, `..` or the name of one of our files.
        and not any(not name or name.startswith((".", "index.html")) for name in names)
        and all(len(name) <= _MAX_NAME_LENGTH for name in names)
    )


def _make_readable_folders(parent: bytes, target: bytes) -> None:
    """Create the folders from `parent` to `target` so that nginx can read them, whatever the umask of this process."""
    path = parent
    for name in target[len(parent) :].split(b"/"):
        path = os.path.join(path, name) if name else path
        try:
            os.mkdir(path)
            os.chmod(path, 0o755)  # noqa: S103  # everyone may read public pages
        except FileExistsError:
            continue
