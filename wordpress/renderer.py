"""The texts of an import, rendered in a process beside this one, which reads and stores meanwhile.

Rendering is half the work of an import. The process has nothing but its end of a pipe: it writes to no database, and
it ends when this one does, however that comes about.
"""

import multiprocessing
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import django

from blog.rendering import render

if TYPE_CHECKING:
    # The process beside reads this module before there are models.
    from blog.models import Entry

# For fewer items than this a process takes longer to start than it saves.
WORTH_A_PROCESS = 2000
# Galleries, footnotes and shared blocks stand in the database, and only this process sees what is not committed yet.
_ASKS_THE_DATABASE = ("[gallery", "data-fn=", "wp:block")


class Renderer:
    """Renders entries, some at a time, from `begin` to `finish`. To be used in a `with`."""

    def __init__(self, items: int) -> None:
        """`items`: how many are to come, at most."""
        self._is_worth_it = items >= WORTH_A_PROCESS and (os.cpu_count() or 1) > 1
        self._process: Any = None
        self._pipe: Any = None
        self._here: list[Entry] = []
        self._beside: list[Entry] = []

    def begin(self, entries: Iterable["Entry"]) -> None:
        """Start rendering `entries`. What was begun before must be finished."""
        self._here, self._beside = [], []
        for entry in entries:
            (self._beside if self._is_beside(entry.source) else self._here).append(entry)
        if self._beside:
            self._start()
            with suppress(OSError):
                # One that is gone is noticed when its answer is missing.
                self._pipe.send([(entry.source, entry.markup) for entry in self._beside])

    def finish(self) -> None:
        """Let the entries that were begun have their HTML."""
        for entry in self._here:
            entry.render()
        if self._beside:
            self._take_from_beside()
        self._here, self._beside = [], []

    def _take_from_beside(self) -> None:
        try:
            rendered = self._pipe.recv()
        except (EOFError, OSError):
            # It was killed, most likely for want of memory: from now on all is rendered here.
            self._is_worth_it = False
            for entry in self._beside:
                entry.render()
        else:
            for entry, html in zip(self._beside, rendered, strict=True):
                entry.take_rendered(html)

    def _is_beside(self, source: str) -> bool:
        return self._is_worth_it and not any(mark in source for mark in _ASKS_THE_DATABASE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._pipe.close()
            self._process.terminate()
            self._process.join()

    def _start(self) -> None:
        if self._process is None:
            # Where models are is only known once there are some.
            from wordpress.moved import none_is_here

            # Not forked: a fork would have the database, the threads and our end of the pipe too.
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, none_is_here()), daemon=True)
            self._process.start()
            theirs.close()


def _serve(pipe: Any, none_here: bool) -> None:
    """Render what comes until there is nobody any more at the other end. `none_here`: no file of a text is here."""
    # Ctrl-C reaches all processes of a terminal; the one that imports decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    django.setup()
    from wordpress.moved import known_if_none_is_here

    with known_if_none_is_here(none_here):
        while True:
            try:
                texts = pipe.recv()
            except EOFError:
                return
            pipe.send([render(source, markup) for source, markup in texts])
