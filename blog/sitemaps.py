"""Sitemaps of posts, pages, categories and overviews.

Source: https://www.sitemaps.org/protocol.html, with Google's extensions.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection
from copy import copy
from functools import wraps
from operator import attrgetter
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap
from django.db.models import Max, OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext

from blog.appearance.looks import look_of
from blog.models import Category, Entry, Page, Post, PostInCategory
from blog.overviews import ARCHIVE, AUTHORS, has_archive, has_authors, overview_url
from blog.page_metadata.structured_data import changed_at
from core.languages import alternates
from core.models import SiteSettings
from core.site import absolute_url
from media.models import Picture

# The columns of entries that sitemaps need.
_SHOWN: Final = (
    *("kind", "published_at", "text_changed_at", "password", "language", "translation_group", "featured_picture"),
)
# Posts count as news for this long. Source: Google, "Create a news sitemap".
_NEWS: Final = dt.timedelta(days=2)
_MAX_NEWS: Final = 1000


def at_site_url(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Make one of Django's views for sitemaps use the host and port of SITE_URL, whatever host the request names."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        own = copy(request)
        own.get_host = lambda: urlsplit(settings.SITE_URL).netloc  # type: ignore[method-assign]  # where Django looks
        return view(own, *args, **kwargs)

    return wrapper


class SiteUrlSitemap(Sitemap[Any]):
    """A sitemap whose URLs have the scheme of SITE_URL."""

    limit = 2000

    @property
    def protocol(self) -> str:  # type: ignore[override]  # an attribute of Django's class
        return str(urlsplit(settings.SITE_URL).scheme)


class _EntrySitemap(SiteUrlSitemap):
    """A sitemap of entries with their pictures and translations. Each of its pages takes five queries."""

    lastmod = staticmethod(changed_at)

    def get_latest_lastmod(self) -> dt.datetime | None:
        """Return the same as Django's method, without reading all rows."""
        return _newest(self.items(), "published_at", "text_changed_at")

    def get_urls(self, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        urls: list[dict[str, Any]] = super().get_urls(*args, **kwargs)
        entries = [url["item"] for url in urls]
        pictures = _pictures_of([entry for entry in entries if not entry.is_locked])
        translations = _translations_of(entries)
        for url in urls:
            url["pictures"] = pictures[url["item"].pk]
            url["alternates"] = translations[url["item"].translation_group]
        return urls


class PostSitemap(_EntrySitemap):
    def items(self) -> Any:
        return _shown(Post.objects.published().newest_first()).only(*_SHOWN, "slug", "published_on")


class PageSitemap(_EntrySitemap):
    def items(self) -> Any:
        return _shown(Page.objects.published().order_by("path")).only(*_SHOWN, "path")

    def location(self, item: Any) -> str:
        is_home = item == look_of(SiteSettings.remembered()).home
        return reverse("blog:front") if is_home else super().location(item)


class TermSitemap(SiteUrlSitemap):
    """A sitemap of terms, which are annotated with the time of their `newest` post."""

    lastmod = attrgetter("newest")

    def get_latest_lastmod(self) -> dt.datetime | None:
        """Return the same as Django's method, without reading all rows."""
        return _newest(self.items(), "newest")


class CategorySitemap(TermSitemap):
    def items(self) -> Any:
        # With those of its subcategories, which its page lists as well.
        newest = PostInCategory.objects.public().filter(category=OuterRef("pk")).newest_first().values("published_at")
        return Category.objects.annotate(newest=Subquery(newest[:1])).filter(newest__isnull=False).order_by("path")


class OverviewSitemap(SiteUrlSitemap):
    """The overviews of all posts and authors."""

    def items(self) -> list[str]:
        has_pages = Post.objects.published().order_by().annotate(has_archive=has_archive(), has_authors=has_authors())
        (found,) = has_pages.values_list("has_archive", "has_authors")[:1] or [(False, False)]
        return [path for path, exists in zip((ARCHIVE, AUTHORS), found, strict=True) if exists]

    def location(self, item: str) -> str:
        return overview_url(item)


class NewsSitemap(SiteUrlSitemap):
    """The posts of the last two days, for news search engines."""

    limit = _MAX_NEWS

    def items(self) -> Any:
        # Posts without a password only.
        newest = _shown(Post.objects.published().filter(password="", published_at__gt=timezone.now() - _NEWS))
        return newest.newest_first().only("title", "slug", "published_at", "published_on", "language", "password")

    def get_urls(self, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        urls: list[dict[str, Any]] = super().get_urls(*args, **kwargs)
        for url in urls:
            url["language"] = _news_language(url["item"].language or get_language())
        return urls


def news(request: HttpRequest) -> HttpResponse:
    """Show the news sitemap, if this site has one (settings.BROADSIDE_NEWS_SITEMAP)."""
    if not settings.BROADSIDE_NEWS_SITEMAP:
        raise Http404(gettext("This site has no sitemap of news."))
    return sitemap(request, {"news": NewsSitemap}, template_name="blog/news_sitemap.xml")


def _newest(items: Any, *columns: str) -> dt.datetime | None:
    """Return the latest time in these columns, or None if there is none. Takes one query."""
    times = items.order_by().aggregate(**{f"newest_{column}": Max(column) for column in columns}).values()
    return max(filter(None, times), default=None)


def _shown(entries: Any) -> Any:
    """Return the entries that search engines may show."""
    return entries.filter(noindex=False)


def _pictures_of(entries: Collection[Entry]) -> defaultdict[int, list[str]]:
    """Return the URLs of each entry's pictures by its ID, the featured image first. Takes two queries."""
    shown = [(entry.pk, entry.featured_picture_id) for entry in entries if entry.featured_picture_id]
    in_texts = Entry.pictures.through._default_manager.filter(entry__in=[entry.pk for entry in entries])
    shown += in_texts.order_by("entry", "picture").values_list("entry", "picture")
    rows = Picture.objects.select_related("merged_into").order_by()
    # Django's ImageField reads the dimensions when a picture is loaded, so they must not be deferred.
    shown_fields = ("file", "width", "height", "deleted_at")
    fields = (*shown_fields, *(f"merged_into__{name}" for name in shown_fields))
    pictures = rows.only(*fields).in_bulk({picture for _entry, picture in shown})
    urls: defaultdict[int, list[str]] = defaultdict(list)
    for entry, pk in shown:
        picture = pictures[pk].shown
        url = absolute_url(picture.file.url) if picture else ""
        if url and url not in urls[entry]:
            urls[entry].append(url)
    return urls


def _translations_of(entries: Collection[Entry]) -> defaultdict[Any, list[dict[str, str]]]:
    """Return the languages and URLs of each group of translations, as Django's sitemaps do. Takes one query."""
    groups = {entry.translation_group for entry in entries if entry.translation_group and entry.language}
    urls: defaultdict[Any, dict[str, str]] = defaultdict(dict)
    linked = _shown(Entry.objects.published().filter(translation_group__in=groups).exclude(language=""))
    for each in linked.only("kind", "language", "translation_group", "slug", "published_on", "path"):
        urls[each.translation_group][each.language] = absolute_url(each.get_absolute_url())
    found: defaultdict[Any, list[dict[str, str]]] = defaultdict(list)
    for group, group_urls in urls.items():
        found[group] = [{"lang_code": language, "location": url} for language, url in alternates(group_urls)]
    return found


def _news_language(language: str) -> str:
    """Return a language in the form of news sitemaps: a code of two or three letters, except for Chinese."""
    code = language.lower().partition("-")[0]
    if code == "zh":
        return "zh-tw" if language.lower() in {"zh-hant", "zh-tw", "zh-hk"} else "zh-cn"
    return code
