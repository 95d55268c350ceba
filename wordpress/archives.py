"""Exports as WordPress.com hands them out: one or several in a ZIP archive, or one packed by gzip.

An archive is hostile until read: its names are never used as paths, and what comes out of it is counted while it
is written, not believed.
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

from wordpress.mending import ExportRefused
from wordpress.reports import Report

_CHUNK: Final = 1024 * 1024
_MAX_MEMBERS: Final = 1000
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"


class _Packed(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Unpacked:
    """Exports ready to be read: those that were packed are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._free = settings.BROADSIDE_IMPORT_MAX_BYTES
        self.paths: list[Path] = []

    def add(self, path: Path) -> None:
        """Unpack `path`, or take it as it is. What is no archive is judged by the reader."""
        start = _start(path)
        if start == _ZIP:
            self._unzip(path)
        elif start[:2] == _GZIP:
            with gzip.open(path) as packed:
                self._write(packed, path, path.name.removesuffix(".gz"))
        else:
            self.paths.append(path)

    def name(self, text: str) -> str:
        """`text` with exports named as their owner knows them: `export.zip/blog.xml`."""
        return text.replace(f"{self._folder}/", "")

    def name_in(self, report: Report) -> None:
        """Do the same in a whole report."""
        report.files = [self.name(path) for path in report.files]
        report.warnings = [self.name(text) for text in report.warnings]

    def _unzip(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if _is_export(member)]
            if not members:
                raise ExportRefused(_("%s: there is no XML file in this archive.") % path)
            if len(members) > _MAX_MEMBERS:
                text = _("%(path)s: there are more than %(number)d files in this archive.")
                raise ExportRefused(text % {"path": path, "number": _MAX_MEMBERS})
            # In the order of their names: WordPress numbers the parts of one export.
            for member in sorted(members, key=lambda member: member.filename):
                with archive.open(member) as packed:
                    self._write(packed, path, PurePosixPath(member.filename.replace("\\", "/")).name)

    def _write(self, packed: _Packed, archive: Path, name: str) -> None:
        """Unpack one file, chunk by chunk, as long as there is room."""
        folder = self._folder / archive.name
        folder.mkdir(exist_ok=True)
        # The number keeps files of one name apart; what else a name may hold is not wanted on a disk or a screen.
        name = "".join(char if char.isalnum() or char in "-_." else "_" for char in name)[-100:]
        target = folder / (name if not (folder / name).exists() else f"{len(self.paths)}-{name}")
        with target.open("xb") as file:
            while chunk := packed.read(_CHUNK):
                self._free -= len(chunk)
                if self._free < 0:
                    limit = filesizeformat(settings.BROADSIDE_IMPORT_MAX_BYTES)
                    text = _("%(path)s: unpacked it is larger than %(limit)s. The setting IMPORT_MAX_MB allows more.")
                    raise ExportRefused(text % {"path": archive, "limit": limit})
                file.write(chunk)
        self.paths.append(target)


@contextmanager
def unpacked(paths: Iterable[Path], within: Path | None = None) -> Iterator[Unpacked]:
    """Exports among `paths` unpacked into a folder in `within` (else where uploads go), which is gone again at the end.

    Raises ExportRefused for archives that are broken, locked by a password, too large or without an export, and passes
    on what its body raises of this kind, with the files named as their owner knows them.
    """
    with tempfile.TemporaryDirectory(prefix="unpacked-", dir=within or settings.BROADSIDE_IMPORTS_DIR) as folder:
        exports = Unpacked(Path(folder))
        try:
            for path in paths:
                _unpack(path, exports)
            yield exports
        except ExportRefused as refusal:
            raise ExportRefused(exports.name(str(refusal))) from refusal.__cause__


def _unpack(path: Path, exports: Unpacked) -> None:
    try:
        exports.add(path)
    except OSError as error:
        raise ExportRefused(f"{path}: {error.strerror or error}.") from error
    # A password is a RuntimeError, a way of packing that is not known a NotImplementedError.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ExportRefused(_("%(path)s: it cannot be unpacked (%(why)s).") % {"path": path, "why": error}) from error


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _is_export(member: zipfile.ZipInfo) -> bool:
    """Whether it is worth reading: macOS puts files of its own beside each, whose names begin with a dot."""
    name = PurePosixPath(member.filename).name
    return not member.is_dir() and name.lower().endswith(".xml") and not name.startswith(".")
