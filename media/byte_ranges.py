"""Byte ranges of files, for players that start in the middle. Source: RFC 9110, 14."""

import re
from typing import BinaryIO

from django.http import HttpRequest

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


def requested_range(request: HttpRequest, size: int, last_modified: str) -> range | None:
    """Return the positions of the requested bytes in a file of `size` bytes, or None for the whole file.

    The range is empty if the file has none of these bytes. Requests for several ranges at once, or for a range of an
    older version of the file, get the whole file.
    """
    requested = _RANGE.fullmatch(request.headers.get("Range", ""))
    if request.method != "GET" or requested is None or request.headers.get("If-Range", last_modified) != last_modified:
        return None
    first, last, suffix_length = requested.groups()
    if suffix_length:
        return range(max(0, size - int(suffix_length)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


class FilePart:
    """The bytes of an open file at `positions`, to be read once."""

    def __init__(self, file: BinaryIO, positions: range) -> None:
        file.seek(positions.start)
        self._file = file
        self._left = len(positions)
        self.close = file.close

    def read(self, size: int) -> bytes:
        content = self._file.read(min(size, self._left))
        self._left -= len(content)
        return content
