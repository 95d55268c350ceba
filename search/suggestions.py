"""Suggestions while a reader types: posts, pages and tags."""

from typing import Final

from django.db.models import Exists, OuterRef

from blog.models import Entry
from core.models import SiteSettings
from search.finding import find_entries
from search.queries import parse
from tags.models import Tag, TaggedPost
from tags.names import search_key

_MAX_ENTRIES: Final = 5
_MAX_TAGS: Final = 3
# How many tags that begin with the text are examined, in the order of their names.
_MAX_LOOKED_AT: Final = 50
# Sorts after every letter.
_LAST: Final = "\U0010ffff"


def suggest(typed: str, site: SiteSettings) -> list[dict[str, str]]:
    """Return the `title` and `url` of each suggestion, and its `kind` if it is a tag. Takes four queries."""
    query = parse(typed)
    if not query.words:
        return []
    # Entries with only some of the words would be off topic.
    found = [] if (hits := find_entries(query, site, limit=_MAX_ENTRIES)).any_word else hits.pks
    columns = ("kind", "title", "slug", "published_at", "published_on", "path", "password", "status", "language")
    public = Entry.objects.published().filter(password="").only(*columns).in_bulk(found)  # has no password
    entries = [
        {"title": str(entry), "url": entry.get_absolute_url()} for pk in found if (entry := public.get(pk)) is not None
    ]
    return entries + [{"title": tag.name, "url": tag.get_absolute_url(), "kind": "tag"} for tag in _tags(query.text)]


def _tags(text: str) -> list[Tag]:
    """Return tags with public posts whose names begin with `text`."""
    key = search_key(text)
    alike = Tag.objects.filter(search_key__gte=key, search_key__lt=key + _LAST).order_by("search_key")[:_MAX_LOOKED_AT]
    is_used = Exists(TaggedPost.objects.public().filter(tag=OuterRef("pk")))
    return list(Tag.objects.filter(is_used, pk__in=alike.values("pk")).order_by("search_key", "pk")[:_MAX_TAGS])
