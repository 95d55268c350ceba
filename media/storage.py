"""Storing files completely or not at all, and reading parts of them. What is stored survives a power cut.

A storage raises OSError if a file can't be read or written: FileNotFoundError if it doesn't exist, and
StorageUnavailableError if the storage itself can't be reached.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from core.disk import sync
from core.outages import OutageError
from media.unnamed_files import UnnamedFile, new_path


class StorageUnavailableError(OutageError):
    """The storage failed to answer, so that nothing is known about the file. Trying again later may help."""


class Readable(Protocol):
    """A stream that is read once, from beginning to end."""

    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that can be served. `size` is in bytes, and `modified` a timestamp in seconds.

    `open` opens the bytes at these positions, which must not be empty, or the whole file if they are None.
    """

    size: int
    modified: float
    open: Callable[[range | None], Readable]


class FilePart:
    """The bytes of an open file at `positions`, to be read once."""

    def __init__(self, file: BinaryIO, positions: range) -> None:
        file.seek(positions.start)
        self._file = file
        self._left = len(positions)
        self.close = file.close

    def read(self, size: int, /) -> bytes:
        content = self._file.read(min(size, self._left))
        self._left -= len(content)
        return content


class MediaStorage(FileSystemStorage):
    """Files in a folder. If one can't be written, for example to a full disk, nothing of it is left behind."""

    def _save(self, name: str, content: Any) -> str:
        name = self._reserve(name)
        try:
            self.replace(name, content)
        except BaseException:
            self.delete(name)
            raise
        return name

    def _reserve(self, name: str) -> str:
        """Create an empty file, because another upload may want the name at the same time, and return its name."""
        try:
            name = super()._save(name, ContentFile(b""))  # type: ignore[misc]  # the stubs leave it out
        except FileNotFoundError:
            # The last other file of the folder has just been deleted, and the folder with it.
            name = super()._save(name, ContentFile(b""))  # type: ignore[misc]  # the stubs leave it out
        return name

    def replace(self, name: str, content: Any) -> None:
        """Replace the file of this name with `content`, or leave it unchanged if that fails. It may have been lost."""
        path = Path(self.path(name))
        if not path.exists():
            self._save(name, content)
            return
        if not isinstance(content, UnnamedFile):
            complete = UnnamedFile()
            complete.writelines(content.chunks())
            content = complete
        content.appear_as(path)
        sync(path, path.parent)

    def delete(self, name: str) -> None:
        """Delete the file, and its folder if that is now empty: each document has a folder of its own."""
        path = Path(self.path(name))
        super().delete(name)
        new_path(path).unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()

    def move(self, name: str, new_name: str) -> None:
        """Rename a file, replacing any file that already has the new name."""
        old, new = Path(self.path(name)), Path(self.path(new_name))
        new_path(new).unlink(missing_ok=True)
        new.parent.mkdir(parents=True, exist_ok=True)
        old.replace(new)
        with suppress(OSError):
            # Remove the folders that are now empty.
            os.removedirs(old.parent)

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the sizes in bytes of all files whose names begin with `prefix`, by name."""
        root = Path(self.location)
        folder = root / prefix.rpartition("/")[0]
        files = (path for path in folder.rglob("*") if path.is_file())
        found = {path.relative_to(root).as_posix(): path.stat().st_size for path in files}
        return {name: size for name, size in found.items() if name.startswith(prefix)}

    def find(self, name: str) -> StoredFile | None:
        """Return the file with this name, which may be any string; None if there is no such file."""
        try:
            path = Path(self.path(name))
            if not path.is_file():
                return None
            stat = path.stat()
        except (SuspiciousFileOperation, ValueError, OSError):
            # The path leads out of the folder or is invalid, for example because it contains NUL or is too long.
            return None

        def open_part(positions: range | None) -> Readable:
            file = path.open("rb")
            return file if positions is None else FilePart(file, positions)

        return StoredFile(stat.st_size, stat.st_mtime, open_part)
