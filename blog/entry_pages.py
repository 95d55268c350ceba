"""The public page of a post or page: its text, everything around it, and the form for its password."""

import re
from typing import Any
from urllib.parse import unquote

from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext

from blog import breadcrumbs, passwords, privacy
from blog.appearance.looks import look_of
from blog.appearance.options import Link
from blog.caching import mark_private
from blog.enclosed_players import enclosed_players
from blog.listings.archives import list_years
from blog.listings.listing import join_parts, page_label, site_feed
from blog.models import Entry, Post
from blog.overviews import ARCHIVE
from blog.page_metadata.lead_pictures import lead_picture
from blog.page_metadata.open_graph import article, locale, oembed_url
from blog.page_metadata.structured_data import blog_posting, breadcrumb_list, json_ld
from blog.portraits import about_author
from blog.related import related_section
from blog.rendering import PAGE_BREAK
from blog.rendering.headings import link_headings
from blog.rendering.images import load_first_eagerly
from blog.terms import links_to, terms_of
from core.languages import activate_language, alternates, separator
from core.prepared import Prepared
from core.privacy import describe_kept_data
from core.sender import sender
from core.site import SiteRequest, absolute_url, is_probe

_ID = re.compile(r'\sid="([^"<>]*)"')
_INTERNAL_LINK = re.compile(r'(<a\b[^<>]*?\shref=")#([^"<>]+)"')
_translations_of = Prepared[Entry](
    lambda now, group, pk: (
        Entry.objects.published(now)
        .filter(translation_group=group)
        .exclude(Q(pk=pk) | Q(language=""))
        .only("kind", "language", "status", "slug", "published_at", "published_on", "path", "noindex")
        .order_by("language")
    )
)
# Without a condition on the kind, with which SQLite would read all pages.
_children = Prepared[Entry](
    lambda now, page: (
        Entry.objects.published(now)
        .filter(parent=page)
        .only("kind", "title", "path", "language", "password")
        .order_by("menu_order", "title", "pk")
    )
)


def reader_response(request: SiteRequest, entry: Entry, page_number: int) -> HttpResponse:
    """Show a page of an entry, or respond to its password form or to a form on its unlocked page.

    A POST carries no authority other than the password, so it needs no CSRF token, and the form works on cached pages.
    """
    if entry.password and request.method == "POST":
        return _password_response(request, entry)
    if request.method == "POST" or (entry.is_locked and page_number > 1):
        # Either the password has been removed, or the number of pages must not be revealed.
        return HttpResponseRedirect(entry.get_absolute_url())
    return entry_response(request, entry, page_number=page_number)


