"""What an export says about its items, in the form in which this site should show it."""

import datetime as dt
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from django.utils import timezone

from blog.models import Post
from wordpress.importing.analysis import reason_to_skip
from wordpress.verifying.site_client import one_line
from wordpress.wxr.records import REUSABLE_BLOCK, Item
from wordpress.wxr.values import plain_line

_MAX_TITLE_LENGTH: Final = Post._meta.get_field("title").max_length


def is_checked(item: Item) -> bool:
    """Whether there is a URL to check: that of a file, or of a post or page if the export says where it was."""
    return item.type in {"attachment", REUSABLE_BLOCK} or (not reason_to_skip(item) and bool(path_of(item) or item.id))


def shown_title(item: Item) -> str:
    """Return the title as readers see it here; empty if it has none."""
    title = plain_line(item.title)[:_MAX_TITLE_LENGTH]
    return one_line(str(Post(title=title, password=item.password))) if title else ""


def path_of(item: Item) -> str:
    """Return the path of the item on the old site: as exported, otherwise as WordPress makes it. Empty if unknown."""
    try:
        parts = urlsplit(item.link)
    except ValueError:
        return path_by_slug(item)
    path = quote(unquote(parts.path), safe="/")
    if path.strip("/") and (not path.startswith("/") or path.startswith("//")):
        return ""
    if parts.query:
        # A blog without permalinks, perhaps in a folder. The links of drafts have an ID whatever permalinks there are.
        with_id = f"{path or '/'}?{quote(parts.query, safe='=&%')}"
        return with_id if item.status == "publish" else path_by_slug(item) or with_id
    return path if path.strip("/") else path_by_slug(item)


def local_date(item: Item) -> dt.datetime | None:
    """Return the naive date of an item as it is shown here; None if it has none."""
    if item.date or item.published_at is None:
        return item.date
    return timezone.localtime(item.published_at).replace(tzinfo=None)


def path_by_slug(item: Item) -> str:
    """Return the path that an item with this slug has here; empty if that is not known."""
    slug = quote(unquote(item.slug), safe="")
    if not slug or (item.type == "page" and (item.parent or item.custom_type)):
        return ""
    day = local_date(item)
    return f"/{slug}/" if item.type == "page" or day is None else f"/{day:%Y}/{day:%m}/{day:%d}/{slug}/"
