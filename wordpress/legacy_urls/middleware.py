"""The feed or the further page of a listing or an entry, as a parameter."""

from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect

from core.middleware import Middleware
from wordpress.legacy_urls.query_forms import path_ending


class PathEndingMiddleware(Middleware):
    """Redirects from WordPress's `/tag/x/?feed=rss2` to `/tag/x/feed/`, and from `?paged=2` to `page/2/`."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # WordPress ignores parameters without a value.
        query = {name: str(value) for name, value in request.GET.items() if value}
        # At the root, these are among other forms (wordpress.legacy_urls.views).
        if request.method in {"GET", "HEAD"} and request.path != "/" and (ending := path_ending(query)):
            # Two slashes at the start would name a host.
            return HttpResponsePermanentRedirect(f"/{quote(request.path.strip('/'))}/{ending}")
        return self.get_response(request)
