"""The folder of an import: its files, how far it is, whether a worker is at it, and the whole report.

Nothing here is in the database, since a running import holds its write lock until the end: progress, the wish to
stop and the proof of life go past it. What lies here is private (drafts, e-mail addresses): nobody but the user
that runs the site can read it, and it is not among the media.
"""

import fcntl
import json
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from wordpress.files import whole_file

_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a stage is; `began` and `at` in seconds of the clock."""

    stage: str
    done: int
    total: int
    began: float
    at: float

    @property
    def share(self) -> int:
        """In percent."""
        return min(100, self.done * 100 // self.total) if self.total else 0

    @property
    def seconds_left(self) -> float | None:
        """How long the stage takes yet if it goes on like this; None if that cannot be said."""
        passed = self.at - self.began
        return passed * (self.total - self.done) / self.done if self.done and passed > 1 else None


class Folder:
    """What belongs to the import with this key."""

    def __init__(self, key: uuid.UUID) -> None:
        self.path = Path(settings.BROADSIDE_IMPORTS_DIR) / str(key)
        # All that was said of each thing (wordpress.reports): too much for the database, if the export is odd.
        self.report = self.path / "report.json"
        self._uploads = self.path / "uploads"
        self._mark = self.path / "progress.json"
        self._stop = self.path / "stop"
        self._lock = self.path / "lock"

    # Its files

    def store(self, uploads: Iterable[UploadedFile[Any]]) -> None:
        """Take over what was uploaded. A large upload is on this disk already and only moves."""
        self._uploads.mkdir(mode=0o700)
        for number, upload in enumerate(uploads, 1):
            folder = self._uploads / str(number)
            folder.mkdir(mode=0o700)
            target = folder / _plain(upload.name or "")
            if hasattr(upload, "temporary_file_path"):
                shutil.move(upload.temporary_file_path(), target)
            else:
                with target.open("xb") as file:
                    shutil.copyfileobj(upload, file)
            target.chmod(0o600)

    def make(self, *, new: bool = False) -> None:
        """Raises FileExistsError if it shall be new and is not."""
        self.path.mkdir(mode=0o700, exist_ok=not new)

    def files(self) -> list[Path]:
        """The uploads in their order; none once they were deleted."""
        if not self._uploads.is_dir():
            return []
        folders = sorted(self._uploads.iterdir(), key=lambda folder: int(folder.name))
        return [path for folder in folders for path in folder.iterdir()]

    def name(self, text: str) -> str:
        """`text` with the uploads named as their owner knows them, without the way to them."""
        return re.sub(re.escape(f"{self._uploads}/") + r"[0-9]+/", "", text)

    def remove_uploads(self) -> None:
        shutil.rmtree(self._uploads, ignore_errors=True)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    # How far it is

    def tell(self, mark: Mark) -> None:
        with whole_file(self._mark) as file:
            json.dump(asdict(mark), file)

    def progress(self) -> Mark | None:
        """What was told last, if anything was."""
        try:
            told: dict[str, Any] = json.loads(self._mark.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return Mark(**told)

    # Stopping it

    def ask_to_stop(self) -> None:
        if self.path.is_dir():
            self._stop.touch(mode=0o600)

    def is_asked_to_stop(self) -> bool:
        return self._stop.exists()

    def clear(self) -> None:
        """Forget what an earlier step told and was told."""
        for path in (self._stop, self._mark, self.report):
            path.unlink(missing_ok=True)

    # Whether a worker is at it

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the import. The system itself lets go of it when the process dies, however it dies."""
        with self._lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def is_held(self) -> bool:
        """Whether somebody holds it, this process included."""
        try:
            with self._lock.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False


def remove_old(seconds: float, but: Iterable[uuid.UUID]) -> None:
    """Delete what is older than `seconds`: uploads that nobody imported, and what a killed process left."""
    kept = {str(key) for key in but}
    for path in Path(settings.BROADSIDE_IMPORTS_DIR).iterdir():
        try:
            is_old = path.lstat().st_mtime <= time.time() - seconds
        except FileNotFoundError:
            # Another upload that began at the same moment has taken its own away.
            continue
        if path.name in kept or not is_old:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _plain(name: str) -> str:
    """A name that is harmless on every disk. Django has taken folders off it already."""
    plain = "".join(char if char.isalnum() or char in "-_." else "_" for char in name)
    return plain[-_LONGEST_NAME:].lstrip(".") or "_"
