"""Distinguishing pages of different releases and settings, which the shared cache may contain at the same time."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings

_SUFFIXES: Final = (".css", ".html", ".mo", ".py", ".txt", ".xml")


def release_digest() -> str:
    """Return a digest of the settings and of the files that pages are made from, which is the same on all machines.

    Without it, cached pages would survive an update or a change in `.env` until the next change of content.
    """
    values = [
        (name, value)
        for name in sorted(dir(settings))
        if name.isupper() and _is_plain(value := getattr(settings, name))
    ]
    files = sorted((folder.name, *file) for folder in _folders() for file in _files(folder))
    manifest = settings.STATIC_ROOT / "staticfiles.json"
    styles = manifest.read_bytes() if manifest.is_file() else b""
    return sha256(repr((values, files, styles)).encode()).hexdigest()[:16]


def _is_plain(value: object) -> bool:
    """Return whether a setting is a number, a string or a list of these. Others may have no stable representation."""
    if isinstance(value, list | tuple):
        return all(isinstance(each, bool | int | str) for each in value)
    return isinstance(value, bool | int | str)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the path and a digest of each file in a folder that pages are made from."""
    for place, _folder_names, names in folder.walk():
        # Filter by name first: creating a Path takes longer than reading a file.
        for path in [place / name for name in names if name.endswith(_SUFFIXES)]:
            if path.is_file() and os.access(path, os.R_OK):
                yield str(path.relative_to(folder)), sha256(path.read_bytes()).digest()


def _folders() -> list[Path]:
    own_apps = [Path(app.path) for app in apps.get_app_configs()]
    own_folders = [folder for folder in own_apps if folder.parent == settings.BASE_DIR]
    ours = [settings.BASE_DIR / name for name in ("config", "templates", "locale")]
    return [*own_folders, *ours, settings.BROADSIDE_TEMPLATES_DIR]
