"""Players for the files that are enclosed with a post but not in its text, which podcast plugins showed next to it."""

from html import escape
from typing import Final
from urllib.parse import urlsplit

from django.utils.safestring import SafeString, mark_safe

from blog.models import Enclosure, Post
from blog.rendering import render
from blog.rendering.moved_files import resolve_files
from blog.rendering.urls import file_name
from core.models import SiteSettings
from core.prepared import Prepared

_PLAYED: Final = {"audio", "video"}
_enclosed_with = Prepared[Enclosure](lambda post: Enclosure.objects.filter(post=post))


def enclosed_players(post: Post, site: SiteSettings) -> SafeString:
    """Return players for these files, and links to those on other hosts. Takes no query if no post has an enclosure."""
    if not site.remember(Enclosure.objects.exists, "has enclosures"):
        return SafeString()
    enclosures = {each.url: each for each in _enclosed_with(post.pk)}
    new_urls = resolve_files(enclosures) if enclosures else {}
    missing = [each for url, each in enclosures.items() if not _is_in(post.body_html, url, new_urls.get(url, url))]
    if not missing:
        return SafeString()
    html = render("\n".join(map(_player, missing)), "html", language=post.language).body_html
    return mark_safe(html)  # noqa: S308  # blog.rendering sanitised it


def _is_in(body: str, url: str, new_url: str) -> bool:
    """Return whether a text has a file. It may be at another URL there, such as that of a service that counts plays."""
    name = escape(urlsplit(url).path.rpartition("/")[2])
    return escape(new_url) in body or (f"/{name}" in body and "." in name)


def _player(enclosure: Enclosure) -> str:
    url, kind = escape(enclosure.url), enclosure.media_type.partition("/")[0]
    link = f'<p><a href="{url}">{escape(file_name(enclosure.url))}</a></p>'
    return f'<p><{kind} src="{url}"></{kind}></p>' if kind in _PLAYED else link
