"""Accepting large files only from people with accounts: anyone could invent a session cookie, and send without end."""

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from accounts import browsers
from core.middleware import Middleware
from core.serving.rsgi import is_large


class LargeBodiesMiddleware(Middleware):
    """Refuses large bodies before anything reads them, unless the sender is logged in, or was before in this browser.

    So a form that is submitted after its session has expired is accepted, and not lost (accounts.late_forms).
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_large(request.META) and SESSION_KEY not in request.session and not browsers.last_account(request):
            text = gettext("You have to be logged in to submit something this large. Log in, then submit it again.")
            return HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
        return self.get_response(request)
