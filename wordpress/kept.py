"""What an import keeps on the disk while it runs, so that memory holds little of a large export.

An export is read as XML once. What must be known of all items before the first is written takes little memory
(wordpress.survey); the items themselves wait here.
"""

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from wordpress.mending import ExportRefused
from wordpress.records import Item

# Items are kept together: so many, or so many characters of text, whichever comes first.
_TOGETHER: Final = 100
_CHARACTERS: Final = 500_000


@contextmanager
def keeping() -> Iterator["Kept"]:
    """A file without a name, which is gone at the end."""
    # Not where the system has its temporary files: that may be memory.
    with tempfile.TemporaryFile(dir=settings.BROADSIDE_IMPORTS_DIR) as file:
        yield Kept(file)


class Kept:
    """Values in a file that nobody else reads or writes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = 0

    def put(self, value: object) -> int:
        """Keep `value`; says where. Raises ExportRefused if there is no room on the disk."""
        place = self._end
        try:
            self._file.seek(place)
            pickle.dump(value, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        except OSError as error:
            with suppress(OSError):
                # What could not be written once would be tried again at the end.
                self._file.close()
            text = _("An import needs as much room on the disk as the export has, and there is not so much: %s.")
            raise ExportRefused(text % (error.strerror or error)) from error
        self._end = self._file.tell()
        return place

    def get(self, place: int) -> Any:
        """The value that is kept at `place`."""
        self._file.seek(place)
        return pickle.load(self._file)  # noqa: S301  # nobody else can have written it


class KeptItems:
    """First takes items, one after the other; then gives them back in that order, as often as wanted."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._places: list[int] = []
        self._together: list[Item] = []
        self._characters = 0

    def add(self, item: Item) -> None:
        self._together.append(item)
        self._characters += len(item.content)
        if len(self._together) >= _TOGETHER or self._characters > _CHARACTERS:
            self._put()

    def __iter__(self) -> Iterator[Item]:
        if self._together:
            self._put()
        for place in self._places:
            yield from self._kept.get(place)

    def _put(self) -> None:
        self._places.append(self._kept.put(self._together))
        self._together, self._characters = [], 0
