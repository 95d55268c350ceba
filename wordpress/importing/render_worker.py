"""A process that renders texts and comments while the importing process reads and stores.

It shares a pipe and two integers with the importing process, and never writes to the database. It ends together with
the importing process, however that ends.
"""

import multiprocessing
import signal
from contextlib import suppress
from typing import Any, Final, NamedTuple

import django

from blog.rendering import Rendered, RenderInput, render_all
from blog.rendering.moved_files import FileResolver
from comments.text import comment_html

# The text of a comment, and whether it is HTML.
type CommentText = tuple[str, bool]

# How many texts either process begins at a time.
_PORTION: Final = 20
# The indices of the shared integers: how many texts the worker has begun, and how many it may begin.
_BEGUN, _LIMIT = 0, 1


class Answer(NamedTuple):
    """The rendered comments of a request, and the first of its texts: as many as were begun."""

    texts: list[Rendered]
    comments: list[str]


class RenderWorker:
    """Renders one request at a time.

    The last texts of a request can be taken back while it works on the first. There is no lock, because a killed
    process would never release it; at worst both processes render the same text.
    """

    def __init__(self, resolve_files: FileResolver) -> None:
        """Start the process. `resolve_files` must be a function of a module."""
        # Not forked: a fork would share the database connection, the threads and our end of the pipe.
        context = multiprocessing.get_context("spawn")
        self._pipe, their_end = context.Pipe()
        self._shared = context.RawArray("i", 2)
        self.process = context.Process(target=_serve, args=(their_end, self._shared, resolve_files), daemon=True)
        self.process.start()
        their_end.close()

    def request(self, texts: list[RenderInput], comments: list[CommentText]) -> None:
        """Start rendering. `texts` must not depend on uncommitted rows."""
        self._shared[:] = [0, len(texts)]
        # If the process is gone, there will be no answer.
        with suppress(OSError):
            self._pipe.send((texts, comments))

    def take_back(self, limit: int) -> int:
        """Return how many texts before `limit`, the limit so far, the caller has to render itself."""
        taken = next_portion(limit - self._shared[_BEGUN])
        self._shared[_LIMIT] = limit - taken
        return taken

    def hurry(self) -> None:
        """Finish the request without beginning further texts."""
        self._shared[_LIMIT] = 0

    @property
    def has_answered(self) -> bool:
        return bool(self._pipe.poll())

    def answer(self) -> Answer | None:
        """Wait for the answer. None if the process was killed, most likely for lack of memory."""
        with suppress(EOFError, OSError):
            return Answer(*self._pipe.recv())
        return None

    def stop(self) -> None:
        self._pipe.close()
        self.process.terminate()
        self.process.join()


def next_portion(left: int) -> int:
    """Return how many of `left` texts to begin next: few at the end, so that neither process waits long."""
    return max(0, min(_PORTION, (left + 1) // 2))


def render_comments(comments: list[CommentText]) -> list[str]:
    return [str(comment_html(text, is_html)) for text, is_html in comments]


def _serve(pipe: Any, shared: Any, resolve_files: FileResolver) -> None:
    """Answer requests until the other end of the pipe is closed."""
    # Ctrl-C reaches all processes of a terminal, but the importing process decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    django.setup()
    while True:
        try:
            texts, comments = pipe.recv()
        except EOFError:
            return
        rendered_comments = render_comments(comments)
        rendered: list[Rendered] = []
        while count := next_portion(shared[_LIMIT] - len(rendered)):
            shared[_BEGUN] = len(rendered) + count
            rendered += render_all(texts[len(rendered) : len(rendered) + count], resolve_files)
        pipe.send((rendered, rendered_comments))
