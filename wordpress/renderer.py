"""The texts of an import, rendered in a process beside this one, which reads and stores meanwhile.

Rendering is half the work of an import. The process has nothing but its end of a pipe: it writes to no database, and
it ends when this one does, however that comes about.
"""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import django

from blog.rendering import Rendered, render

# For fewer items than this a process takes longer to start than it saves.
WORTH_A_PROCESS = 2000
# Galleries ask the database for their pictures, and only this process sees what is not committed yet.
_ASKS_THE_DATABASE = "[gallery"

# A source and its markup.
type Text = tuple[str, str]


class Renderer:
    """Takes texts, some at a time: `begin` with them, `finish` gives what they became. To be used in a `with`."""

    def __init__(self, items: int) -> None:
        """`items`: how many are to come, at most."""
        self._is_worth_it = items >= WORTH_A_PROCESS and (os.cpu_count() or 1) > 1
        self._process: Any = None
        self._pipe: Any = None
        self._here: list[Text] = []
        # For each text that was begun whether it is rendered beside.
        self._beside: list[bool] = []

    def begin(self, texts: Sequence[Text]) -> None:
        """Start rendering `texts`. What was begun before must be finished."""
        self._beside = [self._is_worth_it and _ASKS_THE_DATABASE not in source for source, _markup in texts]
        self._here = [text for text, beside in zip(texts, self._beside, strict=True) if not beside]
        if any(self._beside):
            self._start()
            self._pipe.send([text for text, beside in zip(texts, self._beside, strict=True) if beside])

    def finish(self) -> list[Rendered]:
        """What the texts that were begun became, in their order."""
        here = (render(source, markup) for source, markup in self._here)
        there = iter(self._pipe.recv() if any(self._beside) else ())
        finished = [next(there if beside else here) for beside in self._beside]
        self._here, self._beside = [], []
        return finished

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
            # Not forked: a fork would have the database, the threads and our end of the pipe too.
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()


def _serve(pipe: Any) -> None:
    """Render what comes until there is nobody any more at the other end."""
    # Ctrl-C reaches all processes of a terminal; the one that imports decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    django.setup()
    while True:
        try:
            texts = pipe.recv()
        except EOFError:
            return
        pipe.send([render(source, markup) for source, markup in texts])
