"""Old addresses that no page here has: each answers with the next step on the way to the new one."""

from urllib.parse import quote, urlencode

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from blog import views
from blog.site import SiteRequest
from wordpress.addresses import QUERY_FORMS, file_address, query_address


@require_safe
def front(request: SiteRequest) -> HttpResponse:
    """The front page, unless its query is one of WordPress's forms. A preview is the blog's own business."""
    # WordPress takes a form without a value for none.
    query = {name: str(value) for name, value in request.GET.items() if value}
    if not QUERY_FORMS & query.keys() or "s" in request.GET or request.GET.get("preview") == "true":
        return views.front(request)
    address = query_address(query)
    if address == request.path:
        # A form that says nothing, such as `?paged=1`.
        return views.front(request)
    return HttpResponsePermanentRedirect(address)


@require_safe
def without_index(request: SiteRequest, rest: str = "") -> HttpResponse:
    """`/index.php/2014/…` and `/index.php?p=5`: the same without it."""
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(f"{_path(rest)}{'?' + query if query else ''}")


@require_safe
def admin(request: SiteRequest) -> HttpResponse:
    return HttpResponsePermanentRedirect(reverse("admin:index"))


@require_safe
def feed(request: SiteRequest, base: str = "", ending: str = "feed/") -> HttpResponse:
    """The feed that goes with the listing at `base`, by another name for its format."""
    return HttpResponsePermanentRedirect(f"{_path(base)}{ending}")


@require_safe
def search(request: SiteRequest, words: str, number: str = "1") -> HttpResponse:
    """What was found for `words`: they are in the query here."""
    address = reverse("blog:front") if int(number) < 2 else reverse("blog:front_page", args=[int(number)])
    return HttpResponsePermanentRedirect(f"{address}?{urlencode({'s': words.replace('+', ' ')})}")


@require_safe
def sitemap(request: SiteRequest) -> HttpResponse:
    return HttpResponsePermanentRedirect(reverse("sitemap"))


@require_safe
def file(request: SiteRequest, path: str) -> HttpResponse:
    return HttpResponsePermanentRedirect(file_address(path))


def _path(rest: str) -> str:
    """The path of `rest`, which cannot name another host: it starts with one slash."""
    return "/" + quote(rest.lstrip("/\\"))
