"""Coroutines in tests."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def in_a_loop[Result](coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a separate thread, because Playwright, if its tests ran before, keeps a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()  # noqa: TID251 (the only place, see above)
