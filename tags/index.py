"""The index of tags at `/tags/`: the letters, the most used tags, those of a letter, and those that are searched for.

Only tags with posts that readers can see are in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Final

from django.core.paginator import EmptyPage, Paginator
from django.db.models import CharField, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.http import Http404, HttpResponse, HttpResponseNotAllowed, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt

from blog.listing import join_parts, page_label, pager, site_feed
from blog.models import Page, Redirect
from blog.models.redirect import normalise_path
from blog.sidebar import EMPTY, ZERO, Line, Row
from blog.views import page as page_of_blog
from core.memory import remembered
from core.models import SiteSettings
from core.prepared import Parameter, Prepared
from core.site import SiteRequest, absolute_url, is_probe
from tags.letters import HAN, SYMBOLS, letter_of, script_of, sort_key_of
from tags.models import Tag, TaggedPost, TagQuerySet, search_key
from tags.tagging import tag_url

PARAMETER: Final = "q"
# The path of a page of one's own that is shown in place of the index.
PATH: Final = "tags"
# In URLs. No letter looks like this.
SYMBOLS_IN_URLS: Final = "0-9"
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


def _is_used(now: Parameter) -> Exists:
    return Exists(TaggedPost.objects.public(now).filter(tag=OuterRef("pk")))


def _with_use(now: Parameter, tags: TagQuerySet) -> QuerySet[Any, tuple[str, str, int]]:
    """Return the name, slug and number of posts of those of the tags that are used, in the order of the index."""
    posts = TaggedPost.objects.public(now).filter(tag=OuterRef("pk")).order_by().values("tag")
    count = Subquery(posts.annotate(value=Count("*")).values("value"), output_field=IntegerField())
    used = tags.filter(_is_used(now)).annotate(public_count=count).order_by("initial", "sort_key", "pk")
    return used.values_list("name", "slug", "public_count")


@Prepared
def letter_counts(now: Parameter) -> QuerySet[Any, tuple[str, int]]:
    used: Any = Tag.objects.filter(_is_used(now)).order_by()
    counted: QuerySet[Any, tuple[str, int]] = used.values_list("initial").annotate(count=Count("*"))
    return counted


@Prepared
def tags_of_letter(now: Parameter, letter: Parameter, *, start: int, stop: int) -> QuerySet[Any, tuple[str, str, int]]:
    return _with_use(now, Tag.objects.filter(initial=letter))[start:stop]


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
    return _with_use(now, tags)[:stop]


_names = Prepared[tuple[int, str, str]](lambda pks: Tag.objects.filter(pk__in=pks).values_list("pk", "name", "slug"))


@csrf_exempt
def index(request: SiteRequest, letter: str = "", page_number: int | None = None) -> HttpResponse:
    """Show the index, the tags of a letter, or those that have the words in `?q=`.

    What was at this URL before the site had an index, such as an imported page, is shown instead of it. Like any page,
    it may have a form for its password.
    """
    if _is_taken(request):
        return page_of_blog(request, path=request.path.strip("/"))
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if letter:
        return _letter_response(request, letter, page_number)
    if is_probe(request):
        return HttpResponse()
    words = request.GET.get(PARAMETER, "")[:_MAX_CHARACTERS].strip()
    return _search_response(request, words) if search_key(words) else _front_response(request)


def _is_taken(request: SiteRequest) -> bool:
    def is_taken() -> bool:
        pages = Page.objects.published().filter(path__in={PATH, request.path.strip("/")})
        return pages.exists() or Redirect.objects.filter(path=normalise_path(request.path)).exists()

    return remembered(request.site, is_taken, "in place of the index of tags", request.path)


def _front_response(request: SiteRequest) -> HttpResponse:
    return _response(
        request,
        heading=gettext("Tags"),
        tags=remembered(request.site, _most_used_tags, "most used tags"),
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
    letter = SYMBOLS if given == SYMBOLS_IN_URLS else letter_of(sort_key_of(given))
    url = index_url(letter)
    if page_number == 1 or given != _in_url(letter):
        return HttpResponsePermanentRedirect(url)
    total = dict(_letter_counts(request.site)).get(letter)
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
        pages=pager(page, partial(_page_url, url)).pages if paginator.num_pages > 1 else [],
        canonical_url=absolute_url(_page_url(url, page.number)),
    )


def _response(request: SiteRequest, *, heading: str, letter: str = "", label: str = "", **context: Any) -> HttpResponse:
    context |= {
        "heading": heading,
        "page_title": join_parts(heading, label),
        "meta_description": join_parts(label, heading, request.site.tagline),
        "scripts": _by_script(_letter_counts(request.site), letter),
        "index_url": index_url(),
        "feed_links": [site_feed(request)],
    }
    return render(request, "tags/index.html", context)


def _letter_counts(site: SiteSettings) -> Sequence[tuple[str, int]]:
    return remembered(site, lambda: letter_counts(timezone.now()), "letters of tags")


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
    return SYMBOLS_IN_URLS if letter == SYMBOLS else letter


def index_url(letter: str = "") -> str:
    return reverse("tags:letter", args=[_in_url(letter)]) if letter else reverse("tags:index")


def _page_url(url: str, page_number: int) -> str:
    return url if page_number == 1 else f"{url}page/{page_number}/"


def link_rows() -> QuerySet[Any, Any]:
    """Return a row for the sidebar if the index is there and has any tags (blog.sidebar)."""
    path = Value(PATH, output_field=CharField())
    any_used = TaggedPost.objects.public().order_by().values("tag")[:1]
    is_taken = Q(Exists(Page.objects.published().filter(path=PATH))) | Q(
        Exists(Redirect.objects.filter(path=f"/{PATH}/"))
    )
    tags = Tag.objects.filter(~is_taken, pk=Subquery(any_used))
    return tags.values_list(ZERO, ZERO, EMPTY, path, ZERO)


def link_lines(rows: Sequence[Row]) -> Sequence[Line]:
    return [Line(gettext("Tags"), index_url()) for _row in rows]
