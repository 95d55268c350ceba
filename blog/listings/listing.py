"""Listings: pages of posts, newest first, each with a fixed number of queries."""

import calendar
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from html import escape
from typing import Any, Final

from django.core.paginator import EmptyPage, Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from accounts.models import User
from blog.appearance.documents import ListStyle
from blog.appearance.looks import look_of
from blog.appearance.options import Link
from blog.listings.listed_posts import entry_list, listed_posts
from blog.models import Entry, Post, PostInCategory, PostQuerySet
from blog.page_metadata.open_graph import locale
from blog.page_metadata.structured_data import Node, json_ld
from core.models import SiteSettings
from core.prepared import Parameter, Prepared, Value
from core.site import SiteRequest, absolute_url, is_probe
from core.urls import URLTemplate

_feed_url: Final = URLTemplate("blog:front_feed")


@dataclass(frozen=True, slots=True)
class PagerLink:
    """A page in the pager; `number` is None where pages are left out."""

    number: int | None
    url: str = ""
    current: bool = False


@dataclass(frozen=True)
class Pager:
    """The links to other pages of a listing. A URL is empty if there are no older or newer posts."""

    older_url: str
    newer_url: str
    pages: list[PagerLink]

    @cached_property
    def html(self) -> SafeString:
        """The links, with older posts at the start of the line and newer ones at its end, as on the original site.

        `rel` is here and not in the head, because Firefox would load the next page in advance from there.

        Most lists show them twice, and a template would take ten times as long.
        """
        label = f'<span class="visually-hidden">{gettext("Page")} </span>'
        older, newer = gettext("« Previous Entries"), gettext("Next Entries »")
        parts = []
        if self.older_url:
            parts.append(f'<a class="older" href="{escape(self.older_url)}" rel="next">{older}</a>\n')
        parts.append("<ol>\n")
        for page in self.pages:
            if page.number is None:
                parts.append("<li><span>…</span></li>\n")
            else:
                current = ' aria-current="page"' if page.current else ""
                parts.append(f'<li><a href="{escape(page.url)}"{current}>{label}{page.number}</a></li>\n')
        parts.append("</ol>\n")
        if self.newer_url:
            parts.append(f'<a class="newer" href="{escape(self.newer_url)}" rel="prev">{newer}</a>\n')
        return mark_safe("".join(parts))  # noqa: S308  # every URL is escaped, and the messages are ours


def period(year: str, month: str | None, day: str | None) -> tuple[dt.date, dt.date]:
    """Return the first and last day of a year, month or day. Raises Http404 if it doesn't exist."""
    try:
        first = dt.date(int(year), int(month or 1), int(day or 1))
    except ValueError as error:
        raise Http404(gettext("That date doesn't exist.")) from error
    if day:
        return first, first
    last_month = int(month or 12)
    return first, first.replace(month=last_month, day=calendar.monthrange(first.year, last_month)[1])


def listing_options(site: SiteSettings) -> dict[str, bool]:
    """Return what `for_listing` should load in addition to what all lists show."""
    appearance = look_of(site).appearance
    has_texts = appearance.list_style != ListStyle.TITLES
    return {
        "with_lead": has_texts,
        "with_author": has_texts and site.show_author,
        "with_excerpt": has_texts and site.show_excerpts,
        "with_picture": has_texts and appearance.list_pictures,
        "with_reading_time": has_texts and appearance.list_reading_time,
    }


class Listing:
    """A kind of listing. `ids` returns the queryset of the IDs of its posts, newest first.

    It takes the current time and what the listing is about, such as the ID of a tag. With `titles_only`, posts are
    sorted by day and loaded with only what their titles need. The feed of a listing has the newest of its posts.
    """

    def __init__(self, ids: Callable[..., QuerySet[Any, Any]], *, titles_only: bool = False) -> None:
        self._ids, self._titles_only = ids, titles_only
        self._posts = Prepared[Post](self._posts_of_page)
        self._newest = Prepared[Post](self._posts_of_feed)

    def count(self, about: Sequence[Value]) -> int:
        return self._ids(timezone.now(), *about).count()

    def posts(self, about: Sequence[Value], start: int, stop: int, **options: bool) -> list[Post]:
        """Return the posts from `start` to `stop`, counted from the end if `from_end`. Takes one query."""
        return self._posts(timezone.now(), *about, start=start, stop=stop, **options)

    def newest(self, about: Sequence[Value], stop: int) -> list[Post]:
        """Return the newest `stop` posts with everything that a feed shows. Takes one query."""
        return self._newest(timezone.now(), *about, stop=stop)

    def _posts_of_page(
        self,
        now: Parameter,
        *about: Any,
        start: int,
        stop: int,
        from_end: bool = False,
        **columns: bool,
    ) -> QuerySet[Any, Post]:
        ids = self._ids(now, *about)
        ids = ids.reverse() if from_end else ids
        if self._titles_only:
            # Without a condition on the kind, with which SQLite would read all posts.
            return Entry.objects.published(now).filter(pk__in=ids[start:stop]).for_titles()
        posts: PostQuerySet = Post.objects.published(now).filter(pk__in=ids[start:stop])
        return posts.for_listing(**columns)

    def _posts_of_feed(self, now: Parameter, *about: Any, stop: int) -> QuerySet[Any, Post]:
        posts: PostQuerySet = Post.objects.published(now).filter(pk__in=self._ids(now, *about)[:stop])
        return posts.for_feed()


