"""WordPress's parameters that can follow any path."""

import re
from urllib.parse import quote, urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect

from blog.redirects.look_up import RedirectToPage
from core.languages import CODE
from core.middleware import Middleware
from core.urls import is_admin_path
from wordpress.legacy_urls.query_forms import entry_target, is_file, path_ending

# Where plugins for blogs in several languages have the front page of a language, and search in it.
_LANGUAGE_FRONT = re.compile(rf"/{CODE}/")


class QueryFormsMiddleware(Middleware):
    """Redirects from `/tag/x/?feed=rss2` to `/tag/x/feed/`, from `?paged=2` to `page/2/`, from `/x/?p=5` to an entry.

    It also redirects from a search in a language, such as `/ar/?s=word`, to the search. As in WordPress, an ID prevails
    over the path. Links in texts may consist of nothing else (`?p=5`), so they depend on the page that shows them.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # WordPress ignores parameters without a value.
        query = {name: str(value) for name, value in request.GET.items() if value}
        # At the root, there are other forms (wordpress.legacy_urls.views).
        if not query or request.path == "/" or request.method not in {"GET", "HEAD"} or is_admin_path(request.path):
            return self.get_response(request)
        if ending := path_ending(query):
            # Two slashes at the start would name a host.
            return HttpResponsePermanentRedirect(f"/{quote(request.path.strip('/'))}/{ending}")
        if "s" in query and _LANGUAGE_FRONT.fullmatch(request.path):
            return HttpResponsePermanentRedirect(f"/?{urlencode({'s': query['s']})}")
        return _redirect_to_entry(request, query) or self.get_response(request)


def _redirect_to_entry(request: HttpRequest, query: dict[str, str]) -> HttpResponse | None:
    try:
        target = entry_target(query)
    except Http404:
        target = None
    # Sitemaps have parameters of their own.
    if target is None or is_file(request.path):
        return None
    return (RedirectToPage if target.exists else HttpResponsePermanentRedirect)(target.url)
