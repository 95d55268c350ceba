"""Where backups are stored: a folder, or a bucket of an object storage. Files appear there completely or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Final, Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files import File
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from core.disk import sync
from media.bucket_urls import bucket_options
from media.storage import Readable
from operations.backups.errors import BackupError

_INCOMPLETE: Final = ".incomplete"


class Store(Protocol):
    """Files by name, which is a relative path. All methods raise OSError if the store can't be reached."""

    def writing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Write a file, which replaces any of this name at the end of the block, or not at all if the block fails."""

    def open(self, name: str) -> Readable:
        """Open a file. Raises FileNotFoundError, or BackupError if it is not a regular file in this store."""

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the names of all files below a folder, with their sizes in bytes."""

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""

    def tidy(self, folder: str) -> None:
        """Remove incomplete files of earlier processes, and empty folders in `folder`. No other process may write."""


class FolderStore:
    """A folder whose files only their owner can read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def __str__(self) -> str:
        return str(self._folder)

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        path = self._folder / name
        incomplete = self._folder / _INCOMPLETE
        self._make_folder(incomplete)
        self._make_folder(path.parent)
        # Its mode is 0600.
        with tempfile.NamedTemporaryFile(dir=incomplete, delete_on_close=False) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
            finally:
                # On a full disk, this fails. The outer block would then leave the file to the garbage collector.
                file.close()
            os.replace(file.name, path)
        sync(path.parent)

    def open(self, name: str) -> Readable:
        path = self._folder / name
        # A manipulated file may be a link out of the folder, or a device that never ends.
        if path.resolve() != self._folder.resolve() / name or not path.is_file():
            if path.exists():
                raise BackupError(_("%s is not a regular file, so this is not a Broadside backup.") % path)
            raise FileNotFoundError(2, os.strerror(2), str(path))
        return path.open("rb")

    def sizes(self, folder: str) -> dict[str, int]:
        found = {}
        # A folder that can't be read must not look empty, or the media it needs would be removed.
        for parent, _folders, files in os.walk(self._folder / folder, onerror=_raise_unless_missing):
            for file in files:
                path = Path(parent, file)
                found[path.relative_to(self._folder).as_posix()] = path.lstat().st_size
        return found

    def delete(self, name: str) -> None:
        path = self._folder / name
        path.unlink(missing_ok=True)
        # The folder of a backup is removed with its last file.
        with suppress(OSError):
            path.parent.rmdir()

    def tidy(self, folder: str) -> None:
        shutil.rmtree(self._folder / _INCOMPLETE, ignore_errors=True)
        for path in (self._folder / folder).glob("*"):
            # Folders that are not empty stay.
            with suppress(OSError):
                path.rmdir()

    def _make_folder(self, path: Path) -> None:
        missing = []
        while not path.exists():
            missing.append(path)
            path = path.parent
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
            sync(folder.parent)


class BucketStore:
    """A bucket, or a folder in it. A file is completed on this machine before it is sent."""

    def __init__(self, url: str) -> None:
        # Imported here because its client is optional.
        self._storage = import_string("media.bucket.BucketStorage")(**bucket_options(url, "BACKUP_URL"))

    def __str__(self) -> str:
        # Without the secret.
        return f"s3://{self._storage.bucket_name}/{self._storage.location}".rstrip("/")

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        with tempfile.TemporaryFile(dir=settings.BROADSIDE_BACKUP_WORK_DIR) as file:
            yield file
            file.seek(0)
            self._storage.replace(name, File(file, name))

    def open(self, name: str) -> Readable:
        found = self._storage.find(name)
        if found is None:
            raise FileNotFoundError(2, os.strerror(2), name)
        body: Readable = found.open(None)
        return body

    def sizes(self, folder: str) -> dict[str, int]:
        sizes: dict[str, int] = self._storage.sizes(f"{folder}/")
        return sizes

    def delete(self, name: str) -> None:
        self._storage.delete(name)

    def tidy(self, folder: str) -> None:
        """Do nothing: an incomplete upload never becomes an object, and there are no folders."""


def open_store(destination: str) -> Store:
    """Return the store at a folder, or at a URL as in BACKUP_URL. Raises BackupError if it can't be one."""
    if "://" in destination:
        try:
            return BucketStore(destination)
        except ImproperlyConfigured as error:
            raise BackupError(str(error)) from error
    folder = Path(destination).expanduser().resolve()
    if folder.is_relative_to(settings.MEDIA_ROOT) or settings.MEDIA_ROOT.resolve().is_relative_to(folder):
        text = _(
            "Backups can't be in the media folder, which anyone can read, nor in a folder around it. Choose another "
            "one."
        )
        raise BackupError(text)
    if folder.exists() and not folder.is_dir():
        raise BackupError(_("%s is not a folder. Choose another one.") % folder)
    return FolderStore(folder)


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
