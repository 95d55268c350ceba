"""Where a request comes from: one of our pages, or another site."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import is_same_domain


def comes_from_here(request: HttpRequest) -> bool:
    """Whether the request comes from one of our pages, or at least not from another site, according to the browser.

    Our pages send no referrer, so their forms have the origin `null`, and old browsers send none at all.
    Sources: Fetch, "origin of a request"; Fetch Metadata, `Sec-Fetch-Site` (`none`: the user typed the URL).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin", "null")
    if origin == "null":
        return True
    own_origins = [f"{request.scheme}://{request.get_host()}", settings.SITE_URL, *settings.CSRF_TRUSTED_ORIGINS]
    try:
        other = urlsplit(origin)
        return any(
            other.scheme == own.scheme and is_same_domain(other.netloc.lower(), own.netloc.lower().removeprefix("*"))
            for own in map(urlsplit, own_origins)
        )
    except ValueError:
        # The origin is not a URL.
        return False
