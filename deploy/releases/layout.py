"""Where the parts of an installed site are."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from releases.errors import UpgradeError
from releases.versions import is_version, order

# In the folder of a release: the SHA-256 of the archive that it was made from. It is written last.
_PREPARED: Final = ".prepared"
# How many older releases are kept, so that owners can go back to them.
_KEPT: Final = 2
# In seconds: how long to wait for the lock, and the pause in between. Processes left by a killed upgrade end sooner.
_PATIENCE: Final = 120
_PAUSE: Final = 0.5


@dataclass(frozen=True)
class Layout:
    """The folder of the releases of one site, and the file with its settings."""

    root: Path
    settings: Path

    @property
    def current(self) -> Path:
        """The link to the release in use."""
        return self.root / "current"

    @property
    def tools(self) -> Path:
        return self.root / "tools"

    def release(self, version: str) -> Path:
        return self.root / "releases" / version

    def current_version(self) -> str:
        """Return the version in use; an empty string if none is installed yet."""
        try:
            return Path(os.readlink(self.current)).name
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise UpgradeError(f"{self.current} should be a link to a release: {error.strerror}.") from error

    def switch(self, version: str) -> None:
        """Make this the release in use, in one step."""
        new = self.root / ".current.new"
        new.unlink(missing_ok=True)
        new.symlink_to(Path("releases", version))
        os.replace(new, self.current)
        sync_folder(self.root)

    def is_prepared(self, version: str, digest: str) -> bool:
        """Whether the folder of a release is complete, and was made from the archive with this SHA-256."""
        try:
            return (self.release(version) / _PREPARED).read_text() == digest
        except FileNotFoundError:
            return False

    def mark_prepared(self, version: str, digest: str) -> None:
        # All of it must be on the disk before the mark is.
        os.sync()
        (self.release(version) / _PREPARED).write_text(digest)

    def remove(self, version: str) -> None:
        """Delete a release. If that is interrupted, the rest no longer counts as complete."""
        folder = self.release(version)
        (folder / _PREPARED).unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)

    def remove_old(self) -> list[str]:
        """Delete all releases but the one in use, newer ones, and the two before it. Return the deleted versions."""
        current = order(self.current_version())
        folders = [path.name for path in (self.root / "releases").iterdir() if is_version(path.name)]
        older = sorted((name for name in folders if order(name) < current), key=order)
        removed = older[:-_KEPT]
        for version in removed:
            self.remove(version)
        return removed

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock for installations and upgrades. Raises UpgradeError if another one doesn't end in time.

        Programs started by `releases.programs` hold it too, because they may continue to write if this one is killed.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            file = (self.root / ".lock").open("w")
        except OSError as error:
            raise UpgradeError(f"{self.root} can't be written to: {error.strerror}. Run this as root.") from error
        with file:
            os.set_inheritable(file.fileno(), True)
            deadline = time.monotonic() + _PATIENCE
            while not _try_lock(file.fileno()):
                if time.monotonic() >= deadline:
                    raise UpgradeError("Another installation or upgrade is running. Wait until it has finished.")
                time.sleep(_PAUSE)
            yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Sync the entries of a folder to the disk, so that a power cut doesn't undo a rename."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
