"""What URLs consist of: path converters for their segments, and the patterns that every listing needs."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path, register_converter
from django.urls.converters import IntConverter, PathConverter, StringConverter

from blog.caching.policy import public_page

# PostgreSQL refuses text with a NUL character.
_SEGMENT = "[^/\\x00]+"


class TreePathConverter(PathConverter):
    """The path of a category or page: slugs separated by slashes."""

    regex = f"{_SEGMENT}(?:/{_SEGMENT})*"


register_converter(TreePathConverter, "tree_path")
for name, base, regex in (
    ("year", StringConverter, "[0-9]{4}"),
    # A month or day, such as `03`.
    ("two_digits", StringConverter, "[0-9]{2}"),
    # A segment in any script. Imported slugs contain characters that Django's own converter does not match.
    ("any_slug", StringConverter, _SEGMENT),
    ("page_number", IntConverter, "[1-9][0-9]{0,8}"),
):
    register_converter(type(name, (base,), {"regex": regex}), name)


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
