"""The texts and comments of an import, rendered by two processes: this one, and one beside it (wordpress.beside).

Rendering is half the work of an import. The other process does it while this one reads and stores, and this one helps
where it would have to wait.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Final, Self

from blog.models import Entry
from blog.rendering import Text, render_all
from wordpress.beside import Answer, Beside, Comment, render_comments
from wordpress.kept import Kept
from wordpress.moved import none_is_here

# Bytes. A smaller export is brought in before a process has started.
WORTH_A_PROCESS = 5_000_000
# So many at least, so many at most, and not many more characters than so many are rendered ahead at a time.
_LEAST, _MOST = 50, 200
_CHARACTERS: Final = 1_000_000
# Galleries, footnotes and shared blocks stand in the database, and only this process sees what is not committed yet.
_ASKS_THE_DATABASE = ("[gallery", "data-fn=", "wp:block")


class Renderer:
    """Hears first of all texts that are to come (`expect`), then renders entries, some at a time, from `begin` to
    `finish`. To be used in a `with`.
    """

    def __init__(self, kept: Kept, size: int, *, ahead: bool) -> None:
        """`size`: that of the export, in bytes.

        `ahead`: whether texts that are expected will nearly all be wanted; what is rendered ahead is `kept`.
        """
        self._kept = kept
        self._ahead = ahead
        self._is_alone = (os.cpu_count() or 1) < 2 or size < WORTH_A_PROCESS
        self._process: Beside | None = None
        # What is being rendered ahead, what is next, and by a text's mark where that is kept which is done.
        self._asked: list[Text] = []
        self._next = _Sample()
        self._places: dict[bytes, int] = {}
        # What was begun, to be rendered here and beside, and by whom.
        self._here: list[Entry] = []
        self._beside: list[Entry] = []
        self._comments: list[Comment] = []
        self._begun: Beside | None = None

    def expect(self, source: str, markup: str) -> None:
        """Render this text ahead if there is time for it."""
        if not self._ahead or not self._is_for_beside(source):
            return
        self._next.offer(Text(source, markup))
        if len(self._next.texts) >= _LEAST and not self._is_busy:
            self._keep_asked()
            if process := self._started():
                self._asked, self._next = self._next.texts, _Sample()
                process.ask(self._asked, [])

    def begin(self, entries: Iterable[Entry], comments: Iterable[Comment] = ()) -> None:
        """Start rendering `entries` and `comments`. What was begun before must be finished."""
        self._keep_asked()
        self._next = _Sample()
        self._demand_the_same_files()
        self._here, self._beside, self._comments = [], [], list(comments)
        for entry in entries:
            # Once is enough: a text that comes twice is rendered again, and memory is free for others.
            place = self._places.pop(_mark(Text(entry.source, entry.markup)), None)
            if place is not None:
                entry.take_rendered(self._kept.get(place))
            else:
                (self._beside if self._is_for_beside(entry.source) else self._here).append(entry)
        if self._beside or (self._comments and not self._is_alone):
            self._begun = self._started()
        if self._begun:
            self._begun.ask([Text(entry.source, entry.markup) for entry in self._beside], self._comments)

    def finish(self) -> dict[Comment, str]:
        """Let the entries that were begun have their HTML. Returns that of the comments."""
        _render(self._here)
        if self._begun:
            answer = self._finished(self._begun)
        else:
            _render(self._beside)
            answer = None
        comments = answer.comments if answer else render_comments(self._comments)
        html = dict(zip(self._comments, comments, strict=True))
        self._here, self._beside, self._comments, self._begun = [], [], [], None
        return html

    def _finished(self, process: Beside) -> Answer | None:
        """What `process` made of what it was asked for. Meanwhile the last of it are rendered here."""
        until = len(self._beside)
        while taken := process.take(until):
            until -= taken
            _render(self._beside[until : until + taken])
        answer = self._answer(process)
        done = answer.texts if answer else []
        for entry, rendered in zip(self._beside[:until], done, strict=False):
            entry.take_rendered(rendered)
        _render(self._beside[len(done) : until])
        return answer

    def _is_for_beside(self, source: str) -> bool:
        return not self._is_alone and not any(mark in source for mark in _ASKS_THE_DATABASE)

    @property
    def _is_busy(self) -> bool:
        return bool(self._asked) and self._process is not None and not self._process.has_answered

    def _keep_asked(self) -> None:
        """Keep what was rendered ahead."""
        if self._asked and self._process:
            self._process.hurry()
            answer = self._answer(self._process)
            for text, rendered in zip(self._asked, answer.texts if answer else (), strict=False):
                self._places[_mark(text)] = self._kept.put(rendered)
        self._asked = []

    def _demand_the_same_files(self) -> None:
        """Begin anew if what the process was told of files has changed since."""
        if self._process and self._process.none_here != none_is_here():
            self._end()
            self._places = {}

    def _started(self) -> Beside | None:
        """The process; None if the system lets there be none."""
        if self._process is None and not self._is_alone:
            try:
                self._process = Beside(none_here=none_is_here())
            except OSError:
                # No memory, no room for what is shared, or too many processes: it goes on without.
                self._is_alone = True
        return self._process

    def _answer(self, process: Beside) -> Answer | None:
        answer = process.answer()
        if answer is None:
            # From now on all is rendered here.
            self._is_alone = True
        return answer

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()


class _Sample:
    """Some of the texts that are offered: all, every second, every fourth …, so many as can be rendered ahead.

    So later on no part of the export makes more work than another.
    """

    def __init__(self) -> None:
        self.texts: list[Text] = []
        self._characters = 0
        self._offered = 0
        self._step = 1

    def offer(self, text: Text) -> None:
        self._offered += 1
        if self._offered % self._step:
            return
        self.texts.append(text)
        self._characters += len(text.source)
        if len(self.texts) > _MOST or self._characters > _CHARACTERS:
            self.texts = self.texts[1::2]
            self._characters = sum(len(text.source) for text in self.texts)
            self._step *= 2


def _render(entries: Sequence[Entry]) -> None:
    texts = (Text(entry.source, entry.markup, entry) for entry in entries)
    for entry, rendered in zip(entries, render_all(texts), strict=True):
        entry.take_rendered(rendered)


def _mark(text: Text) -> bytes:
    """What tells `text` from all others."""
    return hashlib.blake2b(f"{text.source}\0{text.markup}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
