"""Finding comments by words, for moderators."""

from collections.abc import Callable, Collection, Sequence
from typing import Final

from django.db.models import F, Q, QuerySet

from blog.models import Entry
from comments.models import Comment, CommentStatus
from core.registry import Registry
from core.word_search import has_word

# Longer lists are not useful.
MAX_FOUND: Final = 5_000
# Each returns the IDs of the newest approved comments, up to a limit, with all of these words in their name or text.
comment_searches: Final[Registry[Callable[[Sequence[str], int], Collection[int]]]] = Registry("comment search")


def find(words: Sequence[str], comments: QuerySet[Comment]) -> list[int]:
    """Return the IDs of the newest of `comments` that have all of these words or phrases in one place.

    The places are the comment itself, its e-mail address and the title of its entry. There can be a million approved
    comments, so they are looked up in an index. Only in the others are parts of words found.
    """
    indexed = [pk for search in comment_searches.values() for pk in search(words, MAX_FOUND)]
    hidden = [status for status in CommentStatus if status != CommentStatus.APPROVED]
    found: set[int] = set()
    for condition in (
        Q(pk__in=indexed),
        Q(_all_in(words, "name", "email", "text"), status__in=hidden),
        _all_in(words, "email"),
        Q(entry__in=Entry.objects.filter(_all_in(words, "title"))),
    ):
        # Ordered by the ID itself, SQLite would read all rows, and not just the addresses in their index.
        found.update(comments.filter(condition).order_by(-F("pk")).values_list("pk", flat=True)[:MAX_FOUND])
    return sorted(found)[-MAX_FOUND:]


def _all_in(words: Sequence[str], *columns: str) -> Q:
    return Q.create([has_word(word, *columns) for word in words])
