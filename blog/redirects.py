"""Old addresses lead to new ones, in one step however many there were, and only to what answers."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase

from accounts.slugs import slugify
from blog import caching
from blog.addresses import OldAddress, as_stored
from blog.guesses import guessed, rewritten
from blog.models import Category, Post
from blog.site import absolute_url

# A chain of these is longer than any that our rules make: a slip in them must not go round for ever.
MAX_STEPS: Final = 6
# What others hang on to addresses to follow people with. It says nothing about the page.
NOISE = re.compile(r"utm_\w*|(?:fb|g|dc|ms|tw|ys)clid|gclsrc|[gw]braid|igshid|mc_[ce]id|_ga|ref_src", re.IGNORECASE)
# What stands behind the address of a listing or an entry.
ENDING = re.compile(r"(?:page/[0-9]{1,9}|feed(?:/(?:rss2?|atom))?)/$")
PART = re.compile(r"(/([0-9]{4})/([0-9]{2})/([0-9]{2})/([^/]+)/)[0-9]{1,4}/")


def new_address(path: str) -> str:
    """Where what stood at `path` is now, or what is meant by it; empty if nothing is.

    It names only what every reader may see, or another form of `path` itself. At most four queries.
    """
    path = as_stored(path if path.endswith("/") else f"{path}/")
    if part := PART.fullmatch(path):
        path = part[1]
        if address := _whole(part):
            return address
    ending = ENDING.search(path)
    base = path[: ending.start()] if ending else path
    address = _moved(path, base)
    if ending and address and not address.startswith(settings.MEDIA_URL):
        return address + ending[0]
    if address := address or rewritten(path):
        return address
    # Entries have feeds, and no further pages.
    address = guessed(base)
    return address + ending[0] if address and ending and ending[0].startswith("feed/") else address


def _whole(part: re.Match[str]) -> str:
    """The post that `part` was a page of."""
    try:
        day = dt.date(int(part[2]), int(part[3]), int(part[4]))
    except ValueError:
        return ""
    post = Post.objects.published().filter(published_on=day, slug=part[5].lower()).first()
    return post.get_absolute_url() if post else ""


def _moved(path: str, base: str) -> str:
    slug = ""
    if base.startswith("/category/"):
        slug = base.rstrip("/").rpartition("/")[2].lower()
    lower = base.lower()
    # Attachments' files have no slash at the end.
    wanted = {base, lower, path.rstrip("/"), *([f"/category/{slug}/"] if slug else [])}
    found = {old.path: old for old in OldAddress.objects.filter(path__in=wanted)}
    for candidate in sorted(found, key=lambda each: each != base):
        if address := found[candidate].leads_to:
            return address
    # As in WordPress `Two Words` is read as `two-words`: programs that write exports give such slugs.
    writings = [slug, slugify(slug)]
    categories: list[Category] = list(Category.objects.filter(slug__in=writings)) if slug else []
    categories.sort(key=lambda category: writings.index(category.slug))
    return categories[0].get_absolute_url() if categories else ""


def _is_remembered(path: str) -> bool:
    path = as_stored(path)
    return OldAddress.objects.filter(path__in={path, f"{path.rstrip('/')}/"}).exists()


class OneStepMiddleware:
    """Answers an old address with one redirect, to the last address of the chain, if there is something there.

    Ordinary pages cost nothing more. The target is asked for here, as a reader without an account would; what
    that renders is in the page cache when the browser comes for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method not in {"GET", "HEAD"} or not isinstance(request, WSGIRequest):
            return response
        # Behind a host, for the path may have two slashes in front.
        asked = here = urlsplit(f"//host{request.get_full_path()}")._replace(netloc="")
        for _step in range(MAX_STEPS):
            there = self._next(here, response)
            if there is None:
                break
            here = there
            if _is_file(here.path):
                # Found by its own record, and too large to be read for an answer.
                return _redirect(request, here, asked)
            response = self.get_response(_asking(request, here))
        if here == asked or response.status_code not in {200, 302}:
            # The last answer, not the first: a redirect to nothing would tell what is kept from readers.
            return response
        return _redirect(request, here, asked)

    def _next(self, here: SplitResult, response: HttpResponseBase) -> SplitResult | None:
        """The address that `here` leads to by `response`, unless that is an answer."""
        if response.status_code in {301, 308}:
            there = urlsplit(response.headers["Location"])
            if there.netloc and not response.headers["Location"].startswith(f"{settings.SITE_URL}/"):
                return None
            return there._replace(scheme="", netloc="", fragment=there.fragment or here.fragment)
        if response.status_code == 404:
            path = _decoded(here.path)
            if path.startswith("/admin/") or _is_file(path):
                return None
            folder = settings.BROADSIDE_FORMER_FOLDER
            if folder and f"{path}/".startswith(folder) and not _is_remembered(path):
                return here._replace(path=quote(f"/{path[len(folder) :].lstrip('/')}"))
            if address := new_address(path):
                there = urlsplit(address)
                if there.path != here.path:
                    return there._replace(fragment=there.fragment or here.fragment)
        return None


