"""Duplicating a post or page: a new draft with the same content."""

import datetime as dt
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from blog.editing.conversion import convert_to_markdown
from blog.models import Entry, Page, Post
from blog.publishing import lock_stored, save_entry

# What the duplicate has in common with the original. It has no date, no URL and no translations yet, and isn't pinned.
_FIELDS: Final = (
    *("co_authors", "excerpt", "language", "password", "comments_open", "featured_picture_id", "noindex"),
    *("parent_id", "menu_order"),
)
# A second request within this time is the second click of a double click.
_DOUBLE_CLICK: Final = dt.timedelta(seconds=5)


def duplicate(entry: Entry, by: User) -> tuple[Entry, bool]:
    """Return a draft by `by` with the content, the categories and the tags of `entry`, and whether it is new.

    It is in Markdown if that loses nothing. Shortcodes of WordPress can depend on the post that contains them.
    Raises what blog.rendering.render does.
    """
    model: Any = type(entry)
    with transaction.atomic():
        # Locked, so that the second click of a double click finds the duplicate that the first one made.
        original = lock_stored(entry) or entry
        since = timezone.now() - _DOUBLE_CLICK
        source, markup = _in_markdown(original)
        content = {"title": _title(original), "author": by, "source": source, "markup": markup}
        if (made := model._default_manager.filter(**content, created_at__gt=since).first()) is not None:
            return made, False
        copy: Entry = model(**content, **{name: getattr(original, name) for name in _FIELDS})
        if isinstance(copy, Page) and not copy.fits_under(copy.parent):
            copy.parent = None
        is_post = isinstance(original, Post)
        save_entry(
            copy,
            by,
            categories=original.categories.all() if is_post else None,
            tags=[tag.name for tag in original.tags.all()] if is_post else None,
        )
    return copy, True


def _title(original: Entry) -> str:
    limit = original._meta.get_field("title").max_length or 0
    room = limit - len(gettext("%(title)s (copy)") % {"title": ""})
    return gettext("%(title)s (copy)") % {"title": original.title[:room]} if original.title else ""


def _in_markdown(original: Entry) -> tuple[str, str]:
    """Return the source in Markdown, and the name of that markup; the same source if Markdown would lose something."""
    if original.markup != "markdown":
        conversion = convert_to_markdown(original.source, original.markup, original, original.language)
        if conversion.is_lossless:
            return conversion.source, "markdown"
    return original.source, original.markup
