"""Likely duplicates among the categories. There are few categories, so twins are found each time the page is opened."""

from typing import Any, Final, NamedTuple

from django.db.models import Count, Q

from blog.models import Category, CategoryTwins
from core.twins import Likeness, find_twins

# More than anyone would work through at once.
MAX_FOUND: Final = 200


class Pair(NamedTuple):
    """Two categories, of which the first has more posts, and how they are alike."""

    first: Any
    second: Any
    likeness: Likeness


def find() -> list[Pair]:
    """Return pairs of likely twins, the most likely first, without those that someone has marked as different.

    The categories are annotated with their `post_count`.
    """
    categories = list(Category.objects.annotate(post_count=Count("posts")).order_by("-post_count", "pk"))
    different = set(CategoryTwins.objects.values_list("first", "second"))
    found = []
    for twins in find_twins([category.name for category in categories]):
        pair = Pair(categories[twins.first], categories[twins.second], twins.likeness)
        if tuple(sorted((pair.first.pk, pair.second.pk))) not in different:
            found.append(pair)
    return found[:MAX_FOUND]


def set_different(first: int, second: int) -> None:
    """Record that two categories are not the same. Does nothing if one of them no longer exists."""
    if Category.objects.filter(Q(pk=first) | Q(pk=second)).count() == 2:
        pair = CategoryTwins(first_id=min(first, second), second_id=max(first, second))
        CategoryTwins.objects.bulk_create([pair], ignore_conflicts=True)
