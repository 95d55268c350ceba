"""The endpoint for Webmentions. Source: W3C Recommendation, "Webmention", 3.2."""

from typing import Final

from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from comments.models import CommentSettings
from comments.rules import rate_limit
from comments.tasks import queue_check
from comments.webmentions.receiving import RefusedMentionError, TooManyMentionsError, accept
from core.sender import sender
from core.site import SiteRequest

_PLAIN_TEXT: Final = "text/plain; charset=utf-8"


@csrf_exempt
@require_POST
def endpoint(request: SiteRequest) -> HttpResponse:
    """Accept a Webmention. It comes from another site and carries no authority, so it needs no CSRF token."""
    settings = CommentSettings.of(request.site)
    if not settings.receive_webmentions:
        raise Http404
    source, target = (request.POST.get(name, "").strip() for name in ("source", "target"))
    try:
        accept(source, target, sender(request), settings)
        queue_check(source, target)
    except RefusedMentionError as error:
        return HttpResponse(f"{error}\n", status=400, content_type=_PLAIN_TEXT)
    except TooManyMentionsError:
        text = gettext("There are too many Webmentions at the moment. Try again later.")
        headers = {"Retry-After": str(rate_limit.PERIOD)}
        return HttpResponse(f"{text}\n", status=429, content_type=_PLAIN_TEXT, headers=headers)
    text = gettext("Thank you. A moderator will check the link, and it will be shown once it is approved.")
    return HttpResponse(f"{text}\n", status=202, content_type=_PLAIN_TEXT)
