"""The texts and comments of an import, rendered in a process beside this one, which reads and stores meanwhile.

Rendering is half the work of an import. The process has nothing but its end of a pipe: it writes to no database, and
it ends when this one does, however that comes about.
"""

import hashlib
import multiprocessing
import os
import signal
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import django

from blog.rendering import Rendered, Text, render_all
from comments.text import comment_html

if TYPE_CHECKING:
    # The process beside reads this module before there are models.
    from blog.models import Entry
    from wordpress.kept import Kept

# The text of a comment, and whether it is HTML.
type Comment = tuple[str, bool]

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
        # What it is rendering, if anything, and what it gets next ahead.
        self._asked: list[Text] | None = None
        self._next: list[Text] = []
        self._places: dict[bytes, int] = {}
        self._here: list[Entry] = []
        self._beside: list[Entry] = []
        self._comments: list[Comment] = []
        self._is_begun_beside = False
        self._share = 0.0

    def expect(self, source: str, markup: str) -> None:
        """Render this text ahead if the process has nothing else to do."""
        self._expected += 1
        if not self._ahead or not self._is_for_beside(source):
            return
        self._next.append(Text(source, markup))
        if len(self._next) >= _TOGETHER:
            # Otherwise it is busy, and these wait until they are wanted.
            if self._asked is None or self._pipe.poll():
                self._keep_asked()
                self._ask(self._next, [])
            self._next = []

    def begin(self, entries: Iterable["Entry"], comments: Iterable[Comment] = ()) -> None:
        """Start rendering `entries` and `comments`. What was begun before must be finished."""
        self._keep_asked()
        self._next = []
        self._demand_the_same_files()
        self._here, self._beside, self._comments = [], [], list(comments)
        for entry in entries:
            place = self._places.get(_mark(Text(entry.source, entry.markup)))
            if place is not None:
                entry.take_rendered(self._kept.get(place))
            else:
                (self._beside if self._is_for_beside(entry.source) else self._here).append(entry)
        own = int(len(self._beside) * self._share)
        self._here += self._beside[:own]
        del self._beside[:own]
        self._is_begun_beside = bool(self._beside) or (bool(self._comments) and self._is_worth_it)
        if self._is_begun_beside:
            self._ask([Text(entry.source, entry.markup) for entry in self._beside], self._comments)

    def finish(self) -> dict[Comment, str]:
        """Let the entries that were begun have their HTML. Returns that of the comments."""
        _render(self._here)
        answer = self._answer_in_time() if self._is_begun_beside else None
        if answer:
            for entry, rendered in zip(self._beside, answer.texts, strict=True):
                entry.take_rendered(rendered)
        else:
            _render(self._beside)
        comments = answer.comments if answer else _render_comments(self._comments)
        html = dict(zip(self._comments, comments, strict=True))
        self._here, self._beside, self._comments = [], [], []
        self._is_begun_beside = False
        return html

    def _answer_in_time(self) -> "_Answer | None":
        """What was asked for. How long that takes decides how much is asked for next."""
        more = -_STEP if self._pipe.poll() else _STEP
        self._share = min(max(self._share + more, 0.0), _MOST)
        return self._answer()

    @property
    def _is_worth_it(self) -> bool:
        return not self._is_alone and self._expected >= WORTH_A_PROCESS

    def _is_for_beside(self, source: str) -> bool:
        return self._is_worth_it and not any(mark in source for mark in _ASKS_THE_DATABASE)

    def _keep_asked(self) -> None:
        """Keep what was rendered ahead."""
        if (asked := self._asked) is not None and (answer := self._answer()):
            for text, rendered in zip(asked, answer.texts, strict=True):
                self._places[_mark(text)] = self._kept.put(rendered)

    def _demand_the_same_files(self) -> None:
        """Begin anew if what the process was told of files has changed since."""
        from wordpress.moved import none_is_here

        if self._process is not None and self._none_here != none_is_here():
            self._end()
            self._places = {}

    # The process

    def _ask(self, texts: list[Text], comments: list[Comment]) -> None:
        if self._process is None:
            self._start()
        self._asked = texts
        try:
            self._pipe.send((texts, comments))
        except OSError:
            # It is gone, which is noticed when its answer is missing.
            return

    def _answer(self) -> "_Answer | None":
        """What was asked for last, rendered; None if nobody answers any more."""
        self._asked = None
        try:
            answer: _Answer = self._pipe.recv()
        except (EOFError, OSError):
            # It was killed, most likely for want of memory: from now on all is rendered here.
            self._is_alone = True
            return None
        return answer

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


class _Answer(NamedTuple):
    texts: list[Rendered]
    comments: list[str]


def _render(entries: Sequence["Entry"]) -> None:
    texts = (Text(entry.source, entry.markup, entry) for entry in entries)
    for entry, rendered in zip(entries, render_all(texts), strict=True):
        entry.take_rendered(rendered)


def _render_comments(comments: Iterable[Comment]) -> list[str]:
    return [str(comment_html(text, is_html)) for text, is_html in comments]


def _mark(text: Text) -> bytes:
    """What tells `text` from all others."""
    return hashlib.blake2b(f"{text.source}\0{text.markup}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _serve(pipe: Any, none_here: bool) -> None:
    """Render what comes until there is nobody any more at the other end. `none_here`: no file of a text is here."""
    # Ctrl-C reaches all processes of a terminal; the one that imports decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    django.setup()
    from wordpress.moved import known_if_none_is_here

    with known_if_none_is_here(none_here):
        while True:
            try:
                texts, comments = pipe.recv()
            except EOFError:
                return
            pipe.send(_Answer(list(render_all(texts)), _render_comments(comments)))
