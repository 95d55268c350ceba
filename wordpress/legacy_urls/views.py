"""Views of legacy URLs. Each redirects one step towards the URL that serves the content now."""

from urllib.parse import quote

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from blog.redirects.look_up import RedirectToPage
from blog.redirects.resolve import find_target_of_script
from core.site import SiteRequest
from search import views
from wordpress.legacy_urls.query_forms import QUERY_FORMS, drupal_target, file_url, query_target


@require_safe
def front(request: SiteRequest) -> HttpResponse:
    """Show the front page, or redirect from a query form of WordPress or Drupal, but not from previews and searches."""
    # WordPress ignores parameters without a value.
    query = {name: str(value) for name, value in request.GET.items() if value}
    is_search = "s" in request.GET and "feed" not in query
    if is_search or request.GET.get("preview") == "true":
        return views.front(request)
    target = query_target(query) if QUERY_FORMS & query.keys() else drupal_target(query)
    if target is None or target.url == request.path:
        # Some queries have no effect, such as `?paged=1`.
        return views.front(request)
    return (RedirectToPage if target.exists else HttpResponsePermanentRedirect)(target.url)


@require_safe
def shortened(request: SiteRequest, rest: str = "") -> HttpResponse:
    """Redirect to the rest of the URL, as from `/index.php/2014/…` and `/index.php?p=5` without `index.php`.

    If the old site was made with another program, a query of its own may lead elsewhere.
    """
    query = request.META.get("QUERY_STRING", "")
    if target := find_target_of_script(request.path, query):
        return RedirectToPage(target.url)
    return HttpResponsePermanentRedirect(f"{_path(rest)}{'?' + query if query else ''}")


@require_safe
def named(request: SiteRequest, name: str) -> HttpResponse:
    return HttpResponsePermanentRedirect(reverse(name))


@require_safe
def file(request: SiteRequest, path: str, folder: str = "") -> HttpResponse:
    return HttpResponsePermanentRedirect(file_url(request, path, folder))


def _path(rest: str) -> str:
    """Return `rest` as a path with a single leading slash, so that it can't name another host."""
    return "/" + quote(rest.lstrip("/\\"))
