"""A site's own templates (core.templates) in backups: all in one file, because they are few and small."""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import timezone

from core.templates import leads_outside
from operations.backups.contents import TEMPLATES, OpenedBackup, damaged, is_safe_name, name_for

# In bytes: the largest template, and all templates in a backup together.
_MAX_TEMPLATE: Final = 2**20
_MAX_TEMPLATES: Final = 2**26

_log = logging.getLogger(__name__)


def pack_templates() -> bytes:
    """Return the templates of the site as JSON; empty if there are none."""
    folder: Path = settings.BROADSIDE_TEMPLATES_DIR
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or not is_safe_name(name) or leads_outside(path, folder):
            continue
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_TEMPLATE + 1)
        except OSError as error:
            _log.warning("The template %s is not in the backup: %s", path, error.strerror)
            continue
        if len(content) > _MAX_TEMPLATE:
            _log.warning("The template %s is not in the backup, because it is too large to be one.", path)
            continue
        found[name] = content.decode(errors="surrogateescape")
    return json.dumps(found, indent=1).encode() if found else b""


def read_templates(opened: OpenedBackup) -> dict[str, bytes]:
    """Return the templates of the backed-up site, by path. Raises BackupError."""
    return parse_templates(opened.content(TEMPLATES, _MAX_TEMPLATES)) if opened.backup.has(TEMPLATES) else {}


def parse_templates(content: bytes) -> dict[str, bytes]:
    """Return what `pack_templates` packed. Raises BackupError if it is damaged or contains unsafe names."""
    try:
        templates = {name: text.encode(errors="surrogateescape") for name, text in json.loads(content).items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise damaged(TEMPLATES) from error
    if not all(map(is_safe_name, templates)):
        raise damaged(TEMPLATES)
    return templates


def stage_templates(templates: Mapping[str, bytes]) -> None:
    """Put the templates of a backup next to those of the site. Raises OSError."""
    staged = _staged()
    # Left by a restore that was never finished.
    shutil.rmtree(staged, ignore_errors=True)
    for name, content in templates.items():
        path = staged / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)


def publish_templates() -> None:
    """Move staged templates into place, and keep the previous ones next to them. Safe to repeat.

    A folder that belongs to another user or is a mount point may not be movable. Then the log says where both are.
    """
    staged, folder = _staged(), settings.BROADSIDE_TEMPLATES_DIR
    if not staged.is_dir():
        return
    try:
        if folder.exists():
            folder.rename(folder.with_name(f"{folder.name}.before-{name_for(timezone.now())}"))
        staged.rename(folder)
    except OSError as error:
        _log.warning("The templates of the backup could not be moved from %s to %s: %s", staged, folder, error.strerror)


def _staged() -> Path:
    folder: Path = settings.BROADSIDE_TEMPLATES_DIR
    return folder.with_name(f"{folder.name}.restored")
