"""The blog's URLs, in WordPress's own scheme. Included last, as a page may have any path that is still free."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, include, path, register_converter
from django.urls.converters import IntConverter, PathConverter, StringConverter

from blog import oembed, views, well_known
from blog.appearance.views import icon, style
from blog.caching import DICTIONARY_PATH, SPECULATION_RULES_PATH, public_page
from blog.dictionary import dictionary
from blog.feeds.posts import AuthorFeed, CategoryFeed, LanguageFeed, SiteFeed
from blog.listings.language_lists import by_language
from blog.portraits import portrait
from core import languages

type Patterns = list[URLPattern | URLResolver]

app_name = "blog"

_DAY_OF_YEAR = "<two_digits:month>/<two_digits:day>/"
DAY = f"<year:year>/{_DAY_OF_YEAR}"
# PostgreSQL rejects text with a NUL character.
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
    ("language", StringConverter, languages.CODE),
    ("page_number", IntConverter, "[1-9][0-9]{0,8}"),
):
    register_converter(type(name, (base,), {"regex": regex}), name)


def listing_paths(route: str, view: Callable[..., HttpResponse], name: str) -> list[URLPattern]:
    """Return the URL patterns of a listing and of its further pages, `page/2/` and so on."""
    view = public_page(view)
    return [path(route, view, name=name), path(f"{route}page/<page_number:page_number>/", view, name=f"{name}_page")]


def feed_paths(route: str, feed: Callable[[str], Callable[..., HttpResponse]], name: str) -> URLResolver:
    """Return the URL patterns of a listing's feeds: RSS 2.0 at its short and its full URLs, Atom, and JSON Feed."""
    rss, atom, json = [public_page(feed(name)) for name in ("rss", "atom", "json")]
    formats = [
        path("", rss, name=f"{name}_feed"),
        path("rss/", rss),
        path("rss2/", rss),
        path("atom/", atom, name=f"{name}_atom"),
        path("json/", json, name=f"{name}_json"),
    ]
    return path(f"{route}feed/", include(formats))


# Django tries one pattern after the other for each request, so those that begin alike are in one group.
_categories: Patterns = [
    feed_paths("<tree_path:path>/", CategoryFeed, "category"),
    # Further pages come first, because the path of a category would match them as well.
    *reversed(listing_paths("<tree_path:path>/", views.by_category, "category")),
]
_authors: Patterns = [
    feed_paths("<any_slug:slug>/", AuthorFeed, "author"),
    *listing_paths("<any_slug:slug>/", views.by_author, "author"),
]
_languages: Patterns = [
    feed_paths("<language:language>/", LanguageFeed, "language"),
    *listing_paths("<language:language>/", by_language, "language"),
]
_years: Patterns = [
    *listing_paths("", views.by_date, "year"),
    *listing_paths("<two_digits:month>/", views.by_date, "month"),
    *listing_paths(_DAY_OF_YEAR, views.by_date, "day"),
    path(f"{_DAY_OF_YEAR}<any_slug:slug>/", public_page(views.post), name="post"),
    path(f"{_DAY_OF_YEAR}<any_slug:slug>/<page_number:page_number>/", public_page(views.post), name="post_page"),
]

urlpatterns = [
    feed_paths("", SiteFeed, "front"),
    *listing_paths("", views.front, "front"),
    path("category/", include(_categories)),
    path("author/", include(_authors)),
    path("language/", include(_languages)),
    path("<year:year>/", include(_years)),
    path("robots.txt", public_page(views.robots), name="robots"),
    # Not a public page, because it depends on a header.
    path(SPECULATION_RULES_PATH.lstrip("/"), well_known.speculation_rules),
    path(DICTIONARY_PATH.lstrip("/"), public_page(dictionary), name="dictionary"),
    path("favicon.ico", public_page(well_known.favicon), name="favicon"),
    path("appearance-<str:digest>.css", public_page(style), name="style"),
    path("icon-<str:key>-<int:size>.png", public_page(icon), name="icon"),
    path("portrait-<str:digest>.webp", public_page(portrait), name="portrait"),
    path("manifest.webmanifest", public_page(well_known.manifest), name="manifest"),
    path("oembed/", public_page(oembed.oembed), name="oembed"),
    path(".well-known/security.txt", public_page(well_known.security_txt), name="security_txt"),
    path("<tree_path:path>/", public_page(views.page), name="page"),
]
