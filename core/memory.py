"""What a process remembers of public content until that content changes, so as not to compute it for each request."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import get_language

from core.models import SiteSettings

# Values are small, and all of them are forgotten at each change, so this is a limit for crawlers only.
MAX_VALUES: Final = 5_000


@dataclass(slots=True)
class _Memory:
    """The values under one content version, which are right until `expires` (seconds of the monotonic clock)."""

    version: int
    expires: float
    values: dict[Hashable, Any] = field(default_factory=dict)


_memory = _Memory(version=0, expires=0)


def remembered[Value](site: SiteSettings, make: Callable[[], Value], *key: Hashable) -> Value:
    """Return what `make` returned for this key, in this language, since public content last changed.

    Processes agree on the content version, so each forgets at the same time. `make` must depend on nothing but the key
    and public content, and nobody may change what it returns.
    """
    global _memory
    memory = _memory
    if memory.version != site.content_version or time.monotonic() >= memory.expires:
        # Another thread may do the same. Then one of them computes some values again.
        memory = _memory = _Memory(site.content_version, time.monotonic() + site.seconds_to_next_change)
    full_key = (get_language(), *key)
    try:
        value: Value = memory.values[full_key]
    except KeyError:
        value = make()
        if len(memory.values) < MAX_VALUES:
            memory.values[full_key] = value
    return value


def forget() -> None:
    """Forget everything, for tests, which all begin with the same content version."""
    global _memory
    _memory = _Memory(version=0, expires=0)
