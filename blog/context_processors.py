"""The context that every template gets."""

from typing import Any

from django.http import HttpRequest
from django.utils.encoding import escape_uri_path
from django.utils.functional import SimpleLazyObject

from blog.appearance.looks import look_of
from blog.caching import has_session
from blog.sidebar import sidebar
from core.models import SiteSettings
from core.navigation import first_steps_for


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the site's settings, its look, the sidebar, the member of staff who is logged in and their first steps.

    `current_url` is the URL of the page as `reverse` builds it, to find the links that lead to the page itself.

    Each is evaluated only if a template uses it.
    """
    settings_row = getattr(request, "site", None) or SiteSettings.remembered()

    def staff() -> Any:
        # Without a session no user is looked up, so that the page stays the same for every reader.
        user = getattr(request, "user", None) if has_session(request) else None
        return user if user is not None and user.is_staff else None

    current_url = escape_uri_path(request.path)
    return {
        "site": settings_row,
        "current_url": current_url,
        "look": SimpleLazyObject(lambda: look_of(settings_row)),
        "sidebar": SimpleLazyObject(lambda: sidebar(settings_row, current_url)),
        "staff": SimpleLazyObject(staff),
        "first_steps": SimpleLazyObject(lambda: first_steps_for(staff())),
    }
