"""The views of public pages: listings, posts and pages."""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from blog import breadcrumbs, privacy
from blog.appearance.looks import look_of
from blog.appearance.options import Link
from blog.caching import has_session
from blog.editing import preview_links
from blog.entry_pages import entry_page_url, entry_response, reader_response
from blog.generated_pages import generated_pages
from blog.listings.archives import period_response
from blog.listings.listing import (
    Listing,
    all_posts,
    listing_options,
    listing_page_url,
    listing_response,
    period,
    posts_by_author,
    posts_in_category,
)
from blog.models import Category, Entry, Page, Post
from blog.overviews import is_free
from blog.page_metadata.structured_data import breadcrumb_list, json_ld, profile_page, web_site
from blog.permissions import may_view
from blog.redirects.look_up import RedirectToPage, has_redirect, rows_at
from core.dates import format_day, format_month
from core.models import SiteSettings
from core.prepared import Prepared
from core.site import SiteRequest, absolute_url, is_probe
from core.text import parse_id

# The parameter of the list of years and months in the sidebar.
PERIOD: Final = "period"
_YEAR_OR_MONTH: Final = re.compile("([0-9]{4})(?:-([0-9]{2}))?")
# The path of one page of a `blog.Page`. A child page that has a number for its slug takes precedence.
_PAGE_OF_PAGE = re.compile(r"(?P<path>.+)/(?P<number>[1-9][0-9]{0,8})")
# The path of the page of posts, or of one of its further pages.
_PAGE_OF_POSTS: Final = re.compile(r"(?P<path>.+?)(?:/page/(?P<number>[1-9][0-9]{0,8}))?")


_posts_of_days = Listing(
    # Only posts have such a day, and an additional condition on the kind would make SQLite read all posts.
    lambda now, *days: Entry.objects.published(now).filter(published_on__range=days).newest_first().values("pk")
)
_sticky_posts = Prepared[Post](
    lambda now, **columns: Post.objects.published(now).filter(sticky=True).for_listing(**columns)
)
posts_at = Prepared[Post](
    lambda now, day, slugs: (
        Post.objects.published(now)
        .filter(published_on=day, slug__in=slugs)
        .select_related("author", "featured_picture")
        .defer("source", "lead_html")
    )
)
_categories_at = Prepared[Category](
    lambda now, path, slug: Category.objects.known(now).filter(Q(path=path) | Q(slug=slug))
)
_authors_at = Prepared[User](
    lambda slugs: User.objects.filter(slug__in=slugs).select_related("portrait").defer("portrait__image")
)
pages_at = Prepared[Page](
    lambda now, paths: (
        Page.objects.published(now)
        .filter(path__in=paths)
        .select_related("featured_picture")
        .defer("source", "lead_html")
    )
)


def entry_at(path: str, *, in_parts: bool = False) -> Entry | None:
    """Return the public post or page at exactly this path. With `in_parts`, a part of a post's text may be there."""
    found: Sequence[Entry] = []
    # Resolver404 is an Http404.
    with suppress(Http404):
        match = resolve(path)
        arguments = match.kwargs
        if match.view_name == "blog:page":
            found = pages_at(timezone.now(), [arguments["path"]])
        elif match.view_name == "blog:post" or (in_parts and match.view_name == "blog:post_page"):
            day, _last = period(arguments["year"], arguments["month"], arguments["day"])
            found = posts_at(timezone.now(), day, [arguments["slug"]])
    return next(iter(found), None)


@require_safe
def front(request: SiteRequest, page_number: int | None = None) -> HttpResponse:
    """Show the home page or all posts, or redirect WordPress's short links `/?p=ID` and `/?page_id=ID`."""
    if page_number is None and (token := request.GET.get(preview_links.PARAMETER)):
        return _preview_link_response(request, token)
    if page_number is None and (entry_id := request.GET.get("p") or request.GET.get("page_id")):
        return _short_link_response(request, entry_id)
    if page_number is None and (chosen := request.GET.get(PERIOD)):
        return _period_response(chosen)
    if home := look_of(request.site).home:
        if page_number is not None:
            return _later_posts(request, page_number)
        # None if it has just been unpublished.
        if page := next(iter(pages_at(timezone.now(), [home.path])), None):
            url = absolute_url(reverse("blog:front"))
            nodes = "" if page.noindex else json_ld([web_site(request.site)])
            return entry_response(request, page, canonical_url=url, json_ld=nodes, oembed_url="")
    return _list_of_posts(request, page_number, reverse("blog:front"), nodes=lambda: [web_site(request.site)])


