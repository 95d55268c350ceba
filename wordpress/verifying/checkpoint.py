"""The progress of an interrupted check, so that it can be resumed."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from wordpress.atomic_files import atomic_file
from wordpress.models import fingerprint


class Checkpoint:
    """A file with the state of one check. With other options, or after the files change, it is a different check.

    Raises OSError if one of `files` can't be read. Abandoned checkpoints are removed after some time
    (wordpress.uploads.folder).
    """

    def __init__(self, files: Iterable[Path], *options: object) -> None:
        found = [(str(path.resolve()), path.stat()) for path in files]
        key = fingerprint([(name, stat.st_size, stat.st_mtime_ns) for name, stat in found], settings.SITE_URL, options)
        self._path = Path(settings.BROADSIDE_IMPORTS_DIR) / f"verify-{key}.json"

    def load(self) -> dict[str, Any] | None:
        """Return the most recently saved state, or None."""
        try:
            state = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return state if isinstance(state, dict) else None

    def save(self, state: dict[str, Any]) -> None:
        """Replace the saved state. Raises OSError if it can't be written."""
        with atomic_file(self._path) as file:
            json.dump(state, file, ensure_ascii=False)

    def delete(self) -> None:
        self._path.unlink(missing_ok=True)
