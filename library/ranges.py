"""A part of a file, for players that begin in the middle. Source: RFC 9110, 14."""

import re
from typing import BinaryIO

from django.http import HttpRequest

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


def range_asked(request: HttpRequest, size: int, last_modified: str) -> range | None:
    """The bytes that are asked for of a file of `size`, by their places: empty if it has none of them; None for all.

    Who asks for several parts at once, or for one of what the file was before, gets all.
    """
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if request.method != "GET" or asked is None or request.headers.get("If-Range", last_modified) != last_modified:
        return None
    first, last, at_the_end = asked.groups()
    if at_the_end:
        return range(max(0, size - int(at_the_end)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


class Part:
    """Those bytes of an open file, to be read once. Closing it closes the file."""

    def __init__(self, file: BinaryIO, places: range) -> None:
        file.seek(places.start)
        self._file = file
        self._left = len(places)

    def read(self, size: int) -> bytes:
        some = self._file.read(min(size, self._left))
        self._left -= len(some)
        return some

    def close(self) -> None:
        self._file.close()
