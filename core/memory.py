"""Values that a process remembers until public content changes, so as not to compute them for each request.

New comments, which are more frequent than all other changes, don't affect them.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

# Values are small, and all are forgotten on each change, so only crawlers reach this limit.
MAX_VALUES: Final = 2_000


@dataclass(slots=True)
class Memory:
    """The values for one version of entries, valid from `since` until `expires` (timestamps in seconds).

    After the clock was set, they are forgotten: which posts are public depends on it.
    """

    version: int
    since: float = field(default_factory=time.time)
    expires: float = math.inf
    _values: dict[Hashable, Any] = field(default_factory=dict)

    def recall[Value](self, make: Callable[[], Value], *key: Hashable) -> Value:
        """Return the value remembered under this key, computing it with `make` if there is none."""
        try:
            value: Value = self._values[key]
        except KeyError:
            value = make()
            if len(self._values) < MAX_VALUES:
                self._values[key] = value
        return value


_memory = Memory(version=0)


def memory_of(version: int) -> Memory:
    """Return the memory for this version of entries, which is empty at first."""
    global _memory
    memory = _memory
    if memory.version != version or not memory.since <= time.time() < memory.expires:
        # If another thread does the same, some values are computed twice.
        memory = _memory = Memory(version)
    return memory


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
    _memory = Memory(version=0)
