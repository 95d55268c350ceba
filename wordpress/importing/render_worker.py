"""A process that renders texts and comments, and derives the rest, while the importing process reads and stores.

It never writes to the database, and ends with the importing process, however that ends. A concurrent.futures process
pool takes slightly more processor time and does not end that reliably (figures are in benchmarks/README.md).
"""

import multiprocessing
import signal
from contextlib import suppress
from multiprocessing.process import BaseProcess
from typing import Any, Final

import django

from blog.rendering.moved_files import FileResolver
from comments.text import comment_html
from wordpress.importing.texts import Derived, Text, derive

# The text of a comment, and whether it is HTML.
type CommentText = tuple[str, bool]

# The maximum number of texts that either process claims at a time.
_PORTION: Final = 20
# The indices of the shared integers: how many texts the worker has started, and how many it may start.
_BEGUN, _LIMIT = 0, 1


class RenderWorker:
    """Renders one request at a time. The process starts with the first request.

    The last texts of a request can be taken back while it works on the first. There is no lock, because a killed
    process would never release it; at worst, both processes render the same text.
    """

    def __init__(self, resolve_files: FileResolver, *, is_available: bool) -> None:
        """`resolve_files` must be a module-level function, so that it can be pickled."""
        # If not available, no process is started, and every text can be taken back.
        self.is_available = is_available
        self.process: BaseProcess | None = None
        self._resolve_files = resolve_files
        self._pipe: Any = None
        self._shared: Any = [0, 0]

    def request(self, texts: list[Text], comments: list[CommentText]) -> None:
        """Start rendering. `texts` must not depend on uncommitted rows."""
        self._shared[:] = [0, len(texts)]
        try:
            if self.is_available:
                self._pipe = self._pipe or self._start()
                self._pipe.send((texts, comments))
        except OSError:
            # There is too little memory or there are too many processes, or the worker was killed.
            self.is_available = False

    def take_back(self) -> range:
        """Return the indices of texts that the caller must render itself: some of the last ones; none in the end."""
        limit = self._shared[_LIMIT]
        start = limit - next_portion(limit - self._shared[_BEGUN])
        self._shared[_LIMIT] = start
        return range(start, limit)

    @property
    def has_answered(self) -> bool:
        return bool(self._pipe.poll())

    def answer(self) -> tuple[list[Derived], list[str]]:
        """Wait for the request's comments and the texts not taken back. Both are empty if the worker was killed."""
        with suppress(EOFError, OSError):
            if self.is_available:
                texts, comments = self._pipe.recv()
                return texts, comments
        self.is_available = False
        return [], []

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.join()
            # Last, because a worker that is still sending an answer would print that the pipe is broken.
            self._pipe.close()

    def _start(self) -> Any:
        """Start the process and return our end of the pipe."""
        # Spawned, because a fork would share the database connection, locks held by threads, and our end of the pipe.
        context = multiprocessing.get_context("spawn")
        pipe, their_end = context.Pipe()
        self._shared = context.RawArray("i", self._shared)
        process = context.Process(target=_serve, args=(their_end, self._shared, self._resolve_files), daemon=True)
        process.start()
        their_end.close()
        self.process = process
        return pipe


def next_portion(left: int) -> int:
    """Return how many of `left` texts to start next: few at the end, so that neither process waits long."""
    return max(0, min(_PORTION, (left + 1) // 2))


def render_comments(comments: list[CommentText]) -> list[str]:
    return [str(comment_html(text, is_html)) for text, is_html in comments]


def _serve(pipe: Any, shared: Any, resolve_files: FileResolver) -> None:
    """Answer requests until the other end of the pipe is closed."""
    # Ctrl-C reaches all processes of a terminal, but the importing process decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    django.setup()
    while True:
        try:
            texts, comments = pipe.recv()
        except EOFError:
            return
        rendered_comments = render_comments(comments)
        derived: list[Derived] = []
        while count := next_portion(shared[_LIMIT] - len(derived)):
            shared[_BEGUN] = len(derived) + count
            derived += derive(texts[len(derived) : len(derived) + count], resolve_files)
        pipe.send((derived, rendered_comments))
