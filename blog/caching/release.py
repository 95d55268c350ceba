"""Distinguishing pages of different releases and settings, which the shared cache may contain at the same time."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings

_SUFFIXES: Final = frozenset({".css", ".html", ".mo", ".py", ".txt", ".xml"})


def release_digest() -> str:
    """Return a digest of the settings and of the files that pages are made from, which is the same on all machines.

    Without it, cached pages would survive an update or a change in `.env` until the next change of content.
    """
    values = [
        (name, value)
        for name in sorted(dir(settings))
        if name.isupper() and _is_plain(value := getattr(settings, name))
    ]
    files = [
        (folder.name, str(path.relative_to(folder)), sha256(path.read_bytes()).digest())
        for folder in _folders()
        for path in sorted(folder.rglob("*"))
        if path.suffix in _SUFFIXES and path.is_file() and os.access(path, os.R_OK)
    ]
    manifest = settings.STATIC_ROOT / "staticfiles.json"
    styles = manifest.read_bytes() if manifest.is_file() else b""
    return sha256(repr((values, files, styles)).encode()).hexdigest()[:16]


def _is_plain(value: object) -> bool:
    """Return whether a setting is a number, a string or a list of these. Others may have no stable representation."""
    if isinstance(value, list | tuple):
        return all(isinstance(each, bool | int | str) for each in value)
    return isinstance(value, bool | int | str)


def _folders() -> list[Path]:
    own_apps = [Path(app.path) for app in apps.get_app_configs()]
    own_folders = [folder for folder in own_apps if folder.parent == settings.BASE_DIR]
    ours = [settings.BASE_DIR / name for name in ("config", "templates", "locale")]
    return [*own_folders, *ours, settings.BROADSIDE_TEMPLATES_DIR]
