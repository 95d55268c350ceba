"""The texts of an import, rendered in a process beside this one, which reads and stores meanwhile.

Rendering is half the work of an import. The process has nothing but its end of a pipe: it writes to no database, and
it ends when this one does, however that comes about.
"""

import hashlib
import multiprocessing
import os
import signal
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import django

from blog.rendering import Rendered, render

if TYPE_CHECKING:
    # The process beside reads this module before there are models.
    from blog.models import Entry
    from wordpress.kept import Kept

# A source and its markup.
type Text = tuple[str, str]

# For fewer texts than this a process takes longer to start than it saves.
WORTH_A_PROCESS = 2000
# So many are given to it at a time while the export is still being read.
_TOGETHER = 50
# The share of its texts that this process renders, so that neither waits for the other: how much it changes at a
# time, and the highest.
_STEP: Final = 0.04
_MOST: Final = 0.5
# Galleries, footnotes and shared blocks stand in the database, and only this process sees what is not committed yet.
_ASKS_THE_DATABASE = ("[gallery", "data-fn=", "wp:block")


class Renderer:
    """Hears first of all texts that are to come (`expect`), then renders entries, some at a time, from `begin` to
    `finish`. To be used in a `with`.
    """

    def __init__(self, kept: "Kept", *, ahead: bool) -> None:
        """`ahead`: whether texts that are expected will nearly all be wanted; what is rendered ahead is `kept`."""
        self._kept = kept
        self._ahead = ahead
        self._expected = 0
        self._is_alone = (os.cpu_count() or 1) < 2
        self._process: Any = None
        self._pipe: Any = None
        # Whether the process was told that no file of a text is here.
        self._none_here = False
        # What it is rendering, and how the next that it gets ahead.
        self._asked: list[Text] = []
        self._next: list[Text] = []
        self._places: dict[bytes, int] = {}
        self._here: list[Entry] = []
        self._beside: list[Entry] = []
        self._share = 0.0

    def expect(self, source: str, markup: str) -> None:
        """Render this text ahead if the process has nothing else to do."""
        self._expected += 1
        if not self._ahead or not self._is_for_beside(source):
            return
        self._next.append((source, markup))
        if len(self._next) >= _TOGETHER:
            # Otherwise it is busy, and these wait until they are wanted.
            if not self._asked or self._pipe.poll():
                self._keep_asked()
                self._ask(self._next)
            self._next = []

    def begin(self, entries: Iterable["Entry"]) -> None:
        """Start rendering `entries`. What was begun before must be finished."""
        self._keep_asked()
        self._next = []
        self._demand_the_same_files()
        self._here, self._beside = [], []
        for entry in entries:
            place = self._places.get(_mark((entry.source, entry.markup)))
            if place is not None:
                entry.take_rendered(self._kept.get(place))
            else:
                (self._beside if self._is_for_beside(entry.source) else self._here).append(entry)
        own = int(len(self._beside) * self._share)
        self._here += self._beside[:own]
        del self._beside[:own]
        self._ask([(entry.source, entry.markup) for entry in self._beside])

    def finish(self) -> None:
        """Let the entries that were begun have their HTML."""
        for entry in self._here:
            entry.render()
        if self._beside:
            self._take_from_beside()
        self._here, self._beside = [], []

    def _take_from_beside(self) -> None:
        more = -_STEP if self._pipe.poll() else _STEP
        self._share = min(max(self._share + more, 0.0), _MOST)
        rendered = self._answer()
        if rendered is None:
            for entry in self._beside:
                entry.render()
        else:
            for entry, html in zip(self._beside, rendered, strict=True):
                entry.take_rendered(html)

    def _is_for_beside(self, source: str) -> bool:
        if self._is_alone or self._expected < WORTH_A_PROCESS:
            return False
        return not any(mark in source for mark in _ASKS_THE_DATABASE)

    def _keep_asked(self) -> None:
        """Keep what was rendered ahead."""
        asked = self._asked
        for text, rendered in zip(asked, self._answer() or (), strict=False):
            self._places[_mark(text)] = self._kept.put(rendered)

    def _demand_the_same_files(self) -> None:
        """Begin anew if what the process was told of files has changed since."""
        from wordpress.moved import none_is_here

        if self._process is not None and self._none_here != none_is_here():
            self._end()
            self._places = {}

    # The process

    def _ask(self, texts: list[Text]) -> None:
        if not texts:
            return
        if self._process is None:
            self._start()
        self._asked = texts
        try:
            self._pipe.send(texts)
        except OSError:
            # It is gone, which is noticed when its answer is missing.
            return

    def _answer(self) -> Sequence[Rendered] | None:
        """What was asked for last, rendered; None if nobody answers any more."""
        if not self._asked:
            return ()
        self._asked = []
        try:
            rendered: list[Rendered] = self._pipe.recv()
        except (EOFError, OSError):
            # It was killed, most likely for want of memory: from now on all is rendered here.
            self._is_alone = True
            return None
        return rendered

    def _start(self) -> None:
        # Where models are is only known once there are some.
        from wordpress.moved import none_is_here

        self._none_here = none_is_here()
        # Not forked: a fork would have the database, the threads and our end of the pipe too.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._none_here), daemon=True)
        self._process.start()
        theirs.close()

    def _end(self) -> None:
        if self._process is not None:
            self._pipe.close()
            self._process.terminate()
            self._process.join()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()


def _mark(text: Text) -> bytes:
    """What tells `text` from all others."""
    return hashlib.blake2b("\0".join(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()


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
