"""A cache that never fails: whatever goes wrong in the real one is a miss, and is logged once in a while."""

import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final

from django.core.cache import BaseCache, caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT

# All in seconds. How often failures are logged.
LOG_INTERVAL: Final = 60
# A failure that took longer than this would slow down every page, so the cache is left alone for a while.
SLOW: Final = 0.2
PAUSE: Final = 10

_log = logging.getLogger(__name__)


class FailSafeCache(BaseCache):
    """Passes everything on to the cache in CACHES whose alias is its LOCATION, and survives all errors of that.

    Nothing may depend on the cache: what must not get lost, such as rate limits and sessions, is in the database.
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
        """Add `delta` to a number, atomically if the real cache can. Raises ValueError if it is not there."""

        def add(cache: BaseCache) -> int | None:
            try:
                return cache.incr(key, delta, version)
            except ValueError:
                return None

        number = self._attempt(add, None)
        if number is None:
            raise ValueError(f"The number {key!r} is not in the cache.")
        return number

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._attempt(lambda cache: cache.delete(key, version), False)

    def clear(self) -> None:
        self._attempt(lambda cache: cache.clear(), None)

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
                _log.warning("The cache failed, so pages are slower. %s: %s", type(error).__name__, error)
            return result_of_failure
