"""The addresses that come with each listing: its further pages and its feeds."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

import blog.converters  # noqa: F401  (registers what the routes below are made of)
from blog.caching import public_page


def listing_paths(route: str, view: Callable[..., HttpResponse], name: str) -> list[URLPattern]:
    """A listing and its further pages, `page/2/` and so on."""
    view = public_page(view)
    return [path(route, view, name=name), path(f"{route}page/<number:number>/", view, name=f"{name}_page")]


def feed_paths(route: str, feed: Callable[[str], Callable[..., HttpResponse]], name: str) -> list[URLPattern]:
    """The feeds of a listing: RSS 2.0 by its short and its full addresses, and Atom."""
    rss, atom = public_page(feed("rss")), public_page(feed("atom"))
    return [
        path(f"{route}feed/", rss, name=f"{name}_feed"),
        path(f"{route}feed/rss/", rss),
        path(f"{route}feed/rss2/", rss),
        path(f"{route}feed/atom/", atom, name=f"{name}_atom"),
    ]
