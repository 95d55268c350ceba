"""Slugs of what is in WordPress's trash, or was there: `__trashed` stands behind them (blog.entries).

Where a slug would be too long with it WordPress cuts it, but it keeps the whole one in a meta field and gives that back
when the text leaves the trash. A draft that had no slug yet it sends out of the trash with `__trashed` for a slug.
Source: wp_add_trashed_suffix_to_post_name_for_post and wp_insert_post.
"""

from typing import Final

from accounts.slugs import slug_from_export
from blog.entries import slug_out_of_trash
from wordpress.plain import MAX_SLUG_LENGTH
from wordpress.records import Item
from wordpress.wxr import percent_encoded

DESIRED_SLUG_KEY: Final = "_wp_desired_post_slug"
# Nobody has seen these at an address.
_UNSEEN: Final = {"draft", "pending"}


def with_slug_of_its_own(item: Item) -> Item:
    """`item` with the whole slug that it had before the trash. What is published keeps its address, whatever it is."""
    before = slug_out_of_trash(item.slug)
    if before == item.slug or item.status not in {"trash", *_UNSEEN}:
        return item
    ending = item.slug[len(before) :] if item.status == "trash" else ""
    before = dict(item.meta).get(DESIRED_SLUG_KEY, "").strip() or before
    fits = len(slug_from_export(before) + ending) <= MAX_SLUG_LENGTH
    return item._replace(slug=before + ending) if fits else item


def as_wordpress_has_it(slug: str) -> tuple[str, str]:
    """A slug of something in the trash as an export says it, and the whole one that it had before; empty if none."""
    before = slug_out_of_trash(slug)
    if before == slug:
        return percent_encoded(slug), ""
    ending, cut = slug[len(before) :], before
    while len(percent_encoded(cut + ending)) > MAX_SLUG_LENGTH:
        cut = cut[:-1]
    return percent_encoded(cut + ending), percent_encoded(before)
