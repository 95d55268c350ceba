"""The results of a page as HTML, rendered in Python like listings (blog.listings.listed_posts)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext

from blog.listings.listed_posts import interface_attributes
from blog.models import Entry, Post
from comments.models import Comment
from core.dates import format_day
from core.languages import separator
from core.prepared import Prepared
from core.scripts import language_attribute
from search.excerpts import MAX_SEARCHED, Marker
from search.plain_text import plain_text
from search.queries import Word

_COLUMNS: Final = ("kind", "title", "slug", "published_at", "published_on", "path", "password", "status", "language")
_EXCERPTS: Final = ("excerpt", "auto_excerpt", "body_html")
# Checked again, whatever the index says. An empty password means that there is none.
_public_entries = Prepared[Entry](
    lambda now, ids: Entry.objects.published(now).filter(password="", pk__in=ids).only(*_COLUMNS, *_EXCERPTS)
)


def entry_results(pks: Sequence[int], words: Sequence[Word]) -> list[SafeString]:
    """Return the entries with these IDs, in this order, with `words` marked. Takes two queries."""
    found = {entry.pk: entry for entry in _public_entries(timezone.now(), list(pks))} if pks else {}
    by_language = {language: Marker(words, language) for language in {entry.language for entry in found.values()}}
    markers = {pk: by_language[entry.language] for pk, entry in found.items()}
    tags = _found_tags(markers) if found else {}
    return [_entry_html(found[pk], markers[pk], tags.get(pk, [])) for pk in pks if pk in found]


def comment_results(pks: Sequence[int], words: Sequence[Word]) -> list[SafeString]:
    """Return the comments with these IDs, in this order, with `words` marked. Takes one query."""
    found = Comment.objects.public().with_entries().select_related("user").in_bulk(list(pks))
    return [_comment_html(comment, Marker(words, comment.entry.language)) for pk in pks if (comment := found.get(pk))]


def _found_tags(markers: Mapping[int, Marker]) -> Mapping[int, list[str]]:
    """Return links to the tags of entries that contain search terms, by the entries' IDs."""
    links: defaultdict[int, list[str]] = defaultdict(list)
    for pk, name, url in sorted(Post.tags.names_and_urls(list(markers)), key=lambda row: row[1]):
        if markers[pk].finds(name):
            links[pk].append(
                f'<a href="{escape(url)}" dir="auto"{language_attribute(name)}>{markers[pk].marked(name)}</a>'
            )
    return links


def _entry_html(entry: Entry, marker: Marker, tags: Sequence[str]) -> SafeString:
    date = _time(entry.published_at) if entry.published_on else ""
    passage = marker.excerpt(plain_text(entry.body_html[: 2 * MAX_SEARCHED])) or marker.marked(entry.summary)
    return _html(entry, entry.get_absolute_url(), marker, date, passage, tags)


def _comment_html(comment: Comment, marker: Marker) -> SafeString:
    text = plain_text(comment.html)
    passage = marker.excerpt(text) or escape(Truncator(" ".join(text.split())).words(55))
    date = f"<bdi>{escape(comment.author_name)}</bdi>{separator()}{_time(comment.created_at)}"
    return _html(comment.entry, comment.get_absolute_url(), marker, date, passage)


def _html(entry: Entry, url: str, marker: Marker, date: str, passage: str, tags: Sequence[str] = ()) -> SafeString:
    # Whatever is not part of the entry is in the language of the site.
    of_site = interface_attributes()
    language = f' lang="{escape(entry.language)}"' if entry.language else ""
    direction = entry.direction
    date_line = f'<p class="entry-date" {of_site}>{date}</p>\n' if date else ""
    tag_line = ""
    if tags:
        tag_line = f'<p class="entry-meta tags" {of_site}>{gettext("Tags:")} {separator().join(tags)}</p>\n'
    # Every value is escaped.
    return SafeString(
        f'<article class="entry search-result"{language}{f' dir="{direction}"' if direction else ""}>\n'
        f'<h2 class="entry-title" dir="{direction or "auto"}">'
        f'<a href="{escape(url)}">{marker.marked(str(entry))}</a></h2>\n'
        f"{date_line}"
        f'<p class="entry-body" dir="{direction or "auto"}">{passage}</p>\n'
        f"{tag_line}</article>\n"
    )


def _time(at: Any) -> str:
    day = localtime(at)
    return f'<time datetime="{day.date().isoformat()}">{escape(format_day(day))}</time>'
