"""Slugs of posts that are or were in the trash of WordPress, which appends `__trashed` to them.

If the result would be too long, WordPress truncates the slug and stores the whole slug in a meta field until the post
leaves the trash. A draft without a slug keeps `__trashed` when it leaves the trash.
Source: wp_add_trashed_suffix_to_post_name_for_post and wp_insert_post.
"""

from typing import Final

from core.slugs import slug_before_trash, slug_from_export
from wordpress.wxr.elements import percent_encoded
from wordpress.wxr.records import Item
from wordpress.wxr.values import MAX_SLUG_LENGTH

DESIRED_SLUG_KEY: Final = "_wp_desired_post_slug"
# Posts with these statuses have never had a public URL.
_UNPUBLISHED: Final = {"draft", "pending"}


def with_slug_before_trash(item: Item) -> Item:
    """Return `item` with the whole slug from before the trash. Published items keep their slug and thus their URL."""
    before = slug_before_trash(item.slug)
    if before == item.slug or item.status not in {"trash", *_UNPUBLISHED}:
        return item
    suffix = item.slug[len(before) :] if item.status == "trash" else ""
    before = dict(item.meta).get(DESIRED_SLUG_KEY, "").strip() or before
    fits = len(slug_from_export(before) + suffix) <= MAX_SLUG_LENGTH
    return item._replace(slug=before + suffix) if fits else item


def exported_slug(slug: str) -> tuple[str, str]:
    """Return `slug` as WordPress exports it, and the whole slug from before the trash (empty if it is not trashed)."""
    before = slug_before_trash(slug)
    if before == slug:
        return percent_encoded(slug), ""
    suffix, truncated = slug[len(before) :], before
    while len(percent_encoded(truncated + suffix)) > MAX_SLUG_LENGTH:
        truncated = truncated[:-1]
    return percent_encoded(truncated + suffix), percent_encoded(before)
