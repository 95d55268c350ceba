"""Which requests the page cache answers, and which of them get the same page."""

from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from blog.caching import noindex_parameters, page_parameters, private_parameters
from core.urls import is_admin_path, is_script

# The environment of a WSGI request.
Environ = dict[str, Any]

# In the environment of a request whose response the page cache may store, and compresses.
FOR_PAGE_CACHE: Final = "broadside.for_page_cache"
# In the environment of a request: whether the page was requested recently.
KNOWN_PAGE: Final = "broadside.known_page"
# In the environment of a request for a cacheable page, once the response begins: whether it came from the cache.
FROM_CACHE: Final = "broadside.from_cache"
# No page has longer paths or parameter values. WSGI decodes each byte separately, so a slug of 200 characters takes up
# to 800.
_MAX_PATH_LENGTH: Final = 2_000
_MAX_VALUE_LENGTH: Final = 300
_MAX_PARAMETERS: Final = 30


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What determines which public page a reader gets: the path and, in `query`, the parameters that matter.

    `is_secure` is whether it came over HTTPS, because some headers of the response depend on that.
    """

    path: str
    query: str
    is_secure: bool

    def environ(self, environ: Environ) -> Environ:
        """Return the environment of an unconditional GET request that has only the parameters in `query`."""
        page = {
            name: value
            for name, value in environ.items()
            if name not in {"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"}
        }
        return page | {"REQUEST_METHOD": "GET", "QUERY_STRING": self.query, FOR_PAGE_CACHE: True}


def page_request(environ: Environ) -> PageRequest | None:
    """Return the page that is requested, or None if Django has to answer.

    Django answers if the request may not come from an anonymous reader, if it is for the admin, where any parameter may
    matter, if it forbids caches to store anything (RFC 9111, 5.2.1.5), as `verify_import` does, and if it might be
    redirected to another host or to HTTPS. It also answers if a script is requested with a query, on which redirects
    from it depend.
    """
    path = environ["PATH_INFO"]
    if (
        environ["REQUEST_METHOD"] not in {"GET", "HEAD"}
        or settings.SESSION_COOKIE_NAME in environ.get("HTTP_COOKIE", "")
        or "no-store" in environ.get("HTTP_CACHE_CONTROL", "").lower()
        or environ.get("SCRIPT_NAME")
        or len(path) > _MAX_PATH_LENGTH
        or path.startswith((settings.STATIC_URL, settings.MEDIA_URL))
        or is_admin_path(path)
        or not _is_own_host(environ.get("HTTP_HOST", ""))
    ):
        return None
    is_secure = _is_secure(environ)
    if settings.SECURE_SSL_REDIRECT and not is_secure:
        return None
    query = environ.get("QUERY_STRING")
    if query and is_script(path):
        return None
    page_query = _page_query(query) if query else ""
    return None if page_query is None else PageRequest(path, page_query, is_secure)


def own_host() -> Environ:
    """Return the part of a request's environment that addresses the site's own host and scheme."""
    site = urlsplit(settings.SITE_URL)
    environ = {"HTTP_HOST": site.netloc, "wsgi.url_scheme": site.scheme}
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure_value = settings.SECURE_PROXY_SSL_HEADER
        environ[name] = secure_value if site.scheme == "https" else ""
    return environ


def _is_own_host(host: str) -> bool:
    """Return whether Django would accept this host, and would not redirect from it (see FormerHostsMiddleware)."""
    domain, _port = split_domain_port(host)
    return validate_host(domain, settings.ALLOWED_HOSTS) and domain not in settings.BROADSIDE_FORMER_HOSTS


def _is_secure(environ: Environ) -> bool:
    """Return whether Django considers the request to have come over HTTPS (see HttpRequest.scheme)."""
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure_value = settings.SECURE_PROXY_SSL_HEADER
        value: str | None = environ.get(name)
        if value is not None:
            return value.split(",", 1)[0].strip() == secure_value
    return bool(environ["wsgi.url_scheme"] == "https")


def _page_query(query: str) -> str | None:
    """Return the parameters that determine the page, in a fixed order; None if the page must not be stored."""
    try:
        # WSGI decodes bytes as Latin-1.
        decoded = query.encode("latin-1").decode(errors="replace")
        pairs = parse_qsl(decoded, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return None
    names = frozenset().union(*page_parameters.values())
    not_stored = {*private_parameters.values(), *noindex_parameters.values()} - names
    if not not_stored.isdisjoint(name for name, _value in pairs):
        return None
    pairs = sorted((pair for pair in pairs if pair[0] in names), key=itemgetter(0))
    return None if any(len(value) > _MAX_VALUE_LENGTH for _name, value in pairs) else urlencode(pairs)
