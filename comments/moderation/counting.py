"""The number of comments that readers see on an entry, stored in `comment_count` so that listings need not count."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from typing import Final

from django.db import connection, transaction
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from blog.models import Entry
from comments.models import Comment
from core.changes import content_changed
from core.prepared import Prepared


def recount(entry: Entry) -> None:
    """Set `comment_count` of `entry`, which is locked, to the number of its approved comments, also in the database.

    Pingbacks and trackbacks count too, as in WordPress.
    """
    entry.comment_count = _store([entry.pk]).get(entry.pk, entry.comment_count)


def recount_all(pks: Iterable[int]) -> None:
    """Recount the entries with these IDs in one transaction.

    The entries are locked before their comments are counted, so concurrent changes count one after the other, and the
    last one sees them all.
    """
    with transaction.atomic(savepoint=False):
        for batch in batched(sorted(set(pks)), 1_000):
            _lock(list(batch))
            _store(batch)


_lock = Prepared[tuple[int]](
    lambda pks: Entry.objects.filter(pk__in=pks).order_by("pk").select_for_update(no_key=True).values_list("pk")
)
_COUNT: Final = "(SELECT COUNT(*) FROM comments_comment AS c WHERE entry_id = blog_entry.id AND c.status = 'approved')"


def _store(pks: Sequence[int]) -> dict[int, int]:
    """Store how many comments the locked entries with these IDs have, and return the counts that were wrong."""
    # Not save(): nothing else has changed, and the text need not be rendered again.
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE blog_entry SET comment_count = {_COUNT}
            WHERE id IN ({", ".join(["%s"] * len(pks))}) AND comment_count <> {_COUNT}
            RETURNING id, comment_count""",  # noqa: S608  # only placeholders and a constant are inserted
            pks,
        )
        changed: dict[int, int] = dict(cursor.fetchall())
    if changed:
        content_changed(only_comments=True)
    return changed


def miscounted() -> Iterator[tuple[Entry, int]]:
    """Yield the entries whose `comment_count` is wrong, each with the right one."""
    approved = Comment.objects.approved().filter(entry=OuterRef("pk")).order_by()
    count = Subquery(approved.values("entry").annotate(count=Count("*")).values("count"))
    wrong = Entry.objects.annotate(right_count=Coalesce(count, 0)).exclude(right_count=F("comment_count"))
    for entry in wrong.only("kind", "title", "password", "comment_count").order_by("pk"):
        yield entry, entry.right_count
