"""The blog's URLs, in WordPress's own scheme. Included last, as a page may have any path that is still free."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path, register_converter
from django.urls.converters import IntConverter, PathConverter, StringConverter

from blog import oembed, views, well_known
from blog.appearance.views import icon, style
from blog.caching import DICTIONARY_PATH, SPECULATION_RULES_PATH, public_page
from blog.dictionary import dictionary
from blog.feeds.posts import AuthorFeed, CategoryFeed, LanguageFeed, SiteFeed
from blog.listings.language_lists import by_language
from blog.portraits import portrait
from core import languages

app_name = "blog"

DAY = "<year:year>/<two_digits:month>/<two_digits:day>/"
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


def feed_paths(route: str, feed: Callable[[str], Callable[..., HttpResponse]], name: str) -> list[URLPattern]:
    """Return the URL patterns of a listing's feeds: RSS 2.0 at its short and its full URLs, Atom, and JSON Feed."""
    rss, atom, json = [public_page(feed(name)) for name in ("rss", "atom", "json")]
    return [
        path(f"{route}feed/", rss, name=f"{name}_feed"),
        path(f"{route}feed/rss/", rss),
        path(f"{route}feed/rss2/", rss),
        path(f"{route}feed/atom/", atom, name=f"{name}_atom"),
        path(f"{route}feed/json/", json, name=f"{name}_json"),
    ]


urlpatterns = [
    *feed_paths("", SiteFeed, "front"),
    *feed_paths("category/<tree_path:path>/", CategoryFeed, "category"),
    *feed_paths("author/<any_slug:slug>/", AuthorFeed, "author"),
    *feed_paths("language/<language:language>/", LanguageFeed, "language"),
    *listing_paths("", views.front, "front"),
    *listing_paths("author/<any_slug:slug>/", views.by_author, "author"),
    *listing_paths("language/<language:language>/", by_language, "language"),
    *listing_paths("<year:year>/", views.by_date, "year"),
    *listing_paths("<year:year>/<two_digits:month>/", views.by_date, "month"),
    *listing_paths(DAY, views.by_date, "day"),
    # Further pages come first, because the path of a category would match them as well.
    *reversed(listing_paths("category/<tree_path:path>/", views.by_category, "category")),
    path(f"{DAY}<any_slug:slug>/", public_page(views.post), name="post"),
    path(f"{DAY}<any_slug:slug>/<page_number:page_number>/", public_page(views.post), name="post_page"),
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
