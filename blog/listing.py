"""Listings: posts, newest first, a page of them at a time. Never more than a fixed number of queries."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import EmptyPage, Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext

from blog.models import Post
from blog.site import SiteRequest, absolute_url


@dataclass(frozen=True, slots=True)
class FeedLink:
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class PagerLink:
    """A number of the pager; `number` is None where numbers are left out."""

    number: int | None
    url: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Pager:
    """Where older and newer posts are, and the numbers between. An empty address: there are none."""

    older_url: str
    newer_url: str
    pages: list[PagerLink]


def listing_response(
    request: SiteRequest,
    number: int | None,
    *,
    url: str,
    ids: QuerySet[Any, Any],
    heading: str = "",
    title: str = "",
    description: str = "",
    feeds: list[FeedLink] | None = None,
    first: list[Post] | None = None,
    empty_is_unknown: bool = False,
) -> HttpResponse:
    """Page `number` of the listing at `url`; None is the listing's own address.

    `ids` yields the keys of the posts, newest first: a page of them is cut before any post is read.
    `first` are posts that lead its first page. Raises Http404 for a page past the last one, and for a
    listing without posts if `empty_is_unknown`.
    """
    if number == 1:
        return HttpResponsePermanentRedirect(url)
    paginator = Paginator(ids, request.site.entries_per_page)
    try:
        page = paginator.page(number or 1)
    except EmptyPage as error:
        raise Http404(gettext("There are not so many pages.")) from error
    if empty_is_unknown and not paginator.count:
        raise Http404(gettext("There are no posts here."))
    posts = list(Post.objects.published().filter(pk__in=page.object_list).for_listing())
    if first and number is None:
        posts = first + [post for post in posts if post not in first]
    context = {
        "heading": heading,
        "page_title": title or heading,
        "description": description,
        "posts": posts,
        "page_obj": page,
        "paginator": paginator,
        "pager": pager(page, url),
        "show_pager_above": bool(heading),
        "nothing_found": not posts,
        "canonical_url": absolute_url(_page_url(url, page.number)),
        "feed_links": [*(feeds or []), site_feed(request)],
        "is_front": not heading,
    }
    return render(request, "blog/listing.html", context)


def site_feed(request: SiteRequest) -> FeedLink:
    return FeedLink(request.site.title, reverse("blog:front_feed"))


def pager(page: Page[Any], url: str) -> Pager:
    """The pager of `page`. As in WordPress, what comes after in number is older in time."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    return Pager(
        older_url=_page_url(url, page.number + 1) if page.has_next() else "",
        newer_url=_page_url(url, page.number - 1) if page.has_previous() else "",
        pages=[
            PagerLink(number, _page_url(url, number), current=number == page.number)
            if isinstance(number, int)
            else PagerLink(None)
            for number in numbers
        ],
    )


def _page_url(url: str, number: int) -> str:
    return url if number == 1 else f"{url}page/{number}/"
