"""Avatars: a small pattern for each commenter, drawn on this site without third-party requests.

The pattern depends on a keyed hash of the name and the e-mail address. The same person has the same one everywhere,
someone else with the same name has a different one, and it cannot be used to guess addresses. The name is part of the
hash so that the pattern does not reveal who comments under two names.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from django.utils.crypto import salted_hmac
from django.utils.html import format_html
from django.utils.safestring import SafeString

from comments.models import Comment, CommentKind

# Classes in the style sheet, `avatar-0` and so on.
HUES = 8

# A quarter of the pattern has 3 × 3 cells. The other quarters mirror it.
_CELLS = 3
_SIZE = 2 * _CELLS
_EMPTY, _FULL, _INWARD, _OUTWARD = range(4)
_SVG = '<svg class="avatar avatar-{}" viewBox="0 0 6 6" width="40" height="40" aria-hidden="true"><path d="{}"/></svg>'


def avatar(comment: Comment) -> SafeString:
    """Return the avatar of the commenter as an SVG of less than 500 bytes. Pingbacks get the neutral one.

    Use it only for public comments: by typing in an address and comparing avatars, people could find out whose it is.
    """
    if comment.kind != CommentKind.COMMENT:
        return neutral()
    person = f"{comment.email.strip().lower()}\n{comment.author_name.strip().casefold()}"
    return _pattern(salted_hmac("comments.avatars", person, algorithm="sha256").digest())


@lru_cache(maxsize=1024)
def _pattern(digest: bytes) -> SafeString:
    bits = int.from_bytes(digest[1:])
    quarter = [[(bits >> 2 * (row * _CELLS + column)) & 3 for column in range(_CELLS)] for row in range(_CELLS)]
    # The centre is never empty.
    quarter[-1][-1] = _FULL
    return format_html(_SVG, digest[0] % HUES, "".join(_paths(quarter)))


def neutral() -> SafeString:
    """Return the avatar that is the same for everyone."""
    return format_html(_SVG, "nobody", "M3 1l2 2-2 2-2-2z")


def _paths(quarter: list[list[int]]) -> Iterator[str]:
    """Yield the paths of the whole pattern, row by row. Adjacent full cells are drawn as one."""
    for y in range(_SIZE):
        down = y < _CELLS
        row = quarter[y if down else _SIZE - 1 - y]
        cells = [*((cell, True) for cell in row), *((cell, False) for cell in reversed(row))]
        x = 0
        for (cell, right), run in groupby(cells, key=lambda cell: cell if cell[0] != _FULL else (_FULL, True)):
            length = len(list(run))
            if cell == _FULL:
                yield f"M{x} {y}h{length}v1h-{length}"
            elif cell != _EMPTY:
                for left in range(x, x + length):
                    yield _triangle(left, y, right == (cell == _INWARD), down == (cell == _INWARD))
            x += length


def _triangle(x: int, y: int, right: bool, down: bool) -> str:
    """Return half a cell with its right angle in the given corner, where the two lines of its path meet."""
    start_x, across = (x, 1) if right else (x + 1, -1)
    start_y, along = (y + 1, -1) if down else (y, 1)
    return f"M{start_x} {start_y}h{across}v{along}"
