"""Players for files that are enclosed with an entry but not in its text, which podcast plugins showed next to it."""

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from django.utils.safestring import SafeString, mark_safe

from blog.models import Enclosure, Entry
from blog.rendering import render
from blog.rendering.moved_files import resolve_files
from blog.rendering.urls import file_name
from core.models import SiteSettings
from core.prepared import Prepared

_PLAYED: Final = {"audio", "video"}
_enclosed_with = Prepared[Enclosure](lambda entry: Enclosure.objects.filter(post=entry))


class _Player(NamedTuple):
    """A player, or a link to a file on another host, with the URLs at which a text may have the file."""

    html: str
    url: str
    new_url: str


def enclosed_players(entry: Entry, site: SiteSettings) -> SafeString:
    """Return players for these files, and links to those on other hosts. Takes no query if nothing has an enclosure.

    They are made once after each change, because only the text may be unsaved.
    """
    if not site.remember(Enclosure.objects.exists, "has enclosures"):
        return SafeString()
    players = site.remember(lambda: _players(entry), "enclosed players", entry.pk, entry.language)
    htmls = [player.html for player in players if not _is_in(entry.body_html, player)]
    return mark_safe("\n".join(htmls))  # noqa: S308  # blog.rendering sanitised each


def _players(entry: Entry) -> Sequence[_Player]:
    enclosures = {each.url: each for each in _enclosed_with(entry.pk)}
    new_urls = resolve_files(enclosures) if enclosures else {}
    return [
        _Player(render(_source(each), "html", language=entry.language).body_html, url, new_urls.get(url, url))
        for url, each in enclosures.items()
    ]


def _is_in(body: str, player: _Player) -> bool:
    """Return whether a text has a file. It may be at another URL there, such as that of a service that counts plays."""
    name = escape(urlsplit(player.url).path.rpartition("/")[2])
    return escape(player.new_url) in body or (f"/{name}" in body and "." in name)


def _source(enclosure: Enclosure) -> str:
    url, kind = escape(enclosure.url), enclosure.media_type.partition("/")[0]
    link = f'<p><a href="{url}">{escape(file_name(enclosure.url))}</a></p>'
    return f'<p><{kind} src="{url}"></{kind}></p>' if kind in _PLAYED else link
