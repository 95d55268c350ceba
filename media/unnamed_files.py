"""Files without a name, for uploads until they have been checked and cleaned.

No other process can open them, and nothing is left of them however the process ends, even if it is killed.
"""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shutil import copyfileobj as copy_to
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from core.outages import OutageError


class UnnamedFile(UploadedFile[bytes]):
    """A file on the disk for uploads, or in memory. `name` is only what the uploader called it."""

    def __init__(self, name: str = "upload", content_type: str = "", *, in_memory: bool = False) -> None:
        super().__init__(_open_in_memory() if in_memory else _open_on_disk(), name, content_type, size=0)

    def read(self, *args: int) -> bytes:
        # Django's `read` is the wrapped file's own, which would not keep this object alive and the file open.
        assert self.file is not None  # noqa: S101  # it is open until it is closed
        return self.file.read(*args)

    def __del__(self) -> None:
        # So callers need not close it. If it could not be opened, it has no `file`.
        with suppress(AttributeError):
            self.close()

    def appear_as(self, path: Path) -> None:
        """Atomically replace the file at `path` with this one, keeping its permissions."""
        assert self.file is not None  # noqa: S101  # as above
        self.file.flush()
        new = new_path(path)
        # A killed process may have left it.
        new.unlink(missing_ok=True)
        try:
            try:
                # Python follows the symbolic link only if it gets a folder, whichever that is.
                os.link(f"/proc/self/fd/{self.fileno()}", new, src_dir_fd=self.fileno())
            except OSError:
                # The file is in memory or on another disk.
                self.seek(0)
                with new.open("xb") as file:
                    copy_to(self.file, file)
            new.chmod(path.stat().st_mode & 0o777)
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


def new_path(path: Path) -> Path:
    """Return where the file that is about to replace `path` is for a moment: hidden, so that it can't be requested."""
    return path.with_name(f".{path.name}.new")


class UnstoredFile(UploadedFile[bytes]):
    """An upload that could not be written to disk. Only its name is known; any other use raises OutageError.

    This way, the rest of its form can be returned to the sender.
    """

    def __init__(self, name: str, reason: OSError) -> None:
        self._reason = reason
        super().__init__(None, name)

    @property
    def size(self) -> int:
        raise OutageError(self._reason.errno, self._reason.strerror) from self._reason

    @size.setter
    def size(self, value: int) -> None:
        """Do nothing. Django sets it."""

    def read(self, *args: int) -> bytes:
        return bytes(self.size)

    def seek(self, *args: int) -> int:
        return self.size


class UnnamedFileUploadHandler(FileUploadHandler):
    """Receives uploads that are too large for memory. Django's own handler gives them names."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._failure: OSError | None = None
        try:
            self.file = UnnamedFile(self.file_name or "upload", self.content_type or "")
        except OSError as error:
            self._failure = error
            return
        self.file.charset = self.charset
        extra: Mapping[str, Any] | None = self.content_type_extra
        self.file.content_type_extra = dict(extra or {})

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self._failure is None:
            try:
                self.file.write(raw_data)
            except OSError as error:
                self._failure = error
                self.upload_interrupted()

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        try:
            if self._failure is None:
                self.file.seek(0)
        except OSError as error:
            # The last part was still in the buffer.
            self._failure = error
        if self._failure is not None:
            return UnstoredFile(self.file_name or "upload", self._failure)
        self.file.size = file_size
        return self.file

    def upload_interrupted(self) -> None:
        # There may have been no file yet, and closing it may fail to write the last part.
        with suppress(AttributeError, OSError):
            self.file.close()


def _open_on_disk() -> IO[bytes]:
    folder = str(settings.FILE_UPLOAD_TEMP_DIR)
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (AttributeError, OSError):
        # Not every system and file system supports this. The alternative has a name for an instant.
        return tempfile.TemporaryFile(dir=folder)
    return os.fdopen(descriptor, "w+b")


def _open_in_memory() -> IO[bytes]:
    try:
        return os.fdopen(os.memfd_create("upload"), "w+b")
    except AttributeError:
        # Only Linux has `memfd_create`.
        return _open_on_disk()
