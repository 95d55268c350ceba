"""The search page at WordPress's URL, `/?s=words`, and its redirects, suggestions and description."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from django.core.paginator import EmptyPage, Paginator
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from blog import views
from blog.appearance.options import Link
from blog.listings.listing import join_parts, listing_page_url, page_label, pager, site_feed
from blog.page_metadata.structured_data import Node
from blog.redirects.look_up import RedirectToPage
from core.site import SiteRequest, absolute_url
from core.urls import URLTemplate
from search.corrections import correct
from search.facets import MAX_COUNTED, facets_of
from search.finding import Hits, find_comments, find_entries
from search.queries import MAX_CHARACTERS, MAX_WORDS, Query, parse
from search.results import comment_results, entry_results
from search.suggestions import suggest

PARAMETER: Final = "s"
# The parameters on which pages of results and suggestions depend.
PARAMETERS: Final = frozenset({PARAMETER, "kind", "sort", "narrow", "paged", "q"})
_front_url: Final = URLTemplate("blog:front")


@dataclass(frozen=True, slots=True)
class _Search:
    query: Query
    in_comments: bool = False
    newest_first: bool = False
    # Whether to show facets, which cost as much as the search itself.
    is_narrowing: bool = False

    def url(self, page_number: int = 1) -> str:
        path = listing_page_url(_front_url(), page_number)
        parameters = {
            PARAMETER: self.query.text,
            "kind": "comments" if self.in_comments else "",
            "sort": "newest" if self.newest_first else "",
            "narrow": "1" if self.is_narrowing and page_number == 1 else "",
        }
        return f"{path}?{urlencode({name: value for name, value in parameters.items() if value or name == PARAMETER})}"


@require_safe
def front(request: SiteRequest, page_number: int | None = None) -> HttpResponse:
    """Show the results of a search, or the front page if nothing is searched for."""
    if PARAMETER not in request.GET:
        return views.front(request, page_number=page_number)
    search = _Search(
        parse(request.GET[PARAMETER]),
        in_comments=request.GET.get("kind") == "comments",
        newest_first=request.GET.get("sort") == "newest",
        is_narrowing=request.GET.get("narrow") == "1",
    )
    # As in WordPress without permalinks.
    paged = request.GET.get("paged", "")
    if page_number is None and paged.isascii() and paged.isdecimal() and 0 < len(paged) < 10 and int(paged) > 1:
        return HttpResponsePermanentRedirect(search.url(int(paged)))
    if page_number == 1:
        return HttpResponsePermanentRedirect(search.url())
    return _results(request, search, page_number or 1)


@require_safe
def by_path(request: SiteRequest, terms: str, page_number: int = 1) -> HttpResponse:
    """Redirect from WordPress's other URL of a search, such as `/search/words/page/2/`."""
    query = Query(terms.replace("+", " "))
    redirect = RedirectToPage if page_number == 1 else HttpResponsePermanentRedirect
    return redirect(_Search(query).url(page_number))


@require_safe
def suggestions(request: SiteRequest) -> JsonResponse:
    """Return suggestions for what has been typed so far, `?q=`."""
    return JsonResponse({"suggestions": suggest(request.GET.get("q", ""), request.site)})


@require_safe
def open_search(request: SiteRequest) -> HttpResponse:
    """Describe the search for browsers, which offer it in their address bars. Source: OpenSearch 1.1."""
    context = {"url": f"{absolute_url(_front_url())}?{PARAMETER}={{searchTerms}}"}
    content_type = "application/opensearchdescription+xml; charset=utf-8"
    return render(request, "search/description.xml", context, content_type=content_type)


def search_action() -> Node:
    """Return the search action for the structured data of the site (blog.page_metadata.structured_data)."""
    target = f"{absolute_url(_front_url())}?{PARAMETER}={{search_term_string}}"
    return {"@type": "SearchAction", "target": target, "query-input": "required name=search_term_string"}


