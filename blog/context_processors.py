"""The context that every template gets."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from blog.appearance.looks import look_of
from blog.caching import has_session
from blog.sidebar import sidebar
from core.models import SiteSettings
from core.navigation import first_steps_for


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the site's settings, its look, the sidebar, the member of staff who is logged in and their first steps.

    Each is evaluated only if a template uses it.
    """
    settings_row = getattr(request, "site", None) or SiteSettings.remembered()

    def staff() -> Any:
        # Without a session no user is looked up, so that the page stays the same for every reader.
        user = getattr(request, "user", None) if has_session(request) else None
        return user if user is not None and user.is_staff else None

    return {
        "site": settings_row,
        "look": SimpleLazyObject(lambda: look_of(settings_row)),
        "sidebar": SimpleLazyObject(lambda: sidebar(settings_row, request.path)),
        "staff": SimpleLazyObject(staff),
        "first_steps": SimpleLazyObject(lambda: first_steps_for(staff())),
    }
