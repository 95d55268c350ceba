"""Reading the comments on many posts and pages, of which one may have very many."""

from collections.abc import Iterable, Iterator
from itertools import batched, groupby
from operator import attrgetter
from typing import Any, Final

from comments.models import Comment, CommentQuerySet

# How many entries, whose comments are read with one query, and how many of these comments are in memory at a time.
_ENTRIES: Final = 50
_COMMENTS: Final = 500


def with_comments(
    entries: Iterable[Any], comments: CommentQuerySet, *order: str
) -> Iterator[tuple[Any, Iterator[Comment]]]:
    """Yield each of `entries`, which are in order of ID, with those of `comments` that are on it, in this order.

    They have to be read before the next entry is.
    """
    for some in batched(entries, _ENTRIES):
        found = comments.filter(entry__in=some).order_by("entry_id", *order)
        groups = groupby(found.iterator(_COMMENTS), attrgetter("entry_id"))
        group = next(groups, None)
        for entry in some:
            if group and group[0] == entry.pk:
                yield entry, group[1]
                group = next(groups, None)
            else:
                yield entry, iter(())