def _results(request: SiteRequest, search: _Search, page_number: int) -> HttpResponse:
    query = search.query
    if query.is_empty:
        hits = Hits([])
    elif search.in_comments:
        hits = find_comments(query, request.site)
    else:
        hits = find_entries(query, request.site, best_first=not search.newest_first)
    try:
        page = Paginator(hits.pks, request.site.entries_per_page).page(page_number)
    except EmptyPage as error:
        raise Http404(gettext("That page doesn't exist.")) from error
    results = (comment_results if search.in_comments else entry_results)(list(page.object_list), query.words)
    is_first = page_number == 1 and not search.in_comments
    correction = correct(query, request.site) if is_first and (not hits.pks or hits.any_word) else ""
    label = page_label(page.number, page.paginator.num_pages)
    words = Truncator(query.text).chars(100)
    title = gettext("Search results for “%(words)s”") % {"words": words} if query.text else gettext("Search")
    context = {
        "heading": gettext("Not Found") if not hits.pks and not query.is_empty else gettext("Search Results"),
        "page_title": join_parts(title, label),
        "meta_description": join_parts(label, title),
        "search": search,
        "query": query,
        "results": results,
        "summary": _summary(hits, search) if hits.pks else "",
        "notices": _notices(hits, query),
        "correction": correction,
        "correction_url": replace(search, query=Query(correction)).url(),
        "tabs": [
            (gettext("Posts and pages"), _Search(query).url(), not search.in_comments),
            (gettext("Comments"), _Search(query, in_comments=True).url(), search.in_comments),
        ],
        "orders": [
            (gettext("Best match first"), replace(search, newest_first=False).url(), not search.newest_first),
            (gettext("Newest first"), replace(search, newest_first=True).url(), search.newest_first),
        ],
        "narrow_url": replace(search, is_narrowing=True).url() if is_first and len(hits.pks) > 1 else "",
        "facets": _facets(hits, search) if is_first and search.is_narrowing else [],
        # Facets count only the best hits if there are more.
        "are_all_counted": len(hits.pks) <= MAX_COUNTED,
        "pager": pager(page, search.url),
        "feed_links": [*_feed(query, title), site_feed(request)],
    }
    return render(request, "search/results.html", context)


def _summary(hits: Hits, search: _Search) -> str:
    count = len(hits.pks)
    if search.in_comments:
        text = ngettext("%(count)s comment found.", "%(count)s comments found.", count)
        more = gettext("More than %(count)s comments found. These are the newest ones.")
    else:
        text = ngettext("%(count)s post or page found.", "%(count)s posts and pages found.", count)
        more = (
            gettext("More than %(count)s posts and pages found. These are the newest ones.")
            if search.newest_first
            else gettext("More than %(count)s posts and pages found. These match best. Add a word to narrow it down.")
        )
    return (more if hits.has_more else text) % {"count": number_format(count, force_grouping=True)}


def _notices(hits: Hits, query: Query) -> list[str]:
    """Return the notices about the query that are shown before the results."""
    notices = []
    if query.is_cut:
        text = gettext("Only the first %(words)d words, and %(characters)d characters, were searched for.")
        notices.append(text % {"words": MAX_WORDS, "characters": MAX_CHARACTERS})
    if hits.any_word:
        notices.append(gettext("No post or page has all of these words. These have some of them."))
    unknown = {
        "tag": gettext("There is no tag called “%(name)s”."),
        "category": gettext("There is no category called “%(name)s”."),
        "author": gettext("There is no author called “%(name)s”."),
    }
    notices += [unknown[each.name] % {"name": each.value} for each in hits.unknown]
    return notices


def _facets(hits: Hits, search: _Search) -> list[tuple[str, list[tuple[str, int, str]]]]:
    """Return the headings of facets with their links, each with a count."""
    text, narrowed = search.query.text, replace(search, is_narrowing=False)
    # Filters come first, because the last word may be unfinished, or its quotation mark may be open.
    return [
        (
            label,
            [(link.label, link.count, replace(narrowed, query=Query(f"{link.filter} {text}")).url()) for link in links],
        )
        for label, links in facets_of(hits.pks)
    ]


def _feed(query: Query, title: str) -> list[Link]:
    # Slashes would make it another path.
    terms = query.text.replace("/", " ").strip()
    return [Link(title, reverse("search:search_feed", args=[terms]))] if terms else []
