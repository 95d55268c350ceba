"""The index of tags at `/tags/`: the letters, the most used tags, the tags of a letter, and search results.

Only tags with posts that readers can see are in it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Final

from django.core.paginator import EmptyPage, Paginator
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from blog.appearance.blocks import Options, SidebarBlock
from blog.appearance.options import CountField
from blog.listings.listing import join_parts, listing_page_url, page_label, pager, site_feed
from blog.overviews import is_free, overview_url
from blog.sidebar import Line
from core.models import SiteSettings
from core.prepared import Parameter, Prepared
from core.scripts import language_of
from core.site import SiteRequest, absolute_url, is_probe
from core.text import remove_unstorable
from tags.letters import HAN, SYMBOLS, letter_of, script_of, sort_key_of
from tags.models import Tag, TaggedPost, TagQuerySet
from tags.names import search_key
from tags.tagging import tag_url

PARAMETER: Final = "q"
# The slug with which a page replaces the index (blog.generated_pages).
PATH: Final = "tags"
# Stands for symbols in URLs. No letter looks like this.
_SYMBOLS_IN_URLS: Final = "0-9"
_LETTER_PAGE: Final = re.compile(rf"(?P<letter>[^/]|{_SYMBOLS_IN_URLS})(?:/page/(?P<number>[1-9][0-9]{{0,8}}))?")
TAGS_PER_PAGE: Final = 250
_MOST_USED: Final = 100
_MAX_CHARACTERS: Final = 100
_MAX_WORDS: Final = 5


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter of the index, with the number of its tags."""

    label: str
    url: str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class _ListedTag:
    name: str
    url: str
    count: int

    @property
    def language(self) -> str:
        """The language of its name, if its script tells that it isn't the one of the page."""
        return language_of(self.name)


def _is_used(now: Parameter) -> Exists:
    return Exists(TaggedPost.objects.public(now).filter(tag=OuterRef("pk")))


def _with_use(now: Parameter, tags: TagQuerySet) -> QuerySet[Any, tuple[str, str, int]]:
    """Return the name, slug and number of posts of each of these tags that is used."""
    posts = TaggedPost.objects.public(now).filter(tag=OuterRef("pk")).order_by().values("tag")
    count = Subquery(posts.annotate(value=Count("*")).values("value"), output_field=IntegerField())
    used = tags.filter(_is_used(now)).annotate(public_count=count)
    return used.values_list("name", "slug", "public_count")


@Prepared
def letter_counts(now: Parameter) -> QuerySet[Any, tuple[str, int]]:
    # Finding all tags in one pass takes less than half the time of looking up each one.
    ids = TaggedPost.objects.public(now).order_by().values("tag").distinct()
    used: Any = Tag.objects.filter(pk__in=ids).order_by()
    counted: QuerySet[Any, tuple[str, int]] = used.values_list("initial").annotate(count=Count("*"))
    return counted


@Prepared
def tags_of_letter(now: Parameter, letter: Parameter, *, start: int, stop: int) -> QuerySet[Any, tuple[str, str, int]]:
    return _with_use(now, Tag.objects.filter(initial=letter)).order_by("initial", "sort_key", "pk")[start:stop]


@Prepared
def most_used(now: Parameter) -> QuerySet[Any, tuple[int, int]]:
    rows: Any = TaggedPost.objects.public(now).order_by().values_list("tag")
    counted: QuerySet[Any, tuple[int, int]] = rows.annotate(count=Count("*")).order_by("-count", "tag")
    return counted[:_MOST_USED]


@Prepared
def tags_with_words(now: Parameter, *words: Parameter, stop: int) -> QuerySet[Any, tuple[str, str, int]]:
    tags = Tag.objects.all()
    for word in words:
        tags = tags.filter(search_key__contains=word)
    # In the order of an index that has all names. Otherwise, SQLite would read all tags if few have the words.
    return _with_use(now, tags).order_by("search_key", "pk")[:stop]


def count_by_letter(site: SiteSettings) -> Sequence[tuple[str, int]]:
    """Return each letter with the number of its tags. The site remembers them."""
    return site.remember(lambda: letter_counts(timezone.now()), "letters of tags")


_names = Prepared[tuple[int, str, str]](lambda pks: Tag.objects.filter(pk__in=pks).values_list("pk", "name", "slug"))


@require_safe
def index(request: SiteRequest, rest: str = "") -> HttpResponse:
    """Show the index, the tags of a letter, or those that have the words in `?q=`. Raises Http404 if there are none."""
    if rest:
        found = _LETTER_PAGE.fullmatch(rest)
        if found is None:
            raise Http404(gettext("That page doesn't exist."))
        return _letter_response(request, found["letter"], int(found["number"]) if found["number"] else None)
    if is_probe(request):
        return HttpResponse()
    words = remove_unstorable(request.GET.get(PARAMETER, "")[:_MAX_CHARACTERS]).strip()
    return _search_response(request, words) if search_key(words) else _front_response(request)


