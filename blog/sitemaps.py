"""Sitemaps of posts, pages, categories, and overviews."""

from collections.abc import Callable
from copy import copy
from functools import wraps
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import Max
from django.http import HttpRequest, HttpResponse

from blog.models import Category, Page, Post, public_condition
from blog.overviews import ARCHIVE, AUTHORS, has_archive, has_authors, overview_url


def at_site_url(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Have one of Django's views for sitemaps use the host and port of SITE_URL, whatever the request names."""

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


class _BlogSitemap(SiteUrlSitemap):
    lastmod = attrgetter("modified_at")


class PostSitemap(_BlogSitemap):
    def items(self) -> Any:
        return Post.objects.published().newest_first().only("slug", "published_on", "modified_at")


class PageSitemap(_BlogSitemap):
    def items(self) -> Any:
        return Page.objects.published().order_by("path").only("path", "modified_at")


class CategorySitemap(_BlogSitemap):
    def items(self) -> Any:
        newest = Max("posts__published_at", filter=public_condition("posts__"))
        return Category.objects.annotate(modified_at=newest).filter(modified_at__isnull=False).order_by("path")


class OverviewSitemap(SiteUrlSitemap):
    """The overviews of all posts and authors."""

    def items(self) -> list[str]:
        has_pages = Post.objects.published().order_by().annotate(has_archive=has_archive(), has_authors=has_authors())
        (found,) = has_pages.values_list("has_archive", "has_authors")[:1] or [(0, 0)]
        return [path for path, is_there in zip((ARCHIVE, AUTHORS), found, strict=True) if is_there]

    def location(self, item: str) -> str:
        return overview_url(item)
