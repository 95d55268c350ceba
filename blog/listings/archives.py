"""Overviews of the posts by date: the page `/archive/`, and the titles of a year or month."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, cast

from django.core.paginator import EmptyPage
from django.db.models import Count
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from blog.listings.listed_posts import day_of, entry_list, title_list
from blog.listings.listing import Listing, ListingPaginator, listing_page_url, page_context, period, site_feed
from blog.models import Entry, Post
from blog.overviews import ARCHIVE, month_of_post, overview_url
from blog.page_metadata.structured_data import breadcrumb_list
from blog.terms import Term, categories_of
from core.dates import format_month, format_month_name
from core.models import SiteSettings
from core.site import SiteRequest, absolute_url, is_probe
from core.urls import URLTemplate

# How many titles a page of a year or month has.
_PER_PAGE: Final = 200
# The archive of a blog with no more posts than this has their titles, too.
_MAX_TITLES: Final = 50

_month_url = URLTemplate("blog:month", "2000", "01")
# Sorted by the day in their URLs, so that the posts of a month are consecutive. Only posts have such a day, and an
# additional condition on the kind would make SQLite read all posts.
_titles_of_days = Listing(
    lambda now, *days: Entry.objects.published(now).filter(published_on__range=days).newest_day_first().values("pk"),
    titles_only=True,
)


@dataclass(frozen=True, slots=True)
class Month:
    """A month with the number of its posts, and in some lists their titles."""

    first_day: dt.date
    count: int
    titles: str = ""

    @property
    def url(self) -> str:
        return _month_url(*self.first_day.isoformat().split("-")[:2])

    @property
    def name(self) -> str:
        return format_month_name(self.first_day)

    @property
    def name_with_year(self) -> str:
        return format_month(self.first_day)

    @property
    def further_pages(self) -> Sequence[tuple[int, str]]:
        """The numbers and URLs of its second and later pages, all of which the archive links to."""
        pages = -(-self.count // _PER_PAGE)
        return [(number, listing_page_url(self.url, number)) for number in range(2, pages + 1)]


@dataclass(frozen=True, slots=True)
class Year:
    """A year with its months, the newest first."""

    number: str
    months: Sequence[Month]

    @property
    def url(self) -> str:
        return reverse("blog:year", args=[self.number])

    @property
    def name(self) -> str:
        return str(int(self.number))

    @property
    def count(self) -> int:
        return sum(month.count for month in self.months)


@require_safe
def archive(request: SiteRequest, rest: str = "") -> HttpResponse:
    """Link to each year and month that has posts. Raises Http404 if there are none, and for paths below this page."""
    months = _months(request.site)
    if rest or not months:
        raise Http404(gettext("There are no posts here."))
    if is_probe(request):
        return HttpResponse()
    count = sum(month.count for month in months)
    since = months[-1].name_with_year
    if count <= _MAX_TITLES:
        days = months[-1].first_day, dt.date.max
        months = _with_titles(months, _titles_of_days.posts(days, 0, _MAX_TITLES))
    summary = ngettext(
        "%(count)s post since %(month)s, by year and month", "%(count)s posts since %(month)s, by year and month", count
    )
    context = {
        "page_title": gettext("Archive"),
        "meta_description": summary % {"count": number_format(count, force_grouping=True), "month": since},
        "canonical_url": absolute_url(overview_url(ARCHIVE)),
        "feed_links": [site_feed(request)],
        "years": _years(months),
        "has_titles": count <= _MAX_TITLES,
    }
    return render(request, "blog/archive.html", context)


def list_years(html: str, site: SiteSettings) -> str:
    """Return `html`, the text of a page that has replaced the archive, with the years in place of links to the archive.

    They stand for lists of archives in WordPress (`wordpress.markup`), and would lead to this page itself.
    """
    links = "".join(
        f'<li><a href="{year.url}">{year.name}</a> <span class="count">({year.count})</span></li>'
        for year in _years(_months(site))
    )
    return re.sub(rf'<p[^>]*><a href="{overview_url(ARCHIVE)}"[^>]*>[^<]*</a></p>', f"<ul>{links}</ul>", html)


def period_response(
    request: SiteRequest,
    page_number: int | None,
    *,
    year: str,
    month: str,
    heading: str,
    title: str,
    trail: Sequence[Term],
) -> HttpResponse:
    """List the titles of the posts of a year or month. `trail` is its breadcrumbs. Raises Http404 if there are none.

    A page number from when this list had as few posts per page as others redirects to the page with these posts now.
    """
    url = reverse("blog:month", args=[year, month]) if month else reverse("blog:year", args=[year])
    if page_number == 1:
        return HttpResponsePermanentRedirect(url)
    days = period(year, month, None)
    months = [each for each in _months(request.site) if days[0] <= each.first_day <= days[1]]
    if not months:
        raise Http404(gettext("There are no posts here."))
    paginator = ListingPaginator(_titles_of_days, days, request.site, url, per_page=_PER_PAGE)
    try:
        number = paginator.validate_number(page_number or 1)
    except EmptyPage as error:
        first = ((page_number or 1) - 1) * request.site.entries_per_page
        if first < paginator.count:
            return HttpResponsePermanentRedirect(listing_page_url(url, first // _PER_PAGE + 1))
        raise Http404(gettext("That page doesn't exist.")) from error
    if is_probe(request):
        return HttpResponse()
    page = paginator.page(number)
    posts = cast("list[Post]", page.object_list)
    older, newer = _neighbours(request.site, months, is_year=not month)
    context = page_context(request, page, url, title=title, nodes=lambda: [breadcrumb_list(request.site, trail)]) | {
        "heading": heading,
        "posts": posts,
        "months": _with_titles(months, posts) if not month else [],
        "entries": entry_list(posts, request.site) if month else "",
        "is_year": not month,
        "older": older,
        "newer": newer,
        "feed_links": [site_feed(request)],
    }
    return render(request, "blog/period.html", context)


def _months(site: SiteSettings) -> Sequence[Month]:
    """Return the months that have posts, the newest first. Takes one query for each version of entries."""
    return site.remember(_read_months, "months")


def _read_months() -> Sequence[Month]:
    counted = Post.objects.published().values(month=month_of_post()).annotate(count=Count("*")).order_by("-month")
    return [Month(dt.date.fromisoformat(f"{row['month']}-01"), row["count"]) for row in counted]


def _years(months: Sequence[Month]) -> list[Year]:
    by_year = groupby(months, key=lambda month: month.first_day.isoformat()[:4])
    return [Year(number, list(months_of_year)) for number, months_of_year in by_year]


def _with_titles(months: Sequence[Month], posts: Sequence[Post]) -> list[Month]:
    """Return those of `months` in which these posts were published, with their titles. Takes one query."""
    categories = categories_of(posts)
    titles = {
        first_day: title_list(list(posts_of_month), categories)
        for first_day, posts_of_month in groupby(posts, key=lambda post: day_of(post).replace(day=1))
    }
    return [replace(month, titles=titles[month.first_day]) for month in months if month.first_day in titles]


def _neighbours(site: SiteSettings, months: Sequence[Month], *, is_year: bool) -> tuple[Term | None, Term | None]:
    """Return the year or month with posts before these months, and the one after them."""
    every = _months(site)
    newest, oldest = every.index(months[0]), every.index(months[-1])
    older = every[oldest + 1] if oldest + 1 < len(every) else None
    newer = every[newest - 1] if newest else None
    return _neighbour(older, is_year=is_year), _neighbour(newer, is_year=is_year)


def _neighbour(month: Month | None, *, is_year: bool) -> Term | None:
    if month is None:
        return None
    if is_year:
        (year,) = _years([month])
        return Term(year.name, year.url)
    return Term(month.name_with_year, month.url)
