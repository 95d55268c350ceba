"""Values that a process remembers until public content changes, so as not to compute them for each request.

New comments, which are more frequent than all other changes, don't affect them.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from django.utils.translation import get_language

# Values are small, and all are forgotten on each change, so only crawlers reach this limit.
MAX_VALUES: Final = 2_000


class Versioned(Protocol):
    """The site's settings, which include the version of entries."""

    entries_version: int

    @property
    def seconds_to_next_change(self) -> float: ...


@dataclass(slots=True)
class _Memory:
    """The values for one version of entries, valid until `expires` (in seconds of the monotonic clock)."""

    version: int
    expires: float = math.inf
    values: dict[Hashable, Any] = field(default_factory=dict)


_memory = _Memory(version=0)


def remembered[Value](site: Versioned, make: Callable[[], Value], *key: Hashable) -> Value:
    """Return the result of `make` for this key and language, computed once for each version of entries.

    Processes agree on the version of entries, so all forget at the same time. `make` must depend on nothing but the key
    and public content without comments, and its result must not be changed, unless it is a Recent.
    """
    memory = memory_of(site.entries_version)
    if memory.expires == math.inf:
        memory.expires = time.monotonic() + site.seconds_to_next_change
    return recall(memory, make, get_language(), *key)


def memory_of(version: int) -> _Memory:
    """Return the memory for this version of entries, which is empty at first."""
    global _memory
    memory = _memory
    if memory.version != version or time.monotonic() >= memory.expires:
        # If another thread does the same, some values are computed twice.
        memory = _memory = _Memory(version)
    return memory


def recall[Value](memory: _Memory, make: Callable[[], Value], *key: Hashable) -> Value:
    """Return the value remembered under this key, computing it with `make` if there is none."""
    try:
        value: Value = memory.values[key]
    except KeyError:
        value = make()
        if len(memory.values) < MAX_VALUES:
            memory.values[key] = value
    return value


class Recent[Key: Hashable, Value]:
    """The most recently used values, as many as fit into `max_bytes`. Each is added with its size in bytes."""

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
