"""Requests with the site's settings, settings that the owner may have forgotten, and absolute URLs."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from core.dashboard import Concern
from core.models import SiteSettings
from core.urls import is_admin_path

# Set in the environment of a request that only checks whether a page exists.
PROBE: Final = "broadside.probe"


class SiteRequest(HttpRequest):
    """A request with the site's settings, which a middleware adds."""

    site: SiteSettings  # type: ignore[assignment]  # the stubs expect django.contrib.sites, which we don't use


class GoneError(Http404):
    """What was at the URL has been removed for good, so the response is 410."""


def is_probe(request: HttpRequest) -> bool:
    """Return whether only the status of the response matters, so that it may be empty."""
    return PROBE in request.META


def is_in_admin(request: HttpRequest) -> bool:
    """Return whether the URL of the request is one of the admin's."""
    return is_admin_path(request.path)


def unfinished_settings(request: HttpRequest) -> Iterator[Concern]:
    """Yield settings that the owner may have forgotten."""
    site, url = SiteSettings.current(), reverse("admin:core_sitesettings_change", args=[1])
    if site.title == SiteSettings._meta.get_field("title").get_default():
        yield Concern(gettext("Give your site a title."), url)
    if not site.search_engines_welcome:
        yield Concern(gettext("Search engines are asked to stay away."), url)


def absolute_url(url: str) -> str:
    """Return `url` with the site's scheme and host if it has none, for feeds, sitemaps and mail."""
    return f"{settings.SITE_URL}{url}" if url.startswith("/") else url
