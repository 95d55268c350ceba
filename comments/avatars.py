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
_EMPTY, _FULL, _INWARD, _OUTWARD = range(4)
_SVG = '<svg class="avatar avatar-{}" viewBox="-3 0 6 6" width="40" height="40" aria-hidden="true">{}</svg>'
# The left half repeats the path of the right one, so it compresses to a few bytes.
_HALVES = '<path d="{0}"/><path d="{0}" transform="scale(-1 1)"/>'
# The outline of a diamond. Its inner edge is drawn in the other direction, so that it stays empty.
_NEUTRAL = "M0 .6l2.4 2.4-2.4 2.4-2.4-2.4zM0 1.4l-1.6 1.6 1.6 1.6 1.6-1.6z"


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
    return format_html(_SVG, digest[0] % HUES, format_html(_HALVES, "".join(_right_half(quarter))))


def neutral() -> SafeString:
    """Return the avatar that is the same for everyone."""
    return format_html(_SVG, "nobody", format_html('<path d="{}"/>', _NEUTRAL))


def _right_half(quarter: list[list[int]]) -> Iterator[str]:
    """Yield the paths of the right half, row by row. Adjacent full cells are drawn as one."""
    for y, row in enumerate([*quarter, *reversed(quarter)]):
        x, is_upper = 0, y < _CELLS
        for cell, run in groupby(reversed(row)):
            length = len(list(run))
            if cell == _FULL:
                yield f"M{x} {y}h{length}v1H{x}"
            elif cell != _EMPTY:
                is_inward = cell == _INWARD
                for left in range(x, x + length):
                    yield _triangle(left, y, right=not is_inward, down=is_upper == is_inward)
            x += length


def _triangle(x: int, y: int, *, right: bool, down: bool) -> str:
    """Return half a cell with its right angle in the given corner, where the two lines of its path meet."""
    start_x, across = (x, 1) if right else (x + 1, -1)
    start_y, along = (y + 1, -1) if down else (y, 1)
    return f"M{start_x} {start_y}h{across}v{along}"
