"""The posts that the page of each category lists: those filed under it or under one of its descendants."""

from collections.abc import Collection, Iterable
from itertools import batched
from typing import Any, ClassVar, Final, Self

from django.db import connections, models, router, transaction
from django.utils import timezone

from core.internal_rows import InternalRow
from core.prepared import Parameter

_BATCH_SIZE: Final = 500
# UNION leaves out duplicates, so that a post has one row for each category even if it is filed under several of its
# descendants.
_LISTED: Final = """
    WITH RECURSIVE listed (category_id, post_id, published_at) AS (
        SELECT filed.category_id, entry.id, entry.published_at
        FROM blog_entry entry
        JOIN blog_entry_categories filed ON filed.entry_id = entry.id
        WHERE entry.kind = 'post' AND entry.status = 'published' AND entry.id IN ({ids})
        UNION
        SELECT category.parent_id, listed.post_id, listed.published_at
        FROM listed
        JOIN blog_category category ON category.id = listed.category_id
        WHERE category.parent_id IS NOT NULL
    )
"""
_INSERT: Final = f"""
    INSERT INTO blog_postincategory (category_id, post_id, published_at)
    {_LISTED} SELECT category_id, post_id, published_at FROM listed WHERE true
    ON CONFLICT DO NOTHING
"""  # noqa: S608  # our own tables
# The rows that should exist (1), and those that do (0).
_COMPARE: Final = f"""
    {_LISTED} SELECT 1, category_id, post_id, published_at FROM listed
    UNION ALL SELECT 0, category_id, post_id, published_at FROM blog_postincategory WHERE post_id IN ({{ids}})
"""  # noqa: S608  # as above


class PostInCategoryQuerySet(models.QuerySet["PostInCategory"]):
    def public(self, now: Parameter | None = None) -> Self:
        """Return the rows of posts that readers can see now. Prepared queries take the time as a parameter."""
        return self.filter(published_at__lte=now or timezone.now())

    def newest_first(self) -> Self:
        return self.order_by("-published_at", "-post_id")

    def lock_posts(self, ids: Iterable[int]) -> None:
        """Lock the posts with these IDs until the transaction ends. Others that update their rows wait for it."""
        if not connections[router.db_for_write(PostInCategory)].features.has_select_for_update:
            # SQLite has one writer at a time.
            return
        posts: Any = PostInCategory._meta.get_field("post").related_model
        for some in batched(sorted(ids), _BATCH_SIZE):
            locked = posts._base_manager.select_for_update(no_key=True).filter(pk__in=some).order_by("pk")
            list(locked.values_list("pk", flat=True))

    def update_posts(self, ids: Collection[int]) -> None:
        """Bring the rows of the posts with these IDs up to date, in the current transaction.

        The posts are locked first, because another transaction may be changing them as well, for example their status
        while this one changes their categories. The later transaction sees the changes of both.
        """
        using = router.db_for_write(PostInCategory)
        with transaction.atomic(using, savepoint=False):
            self.lock_posts(ids)
            for some in batched(ids, _BATCH_SIZE):
                with connections[using].cursor() as cursor:
                    cursor.execute(_COMPARE.format(ids=_placeholders(some)), [*some, *some])
                    rows = cursor.fetchall()
                    listed = {row[1:] for row in rows if row[0]}
                    stored = {row[1:] for row in rows if not row[0]}
                    if outdated := sorted({post for _category, post, _time in listed ^ stored}):
                        if stored - listed:
                            self.filter(post__in=outdated).delete()
                        cursor.execute(_INSERT.format(ids=_placeholders(outdated)), outdated)


def _placeholders(values: Collection[int]) -> str:
    return ", ".join(["%s"] * len(values))


class PostInCategory(InternalRow):
    """A published post in the listing of a category, with its publication time, which may be in the future.

    Category pages are read from one index of this table, so the first and the last page of any category cost the same,
    however many posts there are. It is derived from posts, their categories and the tree of categories. The change
    handler `update_posts` keeps it up to date, and so does `Category.save` if the parent has changed.
    """

    # Read by `core.admin`.
    is_derived: ClassVar = True

    # These need no indexes of their own, because the index and the constraint begin with them.
    category = models.ForeignKey("blog.Category", on_delete=models.CASCADE, related_name="+", db_index=False)
    post = models.ForeignKey("blog.Post", on_delete=models.CASCADE, related_name="+", db_index=False)
    published_at = models.DateTimeField()

    objects = PostInCategoryQuerySet.as_manager()

    class Meta(InternalRow.Meta):
        constraints = [models.UniqueConstraint(fields=["post", "category"], name="post_in_category_once")]
        indexes = [models.Index(fields=["category", "-published_at", "-post"], name="category_newest_first")]
