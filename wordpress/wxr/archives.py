"""Unpacking exports as WordPress.com delivers them: one or several in a ZIP archive, or one compressed with gzip.

Archives are untrusted: their file names are never used as paths, and sizes are counted while unpacking instead of
being taken from the archive.
"""

import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from wordpress.wxr.repair import InvalidExportError

_CHUNK: Final = 1024 * 1024
_MAX_MEMBERS: Final = 1000
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Unpacked:
    """Exports that are ready to be read. Those from archives are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._free = settings.BROADSIDE_IMPORT_MAX_BYTES
        self.paths: list[Path] = []

    def add(self, path: Path) -> None:
        """Add `path`, unpacked if it is an archive. Whether other files are exports is for the reader to decide."""
        start = _start(path)
        if start == _ZIP:
            self._unzip(path)
        elif start[:2] == _GZIP:
            with gzip.open(path) as packed:
                self._write(packed, path, path.name.removesuffix(".gz"))
        else:
            self.paths.append(path)

    def with_original_names(self, text: str) -> str:
        """Return `text` with the paths of unpacked exports replaced by names such as `export.zip/blog.xml`."""
        return text.replace(f"{self._folder}/", "")

    def _unzip(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if _is_export(member)]
            if not members:
                raise InvalidExportError(_("%s: there is no XML file in this archive.") % path)
            if len(members) > _MAX_MEMBERS:
                text = _("%(path)s: there are more than %(count)d files in this archive.")
                raise InvalidExportError(text % {"path": path, "count": _MAX_MEMBERS})
            # In alphabetical order, because WordPress numbers the parts of an export.
            for member in sorted(members, key=lambda member: member.filename):
                with archive.open(member) as packed:
                    self._write(packed, path, PurePosixPath(member.filename.replace("\\", "/")).name)

    def _write(self, packed: _Readable, archive: Path, name: str) -> None:
        """Unpack one file in chunks, up to the size limit."""
        folder = self._folder / archive.name
        folder.mkdir(exist_ok=True)
        # Other characters of a name should reach neither the disk nor the screen. A prefix keeps equal names apart.
        name = "".join(char if char.isalnum() or char in "-_." else "_" for char in name)[-100:]
        target = folder / (name if not (folder / name).exists() else f"{len(self.paths)}-{name}")
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
        self.paths.append(target)


@contextmanager
def unpacked(paths: Iterable[Path], within: Path | None = None) -> Iterator[Unpacked]:
    """Unpack the archives among `paths` into a temporary folder in `within` (default: where uploads are stored).

    Raises InvalidExportError for archives that are broken, password-protected, too large or without an export. What its
    body raises of this kind is passed on with the files named as their owner knows them.
    """
    with tempfile.TemporaryDirectory(prefix="unpacked-", dir=within or settings.BROADSIDE_IMPORTS_DIR) as folder:
        exports = Unpacked(Path(folder))
        try:
            for path in paths:
                _unpack(path, exports)
            yield exports
        except InvalidExportError as error:
            raise InvalidExportError(exports.with_original_names(str(error))) from error.__cause__


def _unpack(path: Path, exports: Unpacked) -> None:
    try:
        exports.add(path)
    except OSError as error:
        raise InvalidExportError(f"{path}: {error.strerror or error}.") from error
    # A password raises RuntimeError, an unknown compression method NotImplementedError.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise InvalidExportError(
            _("%(path)s: it cannot be unpacked (%(error)s).") % {"path": path, "error": error}
        ) from error


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _is_export(member: zipfile.ZipInfo) -> bool:
    """Whether the file may be an export. macOS adds files whose names begin with a dot."""
    name = PurePosixPath(member.filename).name
    return not member.is_dir() and name.lower().endswith(".xml") and not name.startswith(".")
