"""What other apps add to the lists of posts and pages in the admin."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest

from core.registry import Registry


@dataclass(frozen=True, slots=True)
class EntryColumn:
    """An additional column, which is left out if it has no cells on a page.

    `cells` returns its content for the entries of one page, by ID, in a fixed number of queries.
    """

    label: Any
    cells: Callable[[HttpRequest, Sequence[Any]], Mapping[int, str]]


entry_columns: Final[Registry[EntryColumn]] = Registry("entry column")
# Each returns the IDs of entries that match a word in something other than their title and URL.
entry_searches: Final[Registry[Callable[[str], QuerySet[Any]]]] = Registry("entry search")
# Each returns the IDs of entries whose texts contain all of these words, some of which may be phrases.
text_searches: Final[Registry[Callable[[Sequence[str]], Collection[int]]]] = Registry("text search")
