"""Reading posts and pages with the comments on them. There may be very many of both."""

from collections.abc import Iterator
from itertools import batched, groupby
from operator import attrgetter
from typing import Any, Final

from blog.models.entry_query import EntryQuerySet
from comments.models import Comment, CommentQuerySet

# How many entries are in memory at a time, and how many comments on them. Few, because related rows form reference
# cycles, which stay in memory until the garbage collector runs.
_ENTRIES: Final = 50
_COMMENTS: Final = 500


def with_comments(
    entries: EntryQuerySet, comments: CommentQuerySet, *order: str
) -> Iterator[tuple[Any, Iterator[Comment]]]:
    """Yield each of `entries`, in order of ID, with those of `comments` that are on it, in this order.

    They have to be read before the next entry is.
    """
    # With one query, SQLite would sort all texts in memory.
    for pks in batched(list(entries.order_by("pk").values_list("pk", flat=True)), _ENTRIES):
        found = comments.filter(entry__in=pks).order_by("entry_id", *order)
        groups = groupby(found.iterator(_COMMENTS), attrgetter("entry_id"))
        group = next(groups, None)
        for entry in entries.filter(pk__in=pks).order_by("pk"):
            if group and group[0] == entry.pk:
                yield entry, group[1]
                group = next(groups, None)
            else:
                yield entry, iter(())
