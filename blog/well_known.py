"""Files for programs and people that have the same URL on every site."""

import datetime as dt
from contextlib import suppress
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import get_language, get_language_bidi, gettext
from django.views.decorators.http import require_safe

from blog.appearance.looks import look_of
from blog.appearance.pictures import icon_ico
from blog.caching import PRESSED_LINK
from core.site import SiteRequest, absolute_url

# The sizes of icons in pixels, and the length of a name that fits under one in characters.
_ICON_SIZES: Final = (180, 192, 512)
_SHORT_NAME: Final = 12
# As in templates/blog/_look.html.
_COLOUR: Final = "#ffffff"
# How long security.txt is valid. It is generated anew every day.
_VALID_FOR: Final = dt.timedelta(days=180)
# Which links of a public page a browser may prefetch when the reader presses one: those to other public pages.
# Source: HTML, "Speculation rules".
_SPECULATION_RULES: Final[dict[str, Any]] = {
    "tag": PRESSED_LINK,
    "prefetch": [
        {
            "where": {
                "and": [
                    {"href_matches": "/*"},
                    {"not": {"href_matches": ["/admin/*", f"{settings.MEDIA_URL}*", "/*\\?(.+)"]}},
                    {"not": {"selector_matches": "[rel~=nofollow], [download]"}},
                ]
            },
            "eagerness": "conservative",
        }
    ],
}


@require_safe
def speculation_rules(request: HttpRequest) -> HttpResponse:
    """Return the rules that a header of each public page links to (mark_public); none for readers who save data."""
    saves_data = request.headers.get("Save-Data", "").lower() == "on"
    headers = {"Cache-Control": "public, max-age=86400", "Vary": "Save-Data"}
    return JsonResponse(
        {} if saves_data else _SPECULATION_RULES, content_type="application/speculationrules+json", headers=headers
    )


@require_safe
def favicon(request: SiteRequest) -> HttpResponse:
    """Return the site's icon, or redirect to ours, for programs that don't look for the icon in the page."""
    if icon := look_of(request.site).icon:
        with suppress(OSError):
            return HttpResponse(icon_ico(icon.picture), content_type="image/x-icon")
    return HttpResponsePermanentRedirect(static("icons/broadside-32.png"))


@require_safe
def manifest(request: SiteRequest) -> JsonResponse:
    """Describe the site to browsers that put it on a home screen. Source: W3C, "Web Application Manifest"."""
    site = request.site
    icon = look_of(site).icon
    vector = [] if icon else [{"src": static("icons/broadside.svg"), "sizes": "any", "type": "image/svg+xml"}]
    icons = vector + [
        {
            "src": icon.url(size) if icon else static(f"icons/broadside-{size}.png"),
            "sizes": f"{size}x{size}",
            "type": "image/png",
        }
        for size in _ICON_SIZES
    ]
    described = {
        "id": "/",
        "name": site.title,
        "short_name": Truncator(site.title).chars(_SHORT_NAME),
        "description": site.tagline,
        "lang": get_language(),
        "dir": "rtl" if get_language_bidi() else "ltr",
        "start_url": "/",
        "scope": "/",
        "display": "minimal-ui",
        "background_color": _COLOUR,
        "theme_color": _COLOUR,
        "icons": icons,
    }
    return JsonResponse(described, content_type="application/manifest+json")


@require_safe
def security_txt(request: SiteRequest) -> HttpResponse:
    """State the contacts for security reports (settings.BROADSIDE_SECURITY_CONTACTS). Source: RFC 9116."""
    if not settings.BROADSIDE_SECURITY_CONTACTS:
        raise Http404(gettext("This site doesn't give a contact for security reports."))
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        *(f"Contact: {contact}" for contact in settings.BROADSIDE_SECURITY_CONTACTS),
        f"Expires: {(today + _VALID_FOR).astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {settings.LANGUAGE_CODE}",
        f"Canonical: {absolute_url(reverse('blog:security_txt'))}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