all_posts: Final = Listing(lambda now: Post.objects.published(now).newest_first().values("pk"))
posts_in_category: Final = Listing(
    lambda now, category: PostInCategory.objects.public(now).filter(category=category).newest_first().values("post")
)
posts_by_author: Final = Listing(
    lambda now, author: Post.objects.published(now).filter(author=author).newest_first().values("pk")
)
posts_in_language: Final = Listing(
    lambda now, language: Post.objects.published(now).filter(language=language).newest_first().values("pk")
)


class ListingPaginator(Paginator[Any]):
    """The pages of the listing at `url`, whose posts are counted once for each version of entries.

    A page in the second half is read from the end, so that the last page takes no longer than the first.
    """

    def __init__(
        self, listing: Listing, about: Sequence[Any], site: SiteSettings, url: str, *, per_page: int | None = None
    ) -> None:
        super().__init__((), per_page or site.entries_per_page)
        self._listing, self._about = listing, about
        self._columns = listing_options(site)
        self.count = site.remember(lambda: listing.count(about), "count", url)

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        end = min(start + self.per_page, self.count)
        from_end = start > self.count // 2
        if from_end:
            start, end = self.count - end, self.count - start
        posts = self._listing.posts(self._about, start, end, from_end=from_end, **self._columns)
        return Page(posts, number, self)


def listing_response(
    request: SiteRequest,
    page_number: int | None,
    *,
    url: str,
    listing: Listing,
    about: Sequence[Any] = (),
    heading: str = "",
    title: str = "",
    author: User | None = None,
    description: str = "",
    feeds: Sequence[Link] = (),
    sticky: Sequence[Post] = (),
    nodes: Callable[[], Iterable[Node]] = tuple,
    not_found_if_empty: bool = False,
    is_combined: bool = False,
) -> HttpResponse:
    """Show one page of the listing at `url`, by default the first, which starts with the `sticky` posts.

    `title` is its unique title for browsers and search engines; only the front page has none. `author` and
    `description` are those of its subject, or of several if it `is_combined`. The `listing` gets the values `about`,
    and only the posts of the page are read. The first page has the structured data `nodes`. Raises Http404 past the
    last page, and for an empty listing if `not_found_if_empty`.
    """
    if page_number == 1:
        return HttpResponsePermanentRedirect(url)
    paginator = ListingPaginator(listing, about, request.site, url)
    if not_found_if_empty and not paginator.count:
        raise Http404(gettext("There are no posts here."))
    try:
        number = paginator.validate_number(page_number or 1)
    except EmptyPage as error:
        raise Http404(gettext("That page doesn't exist.")) from error
    if is_probe(request):
        return HttpResponse()
    page = paginator.page(number)
    shown = [*sticky, *(post for post in page if post not in sticky)]
    context = page_context(request, page, url, title=title, description=description, nodes=nodes) | {
        "heading": heading,
        "author": author,
        "description": description,
        "is_combined": is_combined,
        "posts": shown,
        "entries": _entries(shown, request.site, pinned=sticky),
        "locale": locale(get_language()),
        "feed_links": [*feeds, site_feed(request)],
    }
    return render(request, "blog/listing.html", context)


def page_context(
    request: SiteRequest,
    page: Page[Any],
    url: str,
    *,
    title: str,
    description: str = "",
    nodes: Callable[[], Iterable[Node]],
) -> dict[str, Any]:
    """Return the context about the position of `page` in the list at `url`, for browsers and search engines."""
    label = page_label(page.number, page.paginator.num_pages)
    links = pager(page, partial(listing_page_url, url))
    return {
        "page_title": join_parts(title, label),
        "meta_description": join_parts(label, title, description or request.site.tagline),
        "pager": links,
        "canonical_url": absolute_url(listing_page_url(url, page.number)),
        "json_ld": json_ld(nodes()) if page.number == 1 else "",
    }


def _entries(posts: Sequence[Post], site: SiteSettings, *, pinned: Sequence[Post]) -> SafeString:
    """Return the posts of a page as HTML, with or without their texts."""
    if look_of(site).appearance.list_style == ListStyle.TITLES:
        return entry_list(posts, site, pinned=pinned)
    return listed_posts(posts, site, pinned=pinned)


def page_label(number: int, total: int) -> str:
    """Return a label that distinguishes second and later pages in titles; empty for the first page."""
    return gettext("Page %(number)d of %(total)d") % {"number": number, "total": total} if number > 1 else ""


def join_parts(*parts: str) -> str:
    """Return a title or description that consists of these parts, any of which may be empty."""
    return " – ".join(filter(None, parts))


def site_feed(request: SiteRequest) -> Link:
    return Link(request.site.title, _feed_url())


def pager(page: Page[Any], url_of: Callable[[int], str]) -> Pager:
    """Return the pager of `page`. As in WordPress, pages with higher numbers have older posts."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    return Pager(
        older_url=url_of(page.number + 1) if page.has_next() else "",
        newer_url=url_of(page.number - 1) if page.has_previous() else "",
        pages=[
            PagerLink(number, url_of(number), current=number == page.number)
            if isinstance(number, int)
            else PagerLink(None)
            for number in numbers
        ],
    )


def listing_page_url(url: str, page_number: int) -> str:
    return url if page_number == 1 else f"{url}page/{page_number}/"