def _redirect(request: HttpRequest, here: SplitResult, asked: SplitResult) -> HttpResponse:
    redirect = HttpResponsePermanentRedirect(_address(here, asked))
    if caching.has_session(request):
        caching.mark_private(redirect)
    else:
        caching.mark_public(redirect)
    return redirect


def _is_file(path: str) -> bool:
    return path.startswith((settings.MEDIA_URL, settings.STATIC_URL))


class FormerHostsMiddleware:
    """Answers requests for a name the blog had before (settings.BROADSIDE_FORMER_HOSTS) with one redirect here.

    Stands first: what follows is asked under the site's own name, so that its redirects are part of this one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.BROADSIDE_FORMER_HOSTS or not isinstance(request, WSGIRequest):
            return self.get_response(request)
        host = request.META.get("HTTP_HOST", "").lower().partition(":")[0].rstrip(".")
        if host not in settings.BROADSIDE_FORMER_HOSTS:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        asked = urlsplit(_one_slash(request.get_full_path()))
        if _is_file(asked.path):
            return HttpResponsePermanentRedirect(absolute_url(_address(asked, asked, keep_query=True)))
        response = self.get_response(_asking(request, asked, _own_name()))
        if response.status_code in {301, 308}:
            location = response.headers["Location"]
            return HttpResponsePermanentRedirect(location if "://" in location else absolute_url(location))
        return HttpResponsePermanentRedirect(absolute_url(_address(asked, asked, keep_query=True)))


def _own_name() -> Mapping[str, str]:
    site = urlsplit(settings.SITE_URL)
    own = {"HTTP_HOST": site.netloc, "wsgi.url_scheme": site.scheme}
    if settings.SECURE_PROXY_SSL_HEADER:
        header, value = settings.SECURE_PROXY_SSL_HEADER
        own[header] = value if site.scheme == "https" else ""
    return own


def _asking(request: WSGIRequest, address: SplitResult, changes: Mapping[str, str] | None = None) -> WSGIRequest:
    """A request for `address` by nobody in particular."""
    kept = {
        name: value
        for name, value in request.META.items()
        if name not in {"HTTP_COOKIE", "HTTP_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"}
    }
    asking: dict[str, object] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(address.path).decode("latin-1"),
        "QUERY_STRING": address.query,
        "wsgi.input": BytesIO(),
        "CONTENT_LENGTH": "0",
    }
    return WSGIRequest({**kept, **asking, **(changes or {})})


def _address(here: SplitResult, asked: SplitResult, *, keep_query: bool = False) -> str:
    """`here` without noise; with the comment that is being answered where it was `asked` so."""
    pairs = [pair for pair in parse_qsl(here.query, keep_blank_values=True) if not NOISE.fullmatch(pair[0])]
    if not keep_query:
        answering = [pair for pair in parse_qsl(asked.query) if pair[0] == "replytocom"]
        pairs += [pair for pair in answering if pair not in pairs]
    path = quote(_one_slash(_decoded(here.path)), safe="/~!$&'()*+,;=:@")
    return SplitResult("", "", path, urlencode(pairs), here.fragment).geturl()


def _decoded(path: str) -> str:
    return unquote_to_bytes(path).decode(errors="replace")


def _one_slash(path: str) -> str:
    """`path` with one slash at its start: two would be read as another host."""
    return "/" + path.lstrip("/\\")
