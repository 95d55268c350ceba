"""The values that this site is expected to show for an export's items."""

import datetime as dt
import re
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from blog.models import Category, Post
from core.languages import SHIPPED, override_language
from tags.models import Tag
from wordpress.importing.analysis import reason_to_skip
from wordpress.importing.entry_builder import plain_title
from wordpress.verifying.site_client import one_line
from wordpress.wxr.records import CATEGORY, REUSABLE_BLOCK, Item
from wordpress.wxr.values import id_in_url

# The archive of a year, month or day. WordPress shows it even if a post has this permalink.
_ARCHIVE: Final = re.compile(r"/[0-9]{4}/?(?:[0-9]{2}/?){0,2}")


def is_checked(item: Item) -> bool:
    """Return whether there is a URL to check: of a file, or of a post or page if the export gives its URL or ID."""
    return item.type in {"attachment", REUSABLE_BLOCK} or (not reason_to_skip(item) and bool(path_of(item) or item.id))


def shown_titles(item: Item) -> tuple[str, ...]:
    """Return the titles of which readers should see one here; empty if the item has none.

    That of a protected entry depends on its language, which may have been guessed.
    """
    title = plain_title(item.title)
    titles: dict[str, None] = {}
    for language in (settings.LANGUAGE_CODE, *(SHIPPED if item.password else ())):
        with override_language(language):
            titles[one_line(str(Post(title=title, password=item.password)))] = None
    return tuple(titles) if title else ()


def path_of(item: Item) -> str:
    """Return the exported path of the item on the old site, or else the one made from its slug; empty if unknown."""
    try:
        parts = urlsplit(item.link)
    except ValueError:
        return path_by_slug(item)
    path = quote(unquote(parts.path), safe="/")
    if path.strip("/") and (not path.startswith("/") or path.startswith("//")):
        return ""
    if parts.query and id_in_url(item.link) not in {0, item.id}:
        # Only an export edited by hand gives the ID of another item.
        return path_by_slug(item)
    if parts.query:
        # The blog has no permalinks and may be in a folder, or this is a draft, whose link always has an ID.
        with_id = f"{path or '/'}?{quote(parts.query, safe='=&%')}"
        return with_id if item.status == "publish" else path_by_slug(item) or with_id
    return path if path.strip("/") and not _ARCHIVE.fullmatch(path) else path_by_slug(item)


def local_date(item: Item) -> dt.datetime | None:
    """Return the naive date that should be shown for an item here; None if it has none."""
    if item.date or item.published_at is None:
        return item.date
    return timezone.localtime(item.published_at).replace(tzinfo=None)


def path_by_slug(item: Item) -> str:
    """Return the path here of an item with this slug; empty if it is unknown."""
    slug = quote(unquote(item.slug), safe="")
    if not slug or (item.type == "page" and (item.parent or item.custom_type)):
        return ""
    day = local_date(item)
    return f"/{slug}/" if item.type == "page" or day is None else f"/{day:%Y}/{day:%m}/{day:%d}/{slug}/"


def is_known(taxonomy: str, slug: str) -> bool:
    """Return whether the term with this slug is one that readers may know, or is not here at all."""
    terms: Any = Tag.objects.filter(Q(slug=slug) | Q(aliases__slug=slug))
    if taxonomy == CATEGORY:
        terms = Category.objects.filter(slug=slug)
    return bool(terms.known().exists() or not terms.exists())
