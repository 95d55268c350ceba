"""How many comments readers see on an entry. `comment_count` repeats it, so that a listing need not count."""

from collections.abc import Iterable, Iterator
from itertools import batched

from django.db import transaction
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from blog.models import Page, Post
from comments.models import Comment

type EntryModel = type[Post] | type[Page]
ENTRY_MODELS: dict[str, EntryModel] = {"post": Post, "page": Page}


def recount(entry: Post | Page) -> None:
    """Set `comment_count` of `entry`, here and in the database, to the number of its approved comments.

    Pingbacks and trackbacks count too, as in WordPress.
    """
    entry.comment_count = recount_all(type(entry), [entry.pk]).get(entry.pk, 0)


def recount_all(model: EntryModel, pks: Iterable[int]) -> dict[int, int]:
    """Recount the entries of these keys in one transaction; returns the number of each that exists.

    The entries are locked before their comments are counted: whoever changes a comment at the same time
    counts after us, and sees what we did.
    """
    counts: dict[int, int] = {}
    with transaction.atomic():
        for some in batched(sorted(set(pks)), 1_000):
            entries = model.objects.filter(pk__in=some).order_by("pk")
            stored = dict(entries.select_for_update(no_key=True).values_list("pk", "comment_count"))
            found = _approved_of(model, stored)
            wrong = {pk: found.get(pk, 0) for pk, count in stored.items() if found.get(pk, 0) != count}
            for count in set(wrong.values()):
                those = [pk for pk, right in wrong.items() if right == count]
                # Not save(): nothing else of the entry has changed, its text is not rendered anew.
                model.objects.filter(pk__in=those).update(comment_count=count)
            counts |= stored | wrong
    return counts


def _approved_of(model: EntryModel, pks: Iterable[int]) -> dict[int, int]:
    field = next(field for field, known in ENTRY_MODELS.items() if known is model)
    approved = Comment.objects.approved().filter(**{f"{field}__in": list(pks)}).order_by()
    return dict(approved.values_list(field).annotate(Count("pk")))


def miscounted() -> Iterator[tuple[Post | Page, int]]:
    """The entries whose `comment_count` is wrong, each with the right number."""
    for field, model in ENTRY_MODELS.items():
        approved = Comment.objects.approved().filter(**{field: OuterRef("pk")}).order_by()
        number = Subquery(approved.values(field).annotate(number=Count("pk")).values("number"))
        wrong = model.objects.annotate(right_count=Coalesce(number, 0)).exclude(right_count=F("comment_count"))
        for entry in wrong.only("title", "comment_count").order_by("pk"):
            yield entry, entry.right_count
