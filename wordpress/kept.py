"""The items of an export between the first look at them and the second.

An export is read as XML once. What must be known of all items before the first is written takes little memory
(wordpress.survey); the items themselves wait in a file that has no name and ends with this process.
"""

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final

from django.conf import settings
from django.utils.translation import gettext as _

from wordpress.mending import ExportRefused
from wordpress.records import Item

# Items are written together: so many, or so many characters of text, whichever comes first.
_TOGETHER: Final = 100
_CHARACTERS: Final = 500_000


@contextmanager
def kept_items() -> Iterator["KeptItems"]:
    """A place for items, which is gone at the end."""
    # Not where the system has its temporary files: that may be memory.
    with tempfile.TemporaryFile(dir=settings.BROADSIDE_IMPORTS_DIR) as file:
        yield KeptItems(file)


class KeptItems:
    """First takes items, one after the other; then gives them back in that order, as often as wanted.

    `add`, and the first look at them, raise ExportRefused if there is no room on the disk.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._written = 0
        self._together: list[Item] = []
        self._characters = 0

    def add(self, item: Item) -> None:
        self._together.append(item)
        self._characters += len(item.content)
        if len(self._together) >= _TOGETHER or self._characters > _CHARACTERS:
            self._write()

    def __iter__(self) -> Iterator[Item]:
        self._write()
        self._file.seek(0)
        for _some in range(self._written):
            yield from pickle.load(self._file)  # noqa: S301  # nobody else can have written it

    def _write(self) -> None:
        if not self._together:
            return
        try:
            pickle.dump(self._together, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        except OSError as error:
            with suppress(OSError):
                # What could not be written once would be tried again at the end.
                self._file.close()
            text = _("An import needs as much room on the disk as the export has, and there is not so much: %s.")
            raise ExportRefused(text % (error.strerror or error)) from error
        self._written += 1
        self._together, self._characters = [], 0
