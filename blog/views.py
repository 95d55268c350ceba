"""The pages that readers see: listings, posts, pages."""

import calendar
import datetime as dt
import re
import unicodedata
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts.models import User
from blog.listing import FeedLink, listing_response, site_feed
from blog.models import Category, Page, Post
from blog.parts import Part, part_of, part_url
from blog.permissions import may_view
from blog.site import SiteRequest, absolute_url

# A page's part. A child page may have a number for a slug: it is looked for first.
_PART = re.compile(r"(?P<path>.+)/(?P<number>[1-9][0-9]{0,8})")


@require_safe
def front(request: SiteRequest, number: int | None = None) -> HttpResponse:
    """All posts, the sticky ones first; and WordPress's short addresses `/?p=ID` and `/?page_id=ID`."""
    for parameter, models in (("p", (Post, Page)), ("page_id", (Page, Post))):
        if number is None and request.GET.get(parameter):
            return _short_address(request, request.GET[parameter], models)
    published = Post.objects.published()
    sticky = list(published.filter(sticky=True).for_listing()) if number is None else []
    return listing_response(
        request, number, url=reverse("blog:front"), ids=published.newest_first().values("pk"), first=sticky
    )


def _short_address(request: SiteRequest, number: str, models: tuple[type[Post] | type[Page], ...]) -> HttpResponse:
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise Http404(gettext("A post's number has digits only."))
    for model in models:
        entry: Post | Page | None = (
            model.objects.filter(pk=int(number)).select_related("author", "featured_picture").first()
        )
        if entry is None:
            continue
        if request.GET.get("preview") == "true" and may_view(request.user, entry):
            return entry_response(request, entry, preview=not entry.is_public)
        if entry.is_public:
            return HttpResponsePermanentRedirect(entry.get_absolute_url())
    raise Http404(gettext("There is no post of this number."))


@require_safe
def by_category(request: SiteRequest, path: str, number: int | None = None) -> HttpResponse:
    category = Category.objects.filter(path=path).first()
    if category is None:
        # The last part alone says which: a category that was moved keeps its old addresses.
        category = get_object_or_404(Category, slug=_as_stored(path.rsplit("/", 1)[-1]))
        url = category.get_absolute_url()
        return HttpResponsePermanentRedirect(f"{url}page/{number}/" if number else url)
    return listing_response(
        request,
        number,
        url=category.get_absolute_url(),
        ids=Post.objects.published().in_category(category).newest_first().values("pk"),
        heading=gettext("Archive for the '%(name)s' Category") % {"name": category.name},
        title=category.name,
        description=category.description,
        feeds=[FeedLink(category.name, reverse("blog:category_feed", args=[category.path]))],
    )


@require_safe
def by_author(request: SiteRequest, slug: str, number: int | None = None) -> HttpResponse:
    author = User.objects.filter(slug=slug).first()
    if author is None:
        author = get_object_or_404(User, slug=_as_stored(slug))
        return HttpResponsePermanentRedirect(author.get_absolute_url())
    return listing_response(
        request,
        number,
        url=author.get_absolute_url(),
        ids=Post.objects.published().filter(author=author).newest_first().values("pk"),
        heading=gettext("Author Archive"),
        title=str(author),
        description=author.bio,
        feeds=[FeedLink(str(author), reverse("blog:author_feed", args=[author.slug]))],
        # Who has an account but no post is nobody's business.
        empty_is_unknown=True,
    )


@require_safe
def by_year(request: SiteRequest, year: str, number: int | None = None) -> HttpResponse:
    first = _date(year)
    return _archive(request, number, first, first.replace(month=12, day=31), "blog:year", gettext("Y"))


@require_safe
def by_month(request: SiteRequest, year: str, month: str, number: int | None = None) -> HttpResponse:
    first = _date(year, month)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return _archive(request, number, first, last, "blog:month", gettext("F, Y"))


@require_safe
def by_day(request: SiteRequest, year: str, month: str, day: str, number: int | None = None) -> HttpResponse:
    first = _date(year, month, day)
    return _archive(request, number, first, first, "blog:day", gettext("F jS, Y"))


def _date(year: str, month: str = "01", day: str = "01") -> dt.date:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError as error:
        raise Http404(gettext("There is no such day.")) from error


