"""Likely duplicates among the tags: searched for on demand, and stored until the next search."""

from itertools import batched
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from core.twins import find_twins
from tags.models import Tag, TagTwins

# More than anyone works through before the next search.
MAX_STORED: Final = 5000
_BATCH_SIZE: Final = 1000


def search() -> int:
    """Find the twins among all tags and store them in place of earlier ones. Return how many there are.

    Those that someone has called different stay so.
    """
    with transaction.atomic():
        rows: Any = Tag.objects.with_counts()
        tags = list(rows.order_by("-post_count", "pk").values_list("pk", "name"))
        different = set(TagTwins.objects.filter(are_different=True).values_list("first", "second"))
        found: list[TagTwins] = []
        for twins in find_twins([name for _pk, name in tags]):
            first, second = sorted((tags[twins.first][0], tags[twins.second][0]))
            if (first, second) not in different:
                pair = TagTwins(first_id=first, second_id=second, score=twins.score, reason=twins.likeness.value)
                found.append(pair)
            if len(found) == MAX_STORED:
                break
        # Someone may have deleted some of the tags meanwhile.
        present = {tag.pk for tag in Tag.objects.locked(pk for pair in found for pk in (pair.first_id, pair.second_id))}
        found = [pair for pair in found if pair.first_id in present and pair.second_id in present]
        TagTwins.objects.filter(are_different=False).delete()
        TagTwins.objects.bulk_create(found, ignore_conflicts=True, batch_size=_BATCH_SIZE)
    return len(found)


def set_different(first: int, second: int) -> None:
    """Remember that two tags are not the same."""
    TagTwins.objects.filter(first=min(first, second), second=max(first, second)).update(are_different=True)


def stored() -> Any:
    """Return the stored twins, the likeliest first, with both tags."""
    return TagTwins.objects.filter(are_different=False).select_related("first", "second").order_by("-score", "pk")


def twin_condition() -> Q:
    """Match tags that have a twin."""
    pairs = TagTwins.objects.filter(are_different=False)
    return Q(pk__in=pairs.values("first")) | Q(pk__in=pairs.values("second"))


def counts(pairs: list[TagTwins]) -> dict[int, int]:
    """Return the number of posts of each tag in `pairs`."""
    ids = {pk for pair in pairs for pk in (pair.first_id, pair.second_id)}
    found: dict[int, int] = {}
    for some in batched(ids, _BATCH_SIZE, strict=False):
        rows: Any = Tag.objects.with_counts().filter(pk__in=some)
        found.update(rows.values_list("pk", "post_count"))
    return found
