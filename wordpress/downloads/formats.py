"""The formats in which the admin exports the site, as the management commands do."""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wordpress.atomic_files import atomic_file
from wordpress.exporting.generators import GENERATORS, Generator
from wordpress.exporting.markdown_export import export_markdown
from wordpress.exporting.wxr_export import export_wxr

# Called with a stage, how much of it is done, and its total.
type Progress = Callable[[str, int, int], None]
# Takes a sentence about something that the export does not contain.
type Warn = Callable[[str], None]


class Write(Protocol):
    def __call__(self, path: Path, progress: Progress, warn: Warn) -> int:
        """Write the export to `path`, once it is complete, and return the number of posts, pages and other items."""


@dataclass(frozen=True, slots=True)
class Format:
    label: str | Promise
    suffix: str
    media_type: str
    write: Write


def _write_wordpress(path: Path, progress: Progress, warn: Warn) -> int:
    with atomic_file(path) as file:
        return export_wxr(file.write, progress=lambda done, total: progress("exporting", done, total), warn=warn)


@dataclass(frozen=True, slots=True)
class _MarkdownWriter:
    generator: type[Generator]

    def __call__(self, path: Path, progress: Progress, warn: Warn) -> int:
        with TemporaryDirectory(dir=path.parent) as name:
            folder = Path(name) / "files"
            folder.mkdir()
            count = export_markdown(
                folder, self.generator(), progress=lambda done, total: progress("exporting", done, total), warn=warn
            )
            packed = Path(name) / "packed.zip"
            _pack(folder, packed, progress)
            packed.replace(path)
        return count


def _pack(folder: Path, target: Path, progress: Progress) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    # Dates before 1980 do not fit into the format, and become that year.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for done, path in enumerate(files, start=1):
            archive.write(path, path.relative_to(folder))
            progress("packing", done, len(files))


# The names of programs, which are the same in every language.
_PROGRAMS: Final = {"hugo": "Hugo", "pelican": "Pelican", "eleventy": "Eleventy", "hexo": "Hexo"}
FORMATS: Final[Mapping[str, Format]] = {
    "wordpress": Format(_("WordPress (WXR)"), "xml", "application/xml", _write_wordpress),
    **{
        name: Format(f"Markdown ({_PROGRAMS[name]})", "zip", "application/zip", _MarkdownWriter(generator))
        for name, generator in GENERATORS.items()
    },
}