def _front_response(request: SiteRequest) -> HttpResponse:
    return _response(
        request,
        heading=gettext("Tags"),
        tags=request.site.remember(_most_used_tags, "most used tags"),
        by_use=True,
        canonical_url=absolute_url(index_url()),
    )


def _search_response(request: SiteRequest, words: str) -> HttpResponse:
    keys = list(dict.fromkeys(search_key(words).split()))[:_MAX_WORDS]
    tags = _listed(tags_with_words(timezone.now(), *keys, stop=TAGS_PER_PAGE + 1))
    response = _response(
        request,
        heading=gettext("Tags with “%(words)s”") % {"words": words},
        words=words,
        tags=tags[:TAGS_PER_PAGE],
        has_more=len(tags) > TAGS_PER_PAGE,
    )
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _letter_response(request: SiteRequest, given: str, page_number: int | None) -> HttpResponse:
    letter = SYMBOLS if given == _SYMBOLS_IN_URLS else letter_of(sort_key_of(given))
    url = index_url(letter)
    if page_number == 1 or given != _in_url(letter):
        return HttpResponsePermanentRedirect(url)
    total = dict(count_by_letter(request.site)).get(letter)
    if not total:
        raise Http404(gettext("No tag begins with this letter."))
    paginator = Paginator(range(total), TAGS_PER_PAGE)
    try:
        page = paginator.page(page_number or 1)
    except EmptyPage as error:
        raise Http404(gettext("That page doesn't exist.")) from error
    if is_probe(request):
        return HttpResponse()
    start = (page.number - 1) * TAGS_PER_PAGE
    found = tags_of_letter(timezone.now(), letter, start=start, stop=start + TAGS_PER_PAGE)
    if letter == SYMBOLS:
        heading = gettext("Tags that begin with a digit or a symbol")
    else:
        heading = gettext("Tags under %(letter)s") % {"letter": _label(letter)}
    return _response(
        request,
        heading=heading,
        letter=letter,
        label=page_label(page.number, paginator.num_pages),
        tags=_listed(found),
        pages=pager(page, partial(listing_page_url, url)).pages if paginator.num_pages > 1 else [],
        canonical_url=absolute_url(listing_page_url(url, page.number)),
    )


def _response(request: SiteRequest, *, heading: str, letter: str = "", label: str = "", **context: Any) -> HttpResponse:
    context |= {
        "heading": heading,
        "page_title": join_parts(heading, label),
        "meta_description": join_parts(label, heading, request.site.tagline),
        "scripts": _by_script(count_by_letter(request.site), letter),
        "index_url": index_url(),
        "feed_links": [site_feed(request)],
    }
    return render(request, "tags/index.html", context)


def _most_used_tags() -> list[_ListedTag]:
    counts = dict(most_used(timezone.now()))
    tags = [_ListedTag(name, tag_url(slug), counts[pk]) for pk, name, slug in _names(list(counts))]
    return sorted(tags, key=lambda tag: (-tag.count, sort_key_of(tag.name), tag.name))


def _listed(rows: Iterable[tuple[str, str, int]]) -> list[_ListedTag]:
    return [_ListedTag(name, tag_url(slug), count) for name, slug, count in rows]


def _by_script(counts: Iterable[tuple[str, int]], current: str) -> list[list[_Letter]]:
    """Return the letters of each script, in Unicode's order, and the symbols last."""
    letters = sorted(counts, key=lambda item: (item[0] == SYMBOLS, item[0]))
    return [
        [_Letter(_label(letter), index_url(letter), count, letter == current) for letter, count in group]
        for _script, group in groupby(letters, key=lambda item: script_of(item[0]))
    ]


def _label(letter: str) -> str:
    return "汉字" if letter == HAN else letter.title()


def _in_url(letter: str) -> str:
    return _SYMBOLS_IN_URLS if letter == SYMBOLS else letter


def index_url(letter: str = "") -> str:
    return overview_url(f"{PATH}/{_in_url(letter)}" if letter else PATH)


@Prepared
def link_rows(now: Parameter) -> QuerySet[Any, tuple[int]]:
    """Return a row for the sidebar if the index exists and has any tags (blog.sidebar)."""
    any_used = TaggedPost.objects.public(now).order_by().values("tag")[:1]
    return Tag.objects.filter(is_free(PATH, now), pk=Subquery(any_used)).order_by().values_list("pk")


def link_lines(rows: Sequence[tuple[int]]) -> Sequence[Line]:
    return [Line(gettext("Tags"), index_url()) for _pk in rows]


def cloud(site: SiteSettings, options: Options) -> dict[str, Any]:
    """Return the most used tags by name, for the sidebar block."""
    most = site.remember(_most_used_tags, "most used tags")[: options["count"]] if options["count"] else []
    return {"tags": sorted(most, key=lambda tag: (sort_key_of(tag.name), tag.name))}


SIDEBAR_BLOCK: Final = SidebarBlock(
    "tags/sidebar.html",
    link_rows,
    link_lines,
    label=_("Tags"),
    options={"count": CountField(0, least=0, label=_("Number of the most used tags to show, besides the link to all"))},
    context=cloud,
    order=40,
)
