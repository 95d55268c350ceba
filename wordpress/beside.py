"""A process that renders texts and comments, beside the one that imports.

It has nothing but its end of a pipe and two numbers: it writes to no database, and it ends when the other process
does, however that comes about.
"""

import multiprocessing
import signal
from typing import Any, Final, NamedTuple

import django

from blog.rendering import Rendered, Text, render_all
from comments.text import comment_html

# The text of a comment, and whether it is HTML.
type Comment = tuple[str, bool]

# At most so many texts are begun at a time, by either process.
_TOGETHER: Final = 20
# The places of the shared numbers: up to which text the process has begun, and up to which it may.
_BEGUN, _LIMIT = 0, 1


class Answer(NamedTuple):
    """The comments that were asked for, rendered, and of the texts as many as were begun, from the first on."""

    texts: list[Rendered]
    comments: list[str]


class Beside:
    """Renders what it is asked for, one request at a time.

    The last texts of a request can be taken from it while it works on the first. Nothing is locked, since a
    process that is killed would never unlock it; at worst both render the same.
    """

    def __init__(self, *, none_here: bool) -> None:
        """`none_here`: no file of a text is here (wordpress.moved)."""
        self.none_here = none_here
        # Not forked: a fork would have the database, the threads and our end of the pipe too.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._shared = context.RawArray("i", 2)
        self.process = context.Process(target=_serve, args=(theirs, self._shared, none_here), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, texts: list[Text], comments: list[Comment]) -> None:
        """Let it render `texts`, which must need no database, and `comments`."""
        self._shared[:] = [0, len(texts)]
        try:
            self._pipe.send((texts, comments))
        except OSError:
            # It is gone, which is noticed when its answer is missing.
            return

    def take(self, until: int) -> int:
        """How many of the texts before `until`, its limit so far, it leaves to the caller from now on."""
        taken = together(until - self._shared[_BEGUN])
        self._shared[_LIMIT] = until - taken
        return taken

    def hurry(self) -> None:
        """Let it begin nothing more of what it was asked for."""
        self._shared[_LIMIT] = 0

    @property
    def has_answered(self) -> bool:
        return bool(self._pipe.poll())

    def answer(self) -> Answer | None:
        """Wait for the answer. None if nobody answers any more: it was killed, most likely for want of memory."""
        try:
            answer: Answer = self._pipe.recv()
        except (EOFError, OSError):
            return None
        return answer

    def end(self) -> None:
        self._pipe.close()
        self.process.terminate()
        self.process.join()


def together(left: int) -> int:
    """How many of the texts that are `left` to begin next: few at the end, so that neither process waits for long."""
    return max(0, min(_TOGETHER, (left + 1) // 2))


def render_comments(comments: list[Comment]) -> list[str]:
    return [str(comment_html(text, is_html)) for text, is_html in comments]


def _serve(pipe: Any, shared: Any, none_here: bool) -> None:
    """Render what comes until there is nobody any more at the other end."""
    # Ctrl-C reaches all processes of a terminal; the one that imports decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    django.setup()
    # Where models are is only known once there are some.
    from wordpress.moved import known_if_none_is_here

    with known_if_none_is_here(none_here):
        while True:
            try:
                texts, comments = pipe.recv()
            except EOFError:
                return
            rendered_comments = render_comments(comments)
            rendered: list[Rendered] = []
            while some := together(shared[_LIMIT] - len(rendered)):
                shared[_BEGUN] = len(rendered) + some
                rendered += render_all(texts[len(rendered) : len(rendered) + some])
            pipe.send(Answer(rendered, rendered_comments))
