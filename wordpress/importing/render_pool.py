"""Rendering the texts and comments of an import in two processes: this one and wordpress.importing.render_worker.

Rendering is half the work of an import. The worker renders while this process reads and stores; at other times, this
process renders too.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from blog.rendering.moved_files import FileResolver
from wordpress.importing.render_worker import CommentText, RenderWorker, render_comments
from wordpress.importing.spool import Spool
from wordpress.importing.texts import Derived, Text, derive
from wordpress.markup.renderer import FILE_MARKS

# Bytes. Importing a smaller export takes less time than starting a process.
MIN_SIZE_FOR_WORKER = 5_000_000
# The smallest and largest number of texts that are rendered ahead in one request, and about how many characters.
_MIN_AHEAD, _MAX_AHEAD = 50, 200
_CHARACTERS_AHEAD: Final = 1_000_000
# Galleries, playlists, tables, footnotes and reusable blocks are looked up in the database, and only this process sees
# uncommitted rows and the copy that a preview works on.
_DATABASE_MARKS: Final = (*FILE_MARKS, "data-fn=", "wp:block")


@dataclass(slots=True)
class _Batch:
    """A batch being rendered. The texts with the indices `shared` are shared with the worker."""

    texts: list[Text] = field(default_factory=list)
    comments: list[CommentText] = field(default_factory=list)
    derived: dict[int, Derived] = field(default_factory=dict)
    local: list[int] = field(default_factory=list)
    shared: list[int] = field(default_factory=list)


class RenderPool:
    """Renders texts ahead while the export is read (`expect`), then batch by batch, from `begin` to `finish`."""

    def __init__(self, spool: Spool, size: int, resolve_files: FileResolver, *, ahead: bool) -> None:
        """Set up rendering for an export of `size` bytes.

        `ahead` means that nearly all of its texts will be needed, so some are rendered ahead and stored in `spool`.
        """
        self._spool = spool
        self._resolve_files = resolve_files
        self._ahead = ahead
        is_worthwhile = (os.cpu_count() or 1) > 1 and size >= MIN_SIZE_FOR_WORKER
        self._worker = RenderWorker(resolve_files, is_available=is_worthwhile)
        # The texts being rendered ahead, the next ones, and the positions of finished ones in the spool, by digest.
        self._requested: list[Text] = []
        self._next = _Sample()
        self._positions: dict[bytes, int] = {}
        self._batch = _Batch()

    def expect(self, text: Text) -> None:
        """Render a text ahead if there is time."""
        if not self._ahead or not self._is_for_worker(text):
            return
        self._next.offer(text)
        if len(self._next.texts) >= _MIN_AHEAD and (not self._requested or self._worker.has_answered):
            self._store_requested()
            self._requested, self._next = self._next.texts, _Sample()
            self._worker.request(self._requested, [])

    def stop_expecting(self) -> None:
        """Stop rendering ahead, and store the results. Raises InvalidExportError if the disk is full."""
        while self._worker.take_back():
            # These texts will be rendered in their batches.
            pass
        self._store_requested()
        self._next = _Sample()

    def begin(self, texts: Iterable[Text], comments: Iterable[CommentText] = ()) -> None:
        """Start rendering a batch. The previous one must be finished."""
        batch = self._batch = _Batch(list(texts), list(comments))
        for index, text in enumerate(batch.texts):
            # Removed from the dictionary to save memory, so texts that occur twice are rendered twice.
            position = self._positions.pop(_digest(text), None)
            if position is not None:
                batch.derived[index] = self._spool.get(position)
            else:
                (batch.shared if self._is_for_worker(text) else batch.local).append(index)
        if batch.shared or batch.comments:
            self._worker.request([batch.texts[index] for index in batch.shared], batch.comments)

    def finish(self) -> tuple[list[Derived], dict[CommentText, str]]:
        """Return the rendered texts and comments. The worker renders the first texts, this process the last."""
        batch, self._batch = self._batch, _Batch()
        self._render(batch, batch.local)
        comments: list[str] = []
        if batch.shared or batch.comments:
            while taken := self._worker.take_back():
                self._render(batch, batch.shared[taken.start : taken.stop])
            answered, comments = self._worker.answer()
            batch.derived.update(zip(batch.shared, answered, strict=False))
            # The worker may have been killed.
            self._render(batch, [index for index in batch.shared if index not in batch.derived])
            comments = comments or render_comments(batch.comments)
        texts = [batch.derived[index] for index in range(len(batch.texts))]
        return texts, dict(zip(batch.comments, comments, strict=True))

    def render(self, texts: Sequence[Text]) -> Iterator[Derived]:
        """Render texts in this process, even while a batch is being rendered."""
        return derive(texts, self._resolve_files)

    def _render(self, batch: _Batch, indices: Sequence[int]) -> None:
        batch.derived.update(zip(indices, self.render([batch.texts[index] for index in indices]), strict=True))

    def _is_for_worker(self, text: Text) -> bool:
        return self._worker.is_available and not any(mark in text.input.source for mark in _DATABASE_MARKS)

    def _store_requested(self) -> None:
        """Store the texts rendered ahead on disk."""
        if self._requested:
            answered, _comments = self._worker.answer()
            for text, derived in zip(self._requested, answered, strict=False):
                self._positions[_digest(text)] = self._spool.put(derived)
        self._requested = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._worker.stop()


@dataclass(slots=True)
class _Sample:
    """A limited sample of the texts offered, from all parts of the export: all, every second, every fourth, etc."""

    texts: list[Text] = field(default_factory=list)
    characters: int = 0
    offered: int = 0
    step: int = 1

    def offer(self, text: Text) -> None:
        self.offered += 1
        if self.offered % self.step == 0:
            self.texts.append(text)
            self.characters += len(text.input.source)
            if len(self.texts) > _MAX_AHEAD or self.characters > _CHARACTERS_AHEAD:
                self.texts = self.texts[1::2]
                self.characters = sum(len(text.input.source) for text in self.texts)
                self.step *= 2


def _digest(text: Text) -> bytes:
    source, markup, _entry, language = text.input
    identity = "\0".join([source, markup, language, *text[1:3], *text.tags])
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()
