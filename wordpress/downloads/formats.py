"""The formats in which the admin exports the site, the same as those of the management commands."""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.progress_callback import ProgressCallback
from wordpress.atomic_files import atomic_file
from wordpress.exporting.generators import GENERATORS, Generator
from wordpress.exporting.markdown_export import export_markdown
from wordpress.exporting.wxr_export import export_wxr

# Takes a sentence about something that the export does not contain.
type Warn = Callable[[str], None]
# Writes the export to a path, once it is complete, and returns the number of posts, pages and other items.
type Write = Callable[[Path, ProgressCallback, Warn], int]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    label: str | Promise
    suffix: str
    media_type: str
    write: Write


def _write_wordpress(path: Path, progress: ProgressCallback, warn: Warn) -> int:
    with atomic_file(path) as file:
        return export_wxr(file.write, progress=partial(progress, "exporting"), warn=warn)


def _write_markdown(generator: Generator, path: Path, progress: ProgressCallback, warn: Warn) -> int:
    with TemporaryDirectory(dir=path.parent) as name:
        folder = Path(name) / "files"
        folder.mkdir()
        count = export_markdown(folder, generator, progress=partial(progress, "exporting"), warn=warn)
        packed = Path(name) / "packed.zip"
        _pack(folder, packed, progress)
        packed.replace(path)
    return count


def _pack(folder: Path, target: Path, progress: ProgressCallback) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    # ZIP can't store dates before 1980; earlier ones become 1980-01-01.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for done, path in enumerate(files, start=1):
            archive.write(path, path.relative_to(folder))
            progress("packing", done, len(files))


FORMATS: Final[Mapping[str, ExportFormat]] = {
    "wordpress": ExportFormat(_("WordPress (WXR)"), "xml", "application/xml", _write_wordpress),
    **{
        # Each class is named after its program, whose name is the same in every language.
        name: ExportFormat(f"Markdown ({kind.__name__})", "zip", "application/zip", partial(_write_markdown, kind()))
        for name, kind in GENERATORS.items()
    },
}
