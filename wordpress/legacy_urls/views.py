"""Views of legacy URLs. Each redirects one step towards the URL that serves the content now."""

from urllib.parse import quote, urlencode

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from blog import views
from core.site import SiteRequest
from wordpress.legacy_urls.query_forms import QUERY_FORMS, file_url, query_url


@require_safe
def front(request: SiteRequest) -> HttpResponse:
    """The front page, or a redirect if the query is one of WordPress's forms. Previews and searches are left alone."""
    # WordPress ignores parameters without a value.
    query = {name: str(value) for name, value in request.GET.items() if value}
    if not QUERY_FORMS & query.keys() or "s" in request.GET or request.GET.get("preview") == "true":
        return views.front(request)
    url = query_url(query)
    if url == request.path:
        # The query changes nothing, such as `?paged=1`.
        return views.front(request)
    return HttpResponsePermanentRedirect(url)


@require_safe
def without_index(request: SiteRequest, rest: str = "") -> HttpResponse:
    """`/index.php/2014/…` and `/index.php?p=5`: the same URL without `index.php`."""
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(f"{_path(rest)}{'?' + query if query else ''}")


@require_safe
def admin(request: SiteRequest) -> HttpResponse:
    return HttpResponsePermanentRedirect(reverse("admin:index"))


@require_safe
def feed(request: SiteRequest, base: str = "", ending: str = "feed/") -> HttpResponse:
    """The feed of the listing at `base`, under another name of its format."""
    return HttpResponsePermanentRedirect(f"{_path(base)}{ending}")


@require_safe
def search(request: SiteRequest, terms: str, page_number: str = "1") -> HttpResponse:
    """The search results for `terms`, which are part of the query here."""
    is_first = int(page_number) < 2
    url = reverse("blog:front") if is_first else reverse("blog:front_page", args=[int(page_number)])
    return HttpResponsePermanentRedirect(f"{url}?{urlencode({'s': terms.replace('+', ' ')})}")


@require_safe
def sitemap(request: SiteRequest) -> HttpResponse:
    return HttpResponsePermanentRedirect(reverse("sitemap"))


@require_safe
def file(request: SiteRequest, path: str) -> HttpResponse:
    return HttpResponsePermanentRedirect(file_url(path))


def _path(rest: str) -> str:
    """Return `rest` as a path with a single leading slash, so that it cannot name another host."""
    return "/" + quote(rest.lstrip("/\\"))
