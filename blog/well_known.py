"""Files that browsers and people look for at the same place on every site."""

import datetime as dt
from typing import Final

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from core.site import SiteRequest, absolute_url

# How long what security.txt says is valid. It is written anew every day.
_VALID_FOR: Final = dt.timedelta(days=180)


@require_safe
def favicon(request: SiteRequest) -> HttpResponse:
    """Redirect to the icon, for programs that don't read which one a page names."""
    return HttpResponsePermanentRedirect(static("icons/broadside-32.png"))


@require_safe
def security_txt(request: SiteRequest) -> HttpResponse:
    """Say whom to tell about a weakness in the site (settings.BROADSIDE_SECURITY_CONTACTS). Source: RFC 9116."""
    if not settings.BROADSIDE_SECURITY_CONTACTS:
        raise Http404(gettext("This site names no contact for reports about its security."))
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        *(f"Contact: {contact}" for contact in settings.BROADSIDE_SECURITY_CONTACTS),
        f"Expires: {(today + _VALID_FOR).astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {settings.LANGUAGE_CODE}",
        f"Canonical: {absolute_url(reverse('blog:security_txt'))}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
