"""Likely duplicates among the tags: searched for on demand, and stored until the next search.

The advice about a text before it is published suggests an existing tag in place of a new one.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import Length
from django.utils.translation import ngettext

from blog.editing.advice import Draft
from blog.models import Post
from core.twins import find_twins
from tags.models import FormerName, Tag, TaggedPost, TagTwins
from tags.names import search_key, tag_key

# More than anyone works through before the next search.
MAX_STORED: Final = 5000
_BATCH_SIZE: Final = 1000
# How many new tags of a post are compared, with how many others, and how many of their words count. Each word is an
# alternative in one query, of which SQLite takes fewer than 1,000.
_MAX_NEW: Final = 100
_MAX_CANDIDATES: Final = 5000
_MAX_LETTERS: Final = 5
# How many of them the advice names.
_MAX_NAMED: Final = 5


def search() -> int:
    """Find the twins among all tags and store them in place of earlier ones. Return how many there are.

    Pairs that someone has marked as different stay so.
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
        # Someone may have deleted some of the tags in the meantime.
        present = {tag.pk for tag in Tag.objects.locked(pk for pair in found for pk in (pair.first_id, pair.second_id))}
        found = [pair for pair in found if pair.first_id in present and pair.second_id in present]
        TagTwins.objects.filter(are_different=False).delete()
        TagTwins.objects.bulk_create(found, ignore_conflicts=True, batch_size=_BATCH_SIZE)
    return len(found)


def set_different(first: int, second: int) -> None:
    """Mark two tags as different."""
    TagTwins.objects.filter(first=min(first, second), second=max(first, second)).update(are_different=True)


def stored() -> Any:
    """Return the stored twins, the likeliest first, with both tags."""
    return TagTwins.objects.filter(are_different=False).select_related("first", "second").order_by("-score", "pk")


def twin_condition() -> Q:
    """Match tags that have a twin."""
    pairs = TagTwins.objects.filter(are_different=False)
    return Q(pk__in=pairs.values("first")) | Q(pk__in=pairs.values("second"))


def check_twins(draft: Draft) -> Iterator[str]:
    """Suggest an existing tag in place of a new one that is probably another spelling of it."""
    if not isinstance(draft.entry, Post):
        return
    for name, tag, count in islice(twins_of_new(draft.tags, draft.entry), _MAX_NAMED):
        yield ngettext(
            "“%(name)s” is nearly the same as the tag “%(tag)s” (used %(count)d time). Use that one?",
            "“%(name)s” is nearly the same as the tag “%(tag)s” (used %(count)d times). Use that one?",
            count,
        ) % {"name": name, "tag": tag, "count": count}


def twins_of_new(names: Collection[str], post: Post) -> Iterator[tuple[str, Tag, int]]:
    """Yield those of `names` that no other post has as a tag, each with a used tag that it is a likely twin of.

    The third value is the number of that tag's posts. Two queries if no name is new, and five otherwise.
    """
    keys = {tag_key(name): name for name in names if tag_key(name)}
    of_others = TaggedPost.objects.exclude(content_object=post.pk) if post.pk else TaggedPost.objects.all()
    in_use = set(of_others.filter(tag__key__in=keys).order_by().values_list("tag__key", flat=True).distinct())
    former = set(FormerName.objects.filter(key__in=keys).values_list("key", flat=True))
    new = [name for key, name in keys.items() if key not in in_use | former][:_MAX_NEW]
    if not new:
        return
    candidates = list(_may_be_twins(new).exclude(key__in=keys)[:_MAX_CANDIDATES])
    found: dict[str, Tag] = {}
    for pair in find_twins([*(tag.name for tag in candidates), *new]):
        if pair.first < len(candidates) <= pair.second:
            found.setdefault(new[pair.second - len(candidates)], candidates[pair.first])
    rows = of_others.filter(tag__in=found.values()).order_by().values("tag").annotate(count=Count("*"))
    counts = dict(rows.values_list("tag", "count"))
    of_counted = Q(first__in=counts) | Q(second__in=counts)
    different = set(TagTwins.objects.filter(of_counted, are_different=True).values_list("first__key", "second__key"))
    for name, tag in found.items():
        if tag.pk in counts and not different & {(tag_key(name), tag.key), (tag.key, tag_key(name))}:
            yield name, tag, counts[tag.pk]


def _may_be_twins(names: Iterable[str]) -> Any:
    """Return tags of about the same length, with the first letter of any of the words: these are rarely wrong."""
    condition = Q(pk__in=[])
    for name in names:
        key = search_key(name)
        for letter in sorted({word[0] for word in key.split()})[:_MAX_LETTERS]:
            condition |= Q(search_key__startswith=letter, length__range=(len(key) - 3, len(key) + 3))
    return Tag.objects.annotate(length=Length("search_key")).filter(condition)