def _period_response(chosen: str) -> HttpResponse:
    """Redirect to the year or month that was chosen in the sidebar."""
    found = _YEAR_OR_MONTH.fullmatch(chosen)
    if found is None:
        raise Http404(gettext("That date doesn't exist."))
    year, month = found.groups()
    return RedirectToPage(reverse("blog:month", args=[year, month]) if month else reverse("blog:year", args=[year]))


def _later_posts(request: SiteRequest, page_number: int) -> HttpResponse:
    """Redirect from a page of the list, which used to be at the root of the site, to its current URL."""
    posts_page = look_of(request.site).posts_page
    if posts_page is None:
        raise Http404(gettext("That page doesn't exist."))
    return HttpResponsePermanentRedirect(listing_page_url(posts_page.get_absolute_url(), page_number))


def _list_of_posts(request: SiteRequest, page_number: int | None, url: str, **about: Any) -> HttpResponse:
    """Show a page of all posts, sticky ones first."""
    sticky: list[Post] = []
    if page_number is None and request.site.remember(_has_sticky_posts, "sticky"):
        sticky = _sticky_posts(timezone.now(), **listing_options(request.site))
    return listing_response(request, page_number, url=url, listing=all_posts, sticky=sticky, **about)


def _has_sticky_posts() -> bool:
    return Post.objects.published().filter(sticky=True).exists()


def _short_link_response(request: SiteRequest, entry_id: str) -> HttpResponse:
    if not (pk := parse_id(entry_id)):
        raise Http404(gettext("A post's ID consists of digits only."))
    entry = Entry.objects.filter(pk=pk).select_related("author", "featured_picture").first()
    if entry is not None:
        if request.GET.get("preview") == "true" and may_view(request.user, entry):
            entry.is_unlocked = True
            return entry_response(request, entry, preview=not entry.is_public)
        if entry.is_public:
            return RedirectToPage(entry.get_absolute_url())
    raise Http404(gettext("There is no post or page with this ID."))


def _preview_link_response(request: SiteRequest, token: str) -> HttpResponse:
    entry = preview_links.find_entry(token)
    if entry is None:
        context = {"page_title": gettext("This link no longer works")}
        return render(request, "blog/preview_link_expired.html", context, status=410)
    if entry.is_public:
        return HttpResponseRedirect(entry.get_absolute_url())
    entry.is_unlocked = True
    return entry_response(request, entry, preview=True)


@require_safe
def by_category(request: SiteRequest, path: str, page_number: int | None = None) -> HttpResponse:
    # The last segment is enough, so a category that was moved is still found at its old URLs.
    (found,) = rows_at(request, (_categories_at, [timezone.now(), path, _normalise(path.rsplit("/", 1)[-1])]))
    category = next((each for each in found if each.path == path), None)
    if category is None:
        if not found:
            raise Http404(gettext("That category doesn't exist."))
        url = found[0].get_absolute_url()
        return HttpResponsePermanentRedirect(f"{url}page/{page_number}/") if page_number else RedirectToPage(url)
    return listing_response(
        request,
        page_number,
        url=category.get_absolute_url(),
        listing=posts_in_category,
        about=[category.pk],
        heading=gettext("Archive for the '%(name)s' Category") % {"name": category.name},
        title=gettext("Posts in %(category)s") % {"category": category.name},
        description=category.description,
        feeds=[Link(category.name, reverse("blog:category_feed", args=[category.path]))],
        nodes=lambda: [breadcrumb_list(request.site, breadcrumbs.to_category(category))],
    )


@require_safe
def by_author(request: SiteRequest, slug: str, page_number: int | None = None) -> HttpResponse:
    (found,) = rows_at(request, (_authors_at, [sorted({slug, _normalise(slug)})]))
    author = next((each for each in found if each.slug == slug), None)
    if author is None:
        if not found:
            raise Http404(gettext("That author doesn't exist."))
        return HttpResponsePermanentRedirect(found[0].get_absolute_url())
    return listing_response(
        request,
        page_number,
        url=author.get_absolute_url(),
        listing=posts_by_author,
        about=[author.pk],
        heading=gettext("Author Archive"),
        title=gettext("Posts by %(author)s") % {"author": author},
        author=author,
        description=author.bio,
        feeds=[Link(str(author), reverse("blog:author_feed", args=[author.slug]))],
        nodes=lambda: [profile_page(author)],
        # Accounts without public posts must not be revealed.
        not_found_if_empty=True,
    )


