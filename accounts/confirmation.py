"""Confirming who the user is before dangerous actions: on roles, security settings, people's accounts, full exports.

Logging in counts as a confirmation. After a while, people enter their password or a code, or use a passkey, again.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

_SESSION_KEY: Final = "confirmed_at"
# How long a confirmation counts for opening a page, in seconds.
VALID_FOR: Final = 15 * 60
# How much longer people have to fill in the form of an open page, in seconds. Without this, it would be lost.
TIME_TO_FILL_IN: Final = 45 * 60


def confirm(request: HttpRequest) -> None:
    """Note that the user has just proved who they are."""
    request.session[_SESSION_KEY] = time.time()


def is_confirmed(request: HttpRequest) -> bool:
    """Return whether the user has proved who they are recently enough for this request."""
    age = time.time() - request.session.get(_SESSION_KEY, 0)
    is_reading = request.method in {"GET", "HEAD"}
    return bool(0 <= age < (VALID_FOR if is_reading else VALID_FOR + TIME_TO_FILL_IN))


def confirmation_required[View: Callable[..., Any]](view: View) -> View:
    """Have users confirm who they are before this view. For views and for methods of an admin."""

    @wraps(view)
    def confirmed(*args: Any, **kwargs: Any) -> Any:
        request = next(argument for argument in args if isinstance(argument, HttpRequest))
        if request.user.is_authenticated and not is_confirmed(request):
            return ask(request)
        return view(*args, **kwargs)

    return cast("View", confirmed)


def ask(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect to the page on which users confirm who they are, which leads back to this one."""
    return HttpResponseRedirect(reverse("account_confirm", query={"next": request.get_full_path()}))
