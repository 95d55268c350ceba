"""Which requests are answered under overload.

Responses that are ready, such as cached pages, cost next to nothing and are not limited. All other requests compete for
time, so each kind has a lane of its own: a flood of one kind fills only its own lane, and no other request waits for
it. Clients solve no puzzles, and nothing about them is remembered.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext


class FullLaneError(Exception):
    """A lane has no room, and won't have any soon."""


class Lane:
    """Room for requests of one kind in this process.

    `at_once` of them are answered at the same time, and `waiting` more wait for up to `patience` seconds. Requests of
    lanes that share `turns` then take turns, so that a flood in one of these lanes leaves the others their share.
    """

    def __init__(self, at_once: int, *, waiting: int, patience: float, turns: asyncio.Semaphore | None = None) -> None:
        self.at_once = at_once
        self._slots = asyncio.Semaphore(at_once)
        self._turns = turns or nullcontext()
        self._room = waiting
        self._patience = patience

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Enter the lane, waiting for room if the queue isn't full. Raises FullLaneError."""
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