@require_safe
def by_date(
    request: SiteRequest, year: str, month: str = "", day: str = "", page_number: int | None = None
) -> HttpResponse:
    days = period(year, month, day)
    first = days[0]
    if day:
        heading_date, date = format_day(first, ordinal=True), format_day(first)
    elif month:
        heading_date, date = format_month(first, comma=True), format_month(first)
    else:
        heading_date = date = year
    heading = gettext("Archive for %(date)s") % {"date": heading_date}
    title = gettext("Posts from %(date)s") % {"date": date}
    parts = [part for part in (year, month, day) if part]
    trail = breadcrumbs.to_period(first, *parts)
    if not day:
        return period_response(request, page_number, year=year, month=month, heading=heading, title=title, trail=trail)
    return listing_response(
        request,
        page_number,
        url=reverse("blog:day", args=parts),
        listing=_posts_of_days,
        about=days,
        heading=heading,
        title=title,
        nodes=lambda: [breadcrumb_list(request.site, trail)],
        not_found_if_empty=True,
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def post(
    request: SiteRequest, year: str, month: str, day: str, slug: str, page_number: int | None = None
) -> HttpResponse:
    date, _last = period(year, month, day)
    (posts,) = rows_at(request, (posts_at, [timezone.now(), date, sorted({slug, _normalise(slug)})]))
    by_slug = {post.slug: post for post in posts}
    found = by_slug.get(slug) or next(iter(by_slug.values()), None)
    if found is None:
        raise Http404(gettext("That post doesn't exist."))
    if page_number == 1 or found.slug != slug:
        return _redirect_to(found, page_number or 1)
    return reader_response(request, found, page_number or 1)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: SiteRequest, path: str) -> HttpResponse:
    look = look_of(request.site)
    if look.posts_page and (match := _PAGE_OF_POSTS.fullmatch(path)) and match["path"] == look.posts_page.path:
        title, url = str(look.posts_page), look.posts_page.get_absolute_url()
        number = int(match["number"]) if match["number"] else None
        return _list_of_posts(request, number, url, heading=title, title=title)
    # What the URL may mean: the path of a page and the number of one of its pages, the most likely first.
    candidates: dict[str, int | None] = {path: None, _normalise(path): None}
    if match := _PAGE_OF_PAGE.fullmatch(path):
        candidates |= {match["path"]: int(match["number"]), _normalise(match["path"]): int(match["number"])}
    (pages,) = rows_at(request, (pages_at, [timezone.now(), sorted(candidates)]))
    by_path = {page.path: page for page in pages}
    found_at = next((each for each in candidates if each in by_path), None)
    if found_at is None:
        if path == privacy.PATH:
            return HttpResponse() if is_probe(request) else privacy.privacy_page(request)
        slug, _slash, rest = path.partition("/")
        if slug in generated_pages and not has_redirect(request) and not (rest and _is_taken(request.site, slug)):
            return generated_pages[slug](request, rest)
        raise Http404(gettext("That page doesn't exist."))
    found, page_number = by_path[found_at], candidates[found_at]
    if page_number == 1 or found_at not in {path, match and match["path"]}:
        return _redirect_to(found, page_number or 1)
    if look.home == found and page_number is None and request.method != "POST":
        return RedirectToPage(reverse("blog:front"))
    return reader_response(request, found, page_number or 1)


def _is_taken(site: SiteSettings, slug: str) -> bool:
    """Return whether a page or a redirect replaces a generated page, so that there is nothing below it."""

    def is_taken() -> bool:
        return not SiteSettings.objects.filter(is_free(slug)).exists()

    return site.remember(is_taken, "taken", slug)


def _redirect_to(entry: Entry, page_number: int) -> HttpResponse:
    redirect = RedirectToPage if page_number == 1 else HttpResponsePermanentRedirect
    return redirect(entry_page_url(entry, page_number))


def _normalise(slug: str) -> str:
    """Return a slug or path in the form that most are stored in: lower case and Unicode's composed form."""
    return unicodedata.normalize("NFC", slug).lower()


@require_safe
def robots(request: SiteRequest) -> HttpResponse:
    """Show the rules for search engines. Source: RFC 9309."""
    if request.site.search_engines_welcome:
        names = ["sitemap", *(["news_sitemap"] if settings.BROADSIDE_NEWS_SITEMAP else [])]
        sitemaps = [f"Sitemap: {absolute_url(reverse(name))}" for name in names]
        lines = ["User-agent: *", "Disallow: /admin/", "", *sitemaps]
    else:
        lines = ["User-agent: *", "Disallow: /"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that a URL doesn't exist, with the site's navigation. For readers, the page is the same at every URL."""

    def make() -> str:
        return render_to_string("404.html", {"page_title": gettext("Not Found")}, request)

    site: SiteSettings | None = getattr(request, "site", None)
    html = make() if site is None or has_session(request) else site.remember(make, "not found")
    return HttpResponse(html, status=404)
