"""What happens after a login, and what people can do who still have to set up a second factor."""

from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import browsers, policies, sessions
from accounts.actions import Action
from accounts.audit.recording import record
from accounts.confirmation import confirm
from accounts.models import User
from core.middleware import Middleware
from core.site import is_in_admin

_LACKS_SECOND_FACTOR: Final = "lacks_second_factor"


def logged_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Handle user_logged_in, which is sent for every way of logging in."""
    demands = policies.demands_on(user)
    sessions.begin(request, demands.session_hours * 60 * 60)
    confirm(request)
    if demands.needs_second_factor and not policies.has_second_factor(user):
        request.session[_LACKS_SECOND_FACTOR] = True
    record(Action.LOGGED_IN, [user], by=user, details=browsers.describe(request))


def logged_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """Handle user_logged_out, which is also sent if no one was logged in."""
    if user is not None:
        record(Action.LOGGED_OUT, [user], by=user, details=browsers.describe(request))


def lacks_second_factor(request: HttpRequest) -> bool:
    """Return whether the user has to set up a second factor before anything else."""
    return bool(request.session.get(_LACKS_SECOND_FACTOR))


def has_added_second_factor(request: HttpRequest) -> None:
    request.session.pop(_LACKS_SECOND_FACTOR, None)


class SecondFactorMiddleware(Middleware):
    """Lets people whose role demands a second factor set it up, and nothing else until they have done so.

    This is stored in the session, because checking the database would cost a query for each page.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Readers have no session, and must not get one.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and lacks_second_factor(request):
            if not is_in_admin(request):
                request.user = AnonymousUser()
            elif not request.path.startswith((reverse("account"), reverse("admin:logout"), reverse("admin:jsi18n"))):
                return redirect("account")
        return self.get_response(request)