def _password_response(request: SiteRequest, entry: Entry) -> HttpResponse:
    activate_language(entry.language)
    try:
        if "password_token" in request.POST:
            is_right = passwords.unlock_with_token(entry, request.POST["password_token"])
        else:
            is_right = passwords.unlock(entry, request.POST.get("post_password", ""), sender(request))
        response = entry_response(request, entry, status=200 if is_right else 403)
    except passwords.TooManyGuessesError:
        response = entry_response(request, entry, status=429)
        response.headers["Retry-After"] = str(passwords.PERIOD)
    mark_private(response)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def entry_response(
    request: SiteRequest, entry: Entry, *, page_number: int = 1, status: int = 200, preview: bool = False, **extra: Any
) -> HttpResponse:
    """Show one page of a post or page; a preview, or one with a password, shows all its pages together.

    `extra` is further context, such as a submitted comment form. Raises Http404 past the last page.
    """
    htmls: list[str] = [entry.body] if preview or entry.password else entry.body_with_breaks.split(PAGE_BREAK)
    if page_number > len(htmls):
        raise Http404(gettext("That page doesn't exist."))
    if is_probe(request):
        return HttpResponse()
    activate_language(entry.language)
    site = request.site
    urls = [entry_page_url(entry, number) for number in range(1, len(htmls) + 1)]
    html = htmls[0] if len(htmls) == 1 else _with_links_between_pages(htmls, urls, page_number)
    if entry.path == ARCHIVE:
        html = list_years(html, site)
    if page_number > 1 or not entry.picture:
        # The featured image is above the text of the first page.
        html = load_first_eagerly(html)
    html, contents = link_headings(html)
    label = page_label(page_number, len(htmls))
    picture = lead_picture(entry)
    # Previews, later pages, and entries with a password or hidden from search engines have no structured data.
    is_described = page_number == 1 and not (preview or entry.password or entry.noindex)
    comment_feed = Link(gettext("Comments on: %(title)s") % {"title": entry}, f"{entry.get_absolute_url()}feed/")
    context = {
        "entry_html": mark_safe(html),  # noqa: S308  # blog.rendering sanitised the whole before it was stored
        "contents": contents,
        "page_number": page_number,
        "page_urls": urls,
        "page_title": join_parts(str(entry), label),
        "meta_description": join_parts(label, entry.summary or str(entry)),
        "canonical_url": absolute_url(urls[page_number - 1]),
        "picture": picture,
        "locale": locale(entry.language or get_language()),
        "noindex": entry.noindex,
        **_translations(entry),
        # The first one is what most feed readers offer.
        "feed_links": [site_feed(request), comment_feed],
        "preview": preview,
    }
    if page_number == 1 and not entry.is_locked:
        context["players"] = enclosed_players(entry, site)
    if isinstance(entry, Post):
        terms, comma = terms_of([entry])[entry.pk], separator()
        context |= {"categories": links_to(terms.categories, comma), "tags": links_to(terms.tags, comma)}
        if entry.is_public:
            context["related"] = related_section(entry, request.site)
        if site.show_author and look_of(site).appearance.about_author:
            context["about_author"] = about_author(entry.author, site)
        older, newer = entry.neighbours()
        context |= {"post": entry, "previous": older, "next": newer}
        if is_described:
            trail = breadcrumb_list(site, breadcrumbs.to_post(entry, terms))
            nodes = [blog_posting(entry, terms, picture, site), trail]
            context |= {
                "json_ld": json_ld(nodes),
                "article": article(entry, terms),
                "oembed_url": oembed_url(entry),
            }
        template = "blog/post.html"
    else:
        context |= {"page": entry, "children": _children(timezone.now(), entry.pk)}
        if entry.path == privacy.PATH:
            context["kept_data"] = describe_kept_data(site)
        if is_described:
            nodes = [breadcrumb_list(site, breadcrumbs.to_page(entry))]
            context |= {"json_ld": json_ld(nodes), "oembed_url": oembed_url(entry)}
        template = "blog/page.html"
    return render(request, template, context | extra, status=status)


def _translations(entry: Entry) -> dict[str, Any]:
    """Return the context about the translations that readers may see. Takes one query if there are any."""
    if not (entry.language and entry.translation_group):
        return {"translations": [], "alternates": []}
    linked = _translations_of(timezone.now(), entry.translation_group, entry.pk)
    urls = {each.language: absolute_url(each.get_absolute_url()) for each in (entry, *linked) if not each.noindex}
    return {"translations": linked, "alternates": [] if entry.noindex else alternates(urls)}


def entry_page_url(entry: Entry, page_number: int) -> str:
    url = entry.get_absolute_url()
    return url if page_number == 1 else f"{url}{page_number}/"


def _with_links_between_pages(htmls: list[str], urls: list[str], page_number: int) -> str:
    """Return the HTML of a page in which links to anything on another page, such as a footnote, lead to that page."""
    page_of_id: dict[str, int] = {}
    for number, html in enumerate(htmls, start=1):
        for html_id in _ID.findall(html):
            page_of_id.setdefault(html_id, number)

    def replace(link: re.Match[str]) -> str:
        number = page_of_id.get(unquote(link[2]), page_number)
        return link[0] if number == page_number else f'{link[1]}{urls[number - 1]}#{link[2]}"'

    return _INTERNAL_LINK.sub(replace, htmls[page_number - 1])
