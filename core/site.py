"""Requests that know the site's settings, and absolute URLs."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest

from core.models import SiteSettings

# In the environment of a request that only asks whether there is a page.
PROBE: Final = "broadside.probe"


class SiteRequest(HttpRequest):
    """A request with the site's settings, which a middleware adds."""

    site: SiteSettings  # type: ignore[assignment]  # the stubs expect django.contrib.sites, which we don't use


def is_probe(request: HttpRequest) -> bool:
    """Return whether only the status of the response matters, so that it may be empty."""
    return PROBE in request.META


def absolute_url(url: str) -> str:
    """Return `url` with the site's scheme and host if it has none, for feeds, sitemaps and mail."""
    return f"{settings.SITE_URL}{url}" if url.startswith("/") else url