def _archive(
    request: SiteRequest, number: int | None, first: dt.date, last: dt.date, name: str, date_words: str
) -> HttpResponse:
    posts = Post.objects.published().filter(published_on__range=(first, last))
    when = date_format(first, date_words)
    parts = first.isoformat().split("-")[: {"blog:year": 1, "blog:month": 2, "blog:day": 3}[name]]
    return listing_response(
        request,
        number,
        url=reverse(name, args=parts),
        ids=posts.newest_first().values("pk"),
        heading=gettext("Archive for %(date)s") % {"date": when},
        title=when,
        empty_is_unknown=True,
    )


@require_safe
def post(request: SiteRequest, year: str, month: str, day: str, slug: str, number: int | None = None) -> HttpResponse:
    found = _published_post(_date(year, month, day), slug)
    if found is None:
        found = _published_post(_date(year, month, day), _as_stored(slug))
        if found is None:
            raise Http404(gettext("There is no such post."))
        return HttpResponsePermanentRedirect(part_url(found, number or 1))
    return _part_response(request, found, number)


def _part_response(request: SiteRequest, entry: Post | Page, number: int | None) -> HttpResponse:
    if number == 1:
        return HttpResponsePermanentRedirect(entry.get_absolute_url())
    return entry_response(request, entry, number=number or 1)


def _published_post(day: dt.date, slug: str) -> Post | None:
    posts = Post.objects.published().filter(published_on=day, slug=slug)
    return posts.select_related("author", "featured_picture").first()


@require_safe
def page(request: SiteRequest, path: str) -> HttpResponse:
    found = Page.objects.published().filter(path=path).select_related("featured_picture").first()
    if found is not None:
        return entry_response(request, found)
    found = Page.objects.published().filter(path=_as_stored(path)).first()
    if found is not None:
        return HttpResponsePermanentRedirect(found.get_absolute_url())
    if (part := _PART.fullmatch(path)) is None:
        raise Http404(gettext("There is no such page."))
    number = int(part["number"])
    found = Page.objects.published().filter(path=part["path"]).first()
    if found is not None:
        return _part_response(request, found, number)
    found = get_object_or_404(Page.objects.published(), path=_as_stored(part["path"]))
    return HttpResponsePermanentRedirect(part_url(found, number))


def _as_stored(slug: str) -> str:
    """A slug as it is kept: in small letters and in Unicode's composed form."""
    return unicodedata.normalize("NFC", slug).lower()


def entry_response(
    request: SiteRequest,
    entry: Post | Page,
    *,
    number: int = 1,
    status: int = 200,
    preview: bool = False,
    **extra: Any,
) -> HttpResponse:
    """The page of one post or page, or of its part `number`; a preview shows all parts.

    `extra` is for what stands below it, such as a form that was sent. Raises Http404 past the last part.
    """
    part = Part(entry.body, 1, [], entry.get_absolute_url()) if preview else part_of(entry, number)
    context = {
        "part": part,
        "page_title": str(entry),
        "canonical_url": absolute_url(part.url),
        "picture_url": _picture_url(entry),
        "feed_links": [
            FeedLink(gettext("Comments on: %(title)s") % {"title": entry}, entry.get_absolute_url() + "feed/"),
            site_feed(request),
        ],
        "preview": preview,
    }
    if isinstance(entry, Post):
        prefetch_related_objects([entry], "categories", "tags")
        context |= {"post": entry, "previous": entry.older_neighbour(), "next": entry.newer_neighbour()}
        template = "blog/post.html"
    else:
        context |= {"page": entry, "children": entry.children.published()}
        template = "blog/page.html"
    return render(request, template, context | extra, status=status)


def _picture_url(entry: Post | Page) -> str:
    """The whole address of the featured picture, for other sites; empty if there is none."""
    if entry.featured_picture is None:
        return ""
    url: str = entry.featured_picture.file.url
    return absolute_url(url) if url.startswith("/") else url


@require_safe
def robots(request: SiteRequest) -> HttpResponse:
    """What search engines may read. Source: RFC 9309."""
    if request.site.search_engines_welcome:
        lines = ["User-agent: *", "Disallow: /admin/", "", f"Sitemap: {absolute_url(reverse('sitemap'))}"]
    else:
        lines = ["User-agent: *", "Disallow: /"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page that is not there, in the site's look."""
    return render(request, "404.html", {"page_title": gettext("Not Found")}, status=404)
