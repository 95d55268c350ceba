"""The number of comments that readers see on an entry, stored in `comment_count` so that listings need not count."""

from collections.abc import Iterable, Iterator
from itertools import batched

from django.db import transaction
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from blog.models import Entry
from comments.models import Comment
from core.prepared import Prepared


def recount(entry: Entry) -> None:
    """Set `comment_count` of `entry`, in memory and in the database, to the number of its approved comments.

    Pingbacks and trackbacks count too, as in WordPress.
    """
    entry.comment_count = recount_all([entry.pk]).get(entry.pk, 0)


def recount_all(pks: Iterable[int]) -> dict[int, int]:
    """Recount the entries with these IDs in one transaction, and return the count of each that exists.

    The entries are locked before their comments are counted, so concurrent changes count one after the other, and the
    last one sees them all.
    """
    counts: dict[int, int] = {}
    with transaction.atomic(savepoint=False):
        for batch in batched(sorted(set(pks)), 1_000):
            stored = dict(_locked_counts(list(batch)))
            counted = dict(_right_counts(list(stored)))
            wrong = {pk: counted.get(pk, 0) for pk, count in stored.items() if counted.get(pk, 0) != count}
            for count in set(wrong.values()):
                # Not save(): nothing else has changed, and the text need not be rendered again.
                affected = [pk for pk, right in wrong.items() if right == count]
                Entry.objects.filter(pk__in=affected).update(comment_count=count)
            counts |= stored | wrong
    return counts


_locked_counts = Prepared[tuple[int, int]](
    lambda pks: (
        Entry.objects.filter(pk__in=pks)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", "comment_count")
    )
)
_right_counts = Prepared[tuple[int, int]](
    lambda pks: (
        Comment.objects.approved().filter(entry__pk__in=pks).order_by().values_list("entry").annotate(Count("pk"))
    )
)


def miscounted() -> Iterator[tuple[Entry, int]]:
    """Yield the entries whose `comment_count` is wrong, each with the right one."""
    approved = Comment.objects.approved().filter(entry=OuterRef("pk")).order_by()
    count = Subquery(approved.values("entry").annotate(count=Count("pk")).values("count"))
    wrong = Entry.objects.annotate(right_count=Coalesce(count, 0)).exclude(right_count=F("comment_count"))
    for entry in wrong.only("kind", "title", "password", "comment_count").order_by("pk"):
        yield entry, entry.right_count
