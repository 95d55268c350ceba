"""URL patterns that every listing needs: for its further pages and its feeds."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

import blog.converters  # noqa: F401  (registers the path converters)
from blog.caching.policy import public_page


def listing_paths(route: str, view: Callable[..., HttpResponse], name: str) -> list[URLPattern]:
    """Return the URL patterns of a listing and of its further pages, `page/2/` and so on."""
    view = public_page(view)
    return [path(route, view, name=name), path(f"{route}page/<page_number:page_number>/", view, name=f"{name}_page")]


def feed_paths(route: str, feed: Callable[[str], Callable[..., HttpResponse]], name: str) -> list[URLPattern]:
    """Return the URL patterns of a listing's feeds: RSS 2.0 at its short and its full URLs, and Atom."""
    rss, atom = public_page(feed("rss")), public_page(feed("atom"))
    return [
        path(f"{route}feed/", rss, name=f"{name}_feed"),
        path(f"{route}feed/rss/", rss),
        path(f"{route}feed/rss2/", rss),
        path(f"{route}feed/atom/", atom, name=f"{name}_atom"),
    ]
