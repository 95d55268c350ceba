"""Who is answered when there is more to do than time.

What is ready, such as a page in the cache, costs next to nothing and is not counted here. Everything else takes time
that readers miss, so each kind of request has a lane of its own: a flood of one kind fills its lane, and no other
request waits for it. There is no puzzle, and nothing is remembered of anyone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext


class FullLaneError(Exception):
    """There is no room, and there won't be soon."""


class Lane:
    """Room for requests of one kind in this process.

    `at_once` of them are answered at the same time, and `waiting` more wait for up to `patience` seconds. Those of
    lanes with the same `turns` then take turns, so that a flood in one of them leaves the others their share.
    """

    def __init__(self, at_once: int, *, waiting: int, patience: float, turns: asyncio.Semaphore | None = None) -> None:
        self.at_once = at_once
        self._slots = asyncio.Semaphore(at_once)
        self._turns = turns or nullcontext()
        self._room = waiting
        self._patience = patience

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Wait for room, if there is any to wait in. Raises FullLaneError."""
        if self._slots.locked():
            await self._wait()
        else:
            await self._slots.acquire()
        try:
            async with self._turns:
                yield
        finally:
            self._slots.release()

    async def _wait(self) -> None:
        if not self._room:
            raise FullLaneError
        self._room -= 1
        try:
            async with asyncio.timeout(self._patience):
                await self._slots.acquire()
        except TimeoutError:
            raise FullLaneError from None
        finally:
            self._room += 1
