"""Unpacking exports as delivered by WordPress.com: one or several in a ZIP archive, or one compressed with gzip.

The ZIP archive may be inside another one, as some programs pack whatever is downloaded.
Archives are untrusted: their file names are never used as paths, and sizes are counted while unpacking.
"""

import gzip
import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from core.file_errors import describe_file_error
from wordpress.wxr.other_files import describe_archive
from wordpress.wxr.repair import InvalidExportError

_CHUNK: Final = 1024 * 1024
_MAX_MEMBERS: Final = 1000
# In bytes. The directory of an archive is read at once, and takes ten times as much memory.
_MAX_DIRECTORY: Final = 16 * 1024 * 1024
# Python unpacks these in small pieces. Of others, a single read may take gigabytes.
_COMPRESSION: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# File systems limit names to 255 bytes; this leaves room for a prefix.
_MAX_NAME_BYTES: Final = 200
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"


class _ArchiveFile(io.FileIO):
    """An archive, from which nothing is read at once that would take too much memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_DIRECTORY:
            raise zipfile.BadZipFile("too many files")
        return super().read(size)


class Unpacked:
    """Exports that are ready to be read. Those unpacked from archives are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._free = settings.BROADSIDE_IMPORT_MAX_BYTES
        # How many files were unpacked, including archives inside others.
        self._count = 0
        self.paths: list[Path] = []

    def add(self, path: Path) -> None:
        """Add `path`, unpacked if it is an archive. The reader decides whether other files are exports."""
        try:
            with path.open("rb") as file:
                start = file.read(4)
            if start == _ZIP:
                exports = self._unzip(path, ".xml") or self._unzip_inner(path)
                if not exports:
                    raise InvalidExportError(_without_exports(path))
                self.paths += exports
            elif start.startswith(_GZIP):
                with gzip.open(path) as packed:
                    self.paths.append(self._write(packed, path, path.name.removesuffix(".gz")))
            else:
                self.paths.append(path)
        except OSError as error:
            raise InvalidExportError(describe_file_error(error, path)) from error
        # A password raises RuntimeError, and a damaged name ValueError.
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
            text = _(
                "%(path)s: it can't be unpacked (%(error)s). Download it again, or unpack it and use the XML files."
            )
            raise InvalidExportError(text % {"path": path, "error": error}) from error

    def with_original_names(self, text: str) -> str:
        """Return `text` with names such as `export.zip/blog.xml` instead of the paths of unpacked exports."""
        return text.replace(f"{self._folder}/", "")

    def _unzip(self, path: Path, extension: str) -> list[Path]:
        """Unpack the files with this extension from an archive."""
        with _ArchiveFile(path) as file, zipfile.ZipFile(file) as archive:
            members = [member for member in archive.infolist() if _has_extension(member, extension)]
            _check_count(len(members), path)
            unpacked = []
            # Sorted, because WordPress numbers the parts of an export.
            for member in sorted(members, key=lambda member: member.filename):
                if member.compress_type not in _COMPRESSION:
                    raise zipfile.BadZipFile(f"compression method {member.compress_type}")
                with archive.open(member) as packed:
                    unpacked.append(self._write(packed, path, PurePosixPath(member.filename.replace("\\", "/")).name))
        return unpacked

    def _unzip_inner(self, path: Path) -> list[Path]:
        """Unpack the exports from the archives that an archive contains."""
        exports: list[Path] = []
        for inner in self._unzip(path, ".zip"):
            exports += self._unzip(inner, ".xml")
            _check_count(len(exports), path)
            inner.unlink()
        return exports

    def _write(self, packed: IO[bytes] | gzip.GzipFile, archive: Path, name: str) -> Path:
        folder = self._folder / archive.name
        folder.mkdir(exist_ok=True)
        name = safe_name(name)
        # A prefix distinguishes files with the same name.
        target = folder / (name if not (folder / name).exists() else f"{self._count}-{name}")
        self._count += 1
        with target.open("xb") as file:
            while chunk := packed.read(_CHUNK):
                self._free -= len(chunk)
                if self._free < 0:
                    limit = filesizeformat(settings.BROADSIDE_IMPORT_MAX_BYTES)
                    text = _(
                        "%(path)s: the unpacked files are larger than %(limit)s. Raise IMPORT_MAX_MB to allow more."
                    )
                    raise InvalidExportError(text % {"path": archive, "limit": limit})
                file.write(chunk)
        return target


def safe_name(name: str) -> str:
    """Return the name of a file with only characters that are safe everywhere. Long names lose their beginning."""
    safe = re.sub(r"[^\w.-]", "_", name)
    return safe.encode()[-_MAX_NAME_BYTES:].decode(errors="ignore").lstrip(".") or "_"


@contextmanager
def unpacked(paths: Iterable[Path], within: Path | None = None) -> Iterator[Unpacked]:
    """Unpack the archives among `paths` into a temporary folder in `within` (default: where uploads are stored).

    Raises InvalidExportError for archives that are broken, password-protected, too large or without an export. Such
    errors, including those from the body of the `with` statement, give the original names of the files.
    """
    with tempfile.TemporaryDirectory(prefix="unpacked-", dir=within or settings.BROADSIDE_IMPORTS_DIR) as folder:
        exports = Unpacked(Path(folder))
        try:
            for path in paths:
                exports.add(path)
            yield exports
        except InvalidExportError as error:
            raise InvalidExportError(exports.with_original_names(str(error))) from error.__cause__


def _without_exports(path: Path) -> str:
    """Return the message about an archive without exports."""
    with _ArchiveFile(path) as file, zipfile.ZipFile(file) as archive:
        other = describe_archive(archive.namelist())
    return f"{path}: {other}" if other else _("%s: there is no XML file in this archive.") % path


def _check_count(count: int, path: Path) -> None:
    if count > _MAX_MEMBERS:
        text = _("%(path)s: there are more than %(count)d files in this archive.")
        raise InvalidExportError(text % {"path": path, "count": _MAX_MEMBERS})


def _has_extension(member: zipfile.ZipInfo, extension: str) -> bool:
    """Return whether it is a file with this extension. macOS adds files whose names start with a dot."""
    name = PurePosixPath(member.filename).name
    return not member.is_dir() and name.lower().endswith(extension) and not name.startswith(".")
