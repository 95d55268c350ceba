"""Previews of the draft appearance on the site itself, only in the browser of a user who may change it.

Such a browser has a session, so no cache answers its requests or stores its responses.
"""

import json
from copy import copy
from hashlib import blake2b
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponse

from blog.appearance.looks import look_of
from blog.appearance.versions import PERMISSION
from blog.caching import has_session
from blog.models import SiteAppearance
from core.dates import chosen_day_format
from core.middleware import Middleware
from core.models import SiteSettings
from core.site import SiteRequest, is_in_admin

# Set in the session of a user who previews the draft.
_SESSION_KEY: Final = "previews_appearance"


def start(request: HttpRequest) -> None:
    request.session[_SESSION_KEY] = True


def stop(request: HttpRequest) -> None:
    request.session.pop(_SESSION_KEY, None)


class AppearanceMiddleware(Middleware):
    """Sets the site's date format for all requests, and the draft appearance for those of users who preview it."""

    def __call__(self, http_request: HttpRequest) -> HttpResponse:
        request = cast("SiteRequest", http_request)
        if has_session(request) and (site := _draft_for(request)):
            request.site = site
            request.previews_appearance = True  # type: ignore[attr-defined]  # for templates/blog/_staff.html
        with chosen_day_format(lambda: look_of(request.site).appearance.day_format):
            return self.get_response(request)


def _draft_for(request: SiteRequest) -> SiteSettings | None:
    """Return the settings with the draft in place of the public appearance, if this user previews it."""
    user: Any = request.user
    if not request.session.get(_SESSION_KEY) or is_in_admin(request):
        return None
    if not (user.is_staff and user.has_perm(PERMISSION)):
        return None
    # The remembered row may be older, because saving a draft doesn't change the content version.
    draft = SiteAppearance.objects.filter(pk=1).values_list("draft", flat=True).first()
    if draft is None:
        return None
    current: Any = request.site
    version = current.entries_version
    site: SiteSettings = copy(current)
    site.appearance = SiteAppearance(pk=1, document=draft)
    # A unique version, so that what is remembered under the draft is never used for the public site.
    digest = blake2b(json.dumps([version, draft], sort_keys=True).encode(), digest_size=7).digest()
    site.entries_version = -1 - int.from_bytes(digest)
    return site
