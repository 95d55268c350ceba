"""What a process remembers of public content until that content changes, so as not to compute it for each request.

Comments, which come more often than all other changes, leave it alone.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from django.utils.translation import get_language

# Values are small, and all of them are forgotten at each change, so this is a limit for crawlers only.
MAX_VALUES: Final = 2_000


class Versioned(Protocol):
    """The site's settings, which know the version of entries."""

    entries_version: int

    @property
    def seconds_to_next_change(self) -> float: ...


@dataclass(slots=True)
class _Memory:
    """The values under one version of entries, which are right until `expires` (seconds of the monotonic clock)."""

    version: int
    expires: float = math.inf
    values: dict[Hashable, Any] = field(default_factory=dict)


_memory = _Memory(version=0)


def remembered[Value](site: Versioned, make: Callable[[], Value], *key: Hashable) -> Value:
    """Return what `make` returned for this key, in this language, since public content other than comments changed.

    Processes agree on the version of entries, so each forgets at the same time. `make` must depend on nothing but the
    key and public content without comments, and what it returns must not be changed, unless it is a Recent.
    """
    memory = memory_of(site.entries_version)
    if memory.expires == math.inf:
        memory.expires = time.monotonic() + site.seconds_to_next_change
    return recall(memory, make, get_language(), *key)


def memory_of(version: int) -> _Memory:
    """Return what is remembered under this version of entries, which is nothing at first."""
    global _memory
    memory = _memory
    if memory.version != version or time.monotonic() >= memory.expires:
        # Another thread may do the same. Then one of them computes some values again.
        memory = _memory = _Memory(version)
    return memory


def recall[Value](memory: _Memory, make: Callable[[], Value], *key: Hashable) -> Value:
    """Return the value with this key, which `make` returns if it is not remembered."""
    try:
        value: Value = memory.values[key]
    except KeyError:
        value = make()
        if len(memory.values) < MAX_VALUES:
            memory.values[key] = value
    return value


class Recent[Key: Hashable, Value]:
    """The values that were asked for last, as many as fit into `max_bytes`. Each says how many bytes it takes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()
        self.size = 0

    def get(self, key: Key) -> Value | None:
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def add(self, key: Key, value: Value, size: int) -> None:
        with self._lock:
            self._drop(key)
            self._values[key] = value, size
            self.size += size
            while self.size > self._max_bytes:
                self._drop(next(iter(self._values)))

    def pop(self, key: Key) -> Value | None:
        with self._lock:
            return self._drop(key)

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self.size = 0

    def _drop(self, key: Key) -> Value | None:
        value, size = self._values.pop(key, (None, 0))
        self.size -= size
        return value


def is_empty() -> bool:
    """Return whether nothing is remembered, not even the version of entries."""
    return _memory.version == 0


def forget() -> None:
    """Forget everything, because this process is changing public content."""
    global _memory
    _memory = _Memory(version=0)
