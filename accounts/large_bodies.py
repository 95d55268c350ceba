"""Accepting large files only from people with accounts: anyone could invent a session cookie, and send without end."""

from typing import Final

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts import browsers
from core.middleware import Middleware
from core.serving.rsgi import is_large

# The sender for everyone who is no longer logged in, together, because some of them may no longer have an account.
_LOGGED_OUT: Final = "logged-out"


def sender_of(request: HttpRequest) -> str:
    """Return who may send large bodies with this request: the ID of an account, or _LOGGED_OUT; empty for strangers.

    A browser in which someone was logged in before may send them too, so a form that is submitted after its session
    has expired is not lost (accounts.late_forms).
    """
    account: str = request.session.get(SESSION_KEY, "")
    return account or (_LOGGED_OUT if browsers.last_account(request) else "")


class LargeBodiesMiddleware(Middleware):
    """Refuses large bodies of strangers before anything reads them."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_large(request.META) and not sender_of(request):
            text = gettext("You have to be logged in to submit something this large. Log in, then submit it again.")
            return HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
        return self.get_response(request)


@require_safe
def may_send(request: HttpRequest) -> HttpResponse:
    """Tell the web server in front, before it receives a large body, who sends it, or that a stranger does (403)."""
    sender = sender_of(request)
    return HttpResponse(status=204 if sender else 403, headers={"X-Sender": sender})
