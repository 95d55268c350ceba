"""A small ornament for each person who comments, drawn here: nothing is asked of another site.

It follows from name and e-mail address by a keyed hash: the same person has the same ornament everywhere, somebody who
borrows the name has another, and nobody who sees it can try out addresses. The name is part of it so that it does not
tell who writes under two names.
"""

from collections.abc import Iterator
from itertools import groupby

from django.utils.crypto import salted_hmac
from django.utils.html import format_html
from django.utils.safestring import SafeString

from comments.models import Comment, Kind

# Classes in the style sheet, `avatar-0` and so on.
HUES = 8

# A quarter of the ornament has three cells by three; the other quarters mirror it.
_CELLS = 3
_SIZE = 2 * _CELLS
_EMPTY, _FULL, _INWARD, _OUTWARD = range(4)
_NEUTRAL = "M3 1l2 2-2 2-2-2z"


def avatar(comment: Comment) -> SafeString:
    """The ornament of who wrote `comment`, as SVG of less than 500 bytes. Of another page that links here a plain sign.

    Only for comments that everybody sees: whoever is shown the ornament of an address they typed could try out
    whose it is.
    """
    if comment.kind != Kind.COMMENT:
        return neutral()
    person = f"{comment.email.strip().lower()}\n{comment.author_name.strip().casefold()}"
    digest = salted_hmac("comments.avatars", person, algorithm="sha256").digest()
    bits = int.from_bytes(digest[1:])
    quarter = [[(bits >> 2 * (row * _CELLS + column)) & 3 for column in range(_CELLS)] for row in range(_CELLS)]
    # Its middle is never empty.
    quarter[-1][-1] = _FULL
    return _svg(str(digest[0] % HUES), "".join(_drawn(quarter)))


def neutral() -> SafeString:
    """The sign of nobody in particular."""
    return _svg("nobody", _NEUTRAL)


def _svg(name: str, path: str) -> SafeString:
    words = (
        '<svg class="avatar avatar-{}" viewBox="0 0 6 6" width="40" height="40" aria-hidden="true"><path d="{}"/></svg>'
    )
    return format_html(words, name, path)


def _drawn(quarter: list[list[int]]) -> Iterator[str]:
    """The path of the whole, row by row. Full cells side by side are drawn as one."""
    for y in range(_SIZE):
        down = y < _CELLS
        row = quarter[y if down else _SIZE - 1 - y]
        cells = [*((cell, True) for cell in row), *((cell, False) for cell in reversed(row))]
        x = 0
        for (cell, right), run in groupby(cells, key=lambda each: each if each[0] != _FULL else (_FULL, True)):
            length = len(list(run))
            if cell == _FULL:
                yield f"M{x} {y}h{length}v1H{x}z"
            elif cell != _EMPTY:
                for left in range(x, x + length):
                    yield _triangle(left, y, right == (cell == _INWARD), down == (cell == _INWARD))
            x += length


def _triangle(x: int, y: int, right: bool, down: bool) -> str:
    """Half a cell, its right angle in the corner that the two name."""
    across = x + (1 if right else 0)
    along = y + (1 if down else 0)
    return f"M{across} {along}h{-1 if right else 1}L{across} {along + (-1 if down else 1)}z"
