"""Posts that are related to a post, because they have the same rare tags."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from itertools import batched
from typing import Any, Final

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from blog.models import Post
from blog.related import MAX_FOUND
from core.prepared import Parameter, Prepared
from tags.models import TaggedPost

# For each tag, this many posts before this one are considered, and as many from its time on.
NEARBY: Final = 15
# If a post has more tags, only those whose posts are the farthest apart are considered.
_MAX_CONSIDERED: Final = 8
# Of these, only the rarest count: posts that share only common tags are hardly related.
_MAX_TAGS: Final = 5
# A limit for very many posts that were published at the very same time.
_MAX_ROWS: Final = 600
_BEGINNING: Final = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


@Prepared
def tags_with_limits(post: Parameter, time: Parameter, now: Parameter) -> QuerySet[Any, tuple[int, Any, Any]]:
    """Query the tags of a public post, each with the times of the first and last of the NEARBY posts on both sides.

    They are None where there are fewer. They are looked up in the index of the tag, however many posts it has.
    """
    same_tag = TaggedPost.objects.filter(tag=OuterRef("tag"))
    # All of these are public, because the post is. With a second limit, SQLite would read all newer ones.
    before = same_tag.filter(published_at__lt=time).order_by("-published_at")
    after = same_tag.public(now).filter(published_at__gte=time).order_by("published_at")
    first, last = (Subquery(rows.values("published_at")[NEARBY - 1 : NEARBY]) for rows in (before, after))
    rows: Any = TaggedPost.objects.filter(content_object=post).order_by()
    limits: QuerySet[Any, tuple[int, Any, Any]] = rows.values_list("tag", first, last)
    return limits


@Prepared
def posts_between(*limits: Parameter) -> QuerySet[Any, tuple[int, int]]:
    """Query the posts of tags. `limits` are the ID of each tag and the times of its first and last post."""
    condition = Q()
    for tag, first, last in batched(limits, 3):
        condition |= Q(tag=tag, published_at__gte=first, published_at__lte=last)
    rows: Any = TaggedPost.objects.filter(condition).order_by()
    pairs: QuerySet[Any, tuple[int, int]] = rows.values_list("tag", "content_object")
    return pairs[:_MAX_ROWS]


def find_related(post: Post) -> Sequence[tuple[int, float]]:
    """Return the IDs of the posts with the rarest tags in common, each with the sum of the weights of these tags.

    The more posts have a tag, the lower its weight. Of equally close posts, those with the closest IDs come first.
    Takes two queries, or one if the post has no tags.
    """
    now = timezone.now()
    if post.published_at is None:
        return []
    limits = [
        (tag, first or _BEGINNING, last or now)
        for tag, first, last in tags_with_limits(post.pk, post.published_at, now)
    ]
    if not limits:
        return []
    widest = sorted(limits, key=lambda item: item[1] - item[2])[:_MAX_CONSIDERED]
    # Padded to a power of two, so that there are few different statements.
    widest += [widest[-1]] * ((1 << (len(widest) - 1).bit_length()) - len(widest))
    posts_of: defaultdict[int, list[int]] = defaultdict(list)
    for tag, pk in posts_between(*(value for item in widest for value in item)):
        posts_of[tag].append(pk)
    closeness: defaultdict[int, float] = defaultdict(float)
    for found in sorted(posts_of.values(), key=len)[:_MAX_TAGS]:
        for pk in found:
            closeness[pk] += 1 / len(found)
    closeness.pop(post.pk, None)
    return sorted(closeness.items(), key=lambda item: (-item[1], abs(item[0] - post.pk), item[0]))[:MAX_FOUND]
