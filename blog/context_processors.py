"""What every template knows."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from blog.caching import has_session
from blog.navigation import sidebar
from blog.site import SiteSettings


def site(request: HttpRequest) -> dict[str, Any]:
    """The site's settings, the sidebar and who is logged in; each is looked up only when a template asks for it."""
    settings_row = getattr(request, "site", None) or SiteSettings.current()
    return {
        "site": settings_row,
        "sidebar": SimpleLazyObject(lambda: sidebar(settings_row)),
        "staff": SimpleLazyObject(lambda: _staff(request)),
    }


def _staff(request: HttpRequest) -> Any:
    # Without a session nobody is looked up: the page stays the same for every reader.
    user = getattr(request, "user", None) if has_session(request) else None
    return user if user is not None and user.is_staff else None
