"""A cache that never fails: errors of the real cache count as misses, and are logged once in a while.

Also a file cache that is cheap to write to.
"""

import contextlib
import fcntl
import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

from django.conf import settings
from django.core.cache import BaseCache, cache, caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.filebased import FileBasedCache

# How often failures are logged, in seconds.
LOG_INTERVAL: Final = 60
# After a failure that took longer than SLOW seconds, the cache is bypassed for PAUSE seconds, so as not to slow down
# every page.
SLOW: Final = 0.2
PAUSE: Final = 10

# The file cache is tidied on average once in this many writes. Until then it may exceed its limit.
_WRITES_PER_TIDYING: Final = 500
# The share of the limit that tidying leaves in use.
_TIDY_SHARE: Final = 0.75
# In seconds. A file still unfinished after this time was left behind by a process that was killed.
_MAX_UNFINISHED_AGE: Final = 600

_log = logging.getLogger(__name__)


class FailSafeCache(BaseCache):
    """Passes every call on to the cache in CACHES whose alias is its LOCATION, and survives all its errors.

    Nothing may depend on the cache: data that must not be lost, such as sessions and the rates of comments, is in the
    database.
    """

    # Shared by all threads of a process.
    _silent_until: ClassVar[float] = 0
    _paused_until: ClassVar[float] = 0

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._alias = alias

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._attempt(lambda cache: cache.get(key, default, version), default)

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._attempt(lambda cache: cache.set(key, value, timeout, version), None)

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._attempt(lambda cache: cache.add(key, value, timeout, version), False)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._attempt(lambda cache: cache.touch(key, timeout, version), False)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add `delta` to a counter, atomically if the real cache can. Raises ValueError if the key is missing."""

        def add(cache: BaseCache) -> int | None:
            try:
                return cache.incr(key, delta, version)
            except ValueError:
                return None

        value = self._attempt(add, None)
        if value is None:
            raise ValueError(f"The counter {key!r} is not in the cache.")
        return value

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._attempt(lambda cache: cache.delete(key, version), False)

    def clear(self) -> None:
        self._attempt(lambda cache: cache.clear(), None)

    def sweep(self, oldest: int) -> None:
        """Delete cache files that have expired or whose version is below `oldest`.

        A cache server expires entries on its own, and keeps nothing on disk.
        """
        self._attempt(lambda cache: cache.sweep(oldest) if isinstance(cache, FileCache) else None, None)

    def _attempt[Result](self, operation: Callable[[BaseCache], Result], result_of_failure: Result) -> Result:
        started = time.monotonic()
        if started < FailSafeCache._paused_until:
            return result_of_failure
        try:
            return operation(caches[self._alias])
        except Exception as error:  # noqa: BLE001  each library raises its own, and pickle almost any
            now = time.monotonic()
            if now - started > SLOW:
                FailSafeCache._paused_until = now + PAUSE
            if now >= FailSafeCache._silent_until:
                FailSafeCache._silent_until = now + LOG_INTERVAL
                _log.warning("The cache failed, so pages are slower. %s", error)
            return result_of_failure


def is_cache_working() -> bool:
    """Return whether the actual cache keeps what is stored in it. Raises its errors, which the default cache hides."""
    backend = caches["backend" if "backend" in settings.CACHES else "default"]
    key = f"core.cache.{os.getpid()}"
    backend.set(key, "kept", 60)
    return bool(backend.get(key) == "kept")


class FileCache(FileBasedCache):
    """Django's cache of files, with a limit in bytes (the option MAX_BYTES) instead of a number of entries.

    Django lists the whole folder on each write (`_cull`). This class does so only once in a while, and deletes the
    oldest files. Entries with a version are stored in a folder of that version, so that `sweep` finds the outdated
    ones. Counting is atomic, as it is in a cache server: Django's file cache would lose counts that are simultaneous.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(location, params)
        self._folder = location
        self._max_bytes = int(params.get("OPTIONS", {}).get("MAX_BYTES", 0))

    def _cull(self) -> None:
        if random.randrange(_WRITES_PER_TIDYING) == 0:  # noqa: S311  # nothing depends on guessing it
            self.tidy()

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        if version is not None:
            os.makedirs(self._version_folder(version), mode=0o700, exist_ok=True)
        super().set(key, value, timeout, version)

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        with self._locked():
            return super().add(key, value, timeout, version)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        with self._locked():
            return super().incr(key, delta, version)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        with self._locked():
            return super().touch(key, timeout, version)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one thread of all processes at a time change counters."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def clear(self) -> None:
        for _written, _size, path in list(self._files()):
            _unlink(path)

    def tidy(self) -> None:
        """Delete the oldest files if their total size exceeds the limit."""
        files = list(self._files())
        total = sum(size for _written, size, _path in files)
        if total <= self._max_bytes:
            return
        for _written, size, path in sorted(files):
            _unlink(path)
            total -= size
            if total <= self._max_bytes * _TIDY_SHARE:
                break

    def sweep(self, oldest: int) -> None:
        """Delete files that have expired, have a version below `oldest`, or were left behind by killed processes."""
        now = time.time()
        for written, _size, path in list(self._files()):
            name = os.path.basename(os.path.dirname(path))
            if path.endswith(self.cache_suffix) and not (name.isdecimal() and int(name) < oldest):
                with contextlib.suppress(OSError), open(path, "rb") as file:
                    self._is_expired(file)  # type: ignore[attr-defined]  # Django's own, which deletes it
            elif path.endswith(self.cache_suffix) or written < now - _MAX_UNFINISHED_AGE:
                _unlink(path)
        with contextlib.suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.isdecimal() and int(entry.name) < oldest:
                    with contextlib.suppress(OSError):
                        os.rmdir(entry.path)

    def _key_to_file(self, key: str, version: int | None = None) -> str:
        path: str = super()._key_to_file(key, version)  # type: ignore[misc]  # Django's own
        return path if version is None else os.path.join(self._version_folder(version), os.path.basename(path))

    def _version_folder(self, version: int) -> str:
        return os.path.join(self._folder, str(version))

    def _files(self) -> Iterator[tuple[float, int, str]]:
        """Yield the modification time, size and path of each file."""
        folders = [self._folder]
        while folders:
            with contextlib.suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        else:
                            state = entry.stat()
                            yield state.st_mtime, state.st_size, entry.path


def count(key: str, by: int, seconds: int) -> int:
    """Add `by` to a cached counter that lasts for `seconds`, and return its value; 0 if the cache fails."""
    try:
        cache.add(key, 0, seconds)
        value: int = cache.incr(key, by)
        # Some backends give a value that was incremented their default timeout.
        cache.touch(key, seconds)
    except ValueError:
        # The cache has failed, or the counter has just been evicted.
        return 0
    return value


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
