"""The folder of an import or export job: the uploaded files, the progress, the worker's lock and the full report.

The progress changes too often for the database, and the lock must end with the process that holds it. The contents are
private (drafts, e-mail addresses): only the user that runs the site can read them, and they are kept outside the media
folder.
"""

import fcntl
import json
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from core.disk import try_lock
from media.unnamed_files import UnnamedFile
from wordpress.atomic_files import atomic_file
from wordpress.importing.report import Report
from wordpress.importing.undo import UndoReport
from wordpress.wxr.archives import safe_name

# Seconds between two updates of the progress.
_UPDATE_INTERVAL: Final = 0.5


@dataclass(frozen=True, slots=True)
class StageProgress:
    """The progress of a stage of the job. `started_at` and `updated_at` are Unix timestamps."""

    stage: str
    done: int
    total: int
    started_at: float
    updated_at: float

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0

    @property
    def seconds_left(self) -> float | None:
        """The time until the stage is complete at the current speed; None if it can't be estimated yet."""
        elapsed = self.updated_at - self.started_at
        return elapsed * (self.total - self.done) / self.done if self.percent and elapsed > 1 else None


class JobCancelledError(KeyboardInterrupt):
    """The job was cancelled. The import handles this like Ctrl-C: whatever is complete stays."""


class JobFolder:
    """The folder of the job with this key."""

    def __init__(self, key: uuid.UUID) -> None:
        self.path = Path(settings.BROADSIDE_IMPORTS_DIR) / str(key)
        self.report = self.path / "report.json"
        self._uploads = self.path / "uploads"
        self._progress = self.path / "progress.json"
        self._cancel = self.path / "cancel"
        self._lock = self.path / "lock"

    def create(self, *, exist_ok: bool = False) -> None:
        """Create the folder. Raises FileExistsError if it exists, unless `exist_ok`."""
        self.path.mkdir(mode=0o700, exist_ok=exist_ok)

    def store(self, uploads: Iterable[UploadedFile[Any]]) -> None:
        """Store uploaded files. Large uploads are already on this disk and only get a name."""
        self._uploads.mkdir(mode=0o700)
        for position, upload in enumerate(uploads, 1):
            folder = self._uploads / str(position)
            folder.mkdir(mode=0o700)
            target = folder / safe_name(upload.name or "")
            target.touch(0o600)
            if isinstance(upload, UnnamedFile):
                upload.appear_as(target)
            else:
                with target.open("wb") as file:
                    shutil.copyfileobj(upload, file)

    def files(self) -> list[Path]:
        """Return the uploaded files in order; an empty list if they have been deleted."""
        if not self._uploads.is_dir():
            return []
        folders = sorted(self._uploads.iterdir(), key=lambda folder: int(folder.name))
        return [path for folder in folders for path in folder.iterdir()]

    def hide_paths(self, text: str) -> str:
        """Return `text` with the paths of uploaded files replaced by their names."""
        return re.sub(re.escape(f"{self._uploads}/") + r"[0-9]+/", "", text)

    def remove_uploads(self) -> None:
        shutil.rmtree(self._uploads, ignore_errors=True)
        self.remove_unfinished()

    def remove_unfinished(self) -> None:
        """Remove files that a killed process has unpacked or started to write. No process may be using the folder."""
        known = {self._uploads, self.report, self._progress, self._cancel, self._lock}
        for path in set(self.path.iterdir()) - known if self.path.is_dir() else ():
            _remove(path)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def write_progress(self, progress: StageProgress) -> None:
        with atomic_file(self._progress) as file:
            json.dump(asdict(progress), file)

    def progress_writer(self) -> Callable[[str, int, int], None]:
        """Return a function that writes the progress when a stage begins, then at intervals.

        It raises JobCancelledError if the job was cancelled.
        """
        last: StageProgress | None = None

        def write(stage: str, done: int, total: int) -> None:
            nonlocal last
            now = started_at = time.time()
            if last and last.stage == stage:
                if now - last.updated_at < _UPDATE_INTERVAL:
                    return
                started_at = last.started_at
            last = StageProgress(stage, done, total, started_at, now)
            if self.is_cancel_requested():
                raise JobCancelledError
            self.write_progress(last)

        return write

    def read_progress(self) -> StageProgress | None:
        """Return the most recently written progress; None if there is none yet."""
        try:
            values: dict[str, Any] = json.loads(self._progress.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return StageProgress(**values)

    def write_report(self, report: Report | UndoReport) -> None:
        """Write the full report, which can be too large for the database."""
        with atomic_file(self.report) as file:
            report.write(file)

    def request_cancel(self) -> None:
        if self.path.is_dir():
            self._cancel.touch(mode=0o600)

    def is_cancel_requested(self) -> bool:
        return self._cancel.exists()

    def reset(self) -> None:
        """Remove the progress of the last step and any request to cancel it."""
        for path in (self._cancel, self._progress):
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the job. The operating system releases the lock when the process ends, for whatever reason."""
        with self._lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def is_locked(self) -> bool:
        """Return whether any process, including this one, has locked the job."""
        try:
            with self._lock.open() as file:
                return not try_lock(file.fileno(), is_shared=True)
        except FileNotFoundError:
            return False


def remove_old_folders(max_age: float, keep: Iterable[uuid.UUID]) -> None:
    """Remove everything older than `max_age` seconds, such as the leftovers of killed processes.

    The folders of the jobs with the keys in `keep` stay.
    """
    kept_names = {str(key) for key in keep}
    for path in Path(settings.BROADSIDE_IMPORTS_DIR).iterdir():
        try:
            is_old = path.lstat().st_mtime <= time.time() - max_age
        except FileNotFoundError:
            # Another upload, started at the same time, has removed its own file.
            continue
        if is_old and path.name not in kept_names:
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
