"""Admin forms that are submitted after the session has expired. Their authors get them back after logging in.

The fields are kept in the session in which the user logs in again, so they are in no page and no cookie. Only the
account that last logged in with this browser gets them, in the form that they were sent from. It is shown as it was
filled in, and saves nothing until its button is pressed again (core.admin). Files are not kept.

A form whose author has logged in again elsewhere since is shown again at once, because it still has the token of the
earlier login.

What people did with a button outside of such forms has no page to return to. They get the list in which it was.
"""

import time
from contextlib import suppress
from copy import copy
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.urls import Resolver404, resolve
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext

from accounts import browsers, throttle
from core.admin import BaseAdmin
from core.late_forms import LateForm
from core.middleware import Middleware
from core.origin import comes_from_here
from core.site import is_in_admin

_SESSION_KEY: Final = "late_form"
# In seconds. The session expires at the same time.
KEPT_FOR: Final = 60 * 60
# The maximum size of all fields together. The longest text has 500,000 characters, of up to four bytes each.
MAX_BYTES: Final = 3 * 2**20
# How often one browser may have a form kept in a period of `throttle`, so that it can't fill the disk.
MAX_FORMS: Final = 10


class LateFormsMiddleware(Middleware):
    """Keeps a form that arrives too late. After the login, the form's page gets it as `request.late_form`.

    If the login leads back to a URL that can't be opened, because it only accepts a POST, this leads to its list.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_in_admin(request):
            return self.get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            late_form = _take(request)
            if request.method == "GET":
                request.late_form = late_form  # type: ignore[attr-defined]  # for core.admin
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and _opens_page(request):
            return HttpResponseRedirect(_list_above(request))
        account = browsers.last_account(request) if request.method == "POST" and _is_late(request, response) else ""
        if account and not _keep(request, account):
            text = gettext("You had been logged out, so nothing was changed. Log in, then do it again.")
            messages.warning(request, text)
        return response


def show_again(request: HttpRequest) -> HttpResponse | None:
    """Return the form that `request` has sent with an invalid token, as it was filled in and with the current token.

    Nothing is saved. None if it is no such form, comes from another site, or may not be shown to this user.
    """
    match = request.resolver_match
    if match is None or not _is_form(request) or not comes_from_here(request):
        return None
    shown: Any = copy(request)
    shown.method, shown.POST, shown._files = "GET", QueryDict(), MultiValueDict()
    shown.late_form = LateForm(request.POST, bool(request.FILES))
    response: HttpResponse = match.func(shown, *match.args, **match.kwargs)
    if response.status_code != HTTPStatus.OK:
        return None
    # As for any invalid token, so that no script believes that the form was saved.
    response.status_code = HTTPStatus.FORBIDDEN
    return response


def _is_late(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether the sender has to log in first, and is then led back."""
    to_login = redirect_to_login(request.get_full_path())
    is_redirect = isinstance(response, HttpResponseRedirect) and response.url == to_login.url
    return is_redirect and not request.user.is_authenticated


def _opens_page(request: HttpRequest) -> bool:
    """Return whether a browser opens this URL for someone who is logged in. Programs don't ask for HTML."""
    asks_for_html = "text/html" in request.headers.get("Accept", "")
    return request.method == "GET" and asks_for_html and request.user.is_authenticated


def _list_above(request: HttpRequest) -> str:
    """Return the URL of the nearest list above an action, with its filters, or of the dashboard."""
    path, filters = request.path, request.GET.get("_changelist_filters", "")
    while True:
        path = path.rstrip("/").rpartition("/")[0] + "/"
        with suppress(Resolver404):
            if (resolve(path).url_name or "").endswith(("changelist", "index")):
                return f"{path}?{filters}" if filters else path


def _keep(request: HttpRequest, account: str) -> bool:
    """Keep the form that `request` has sent, and return whether it can be shown again."""
    fields = {name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"}
    size = sum(len(text.encode()) for name, values in fields.items() for text in (name, *values))
    if not _is_form(request) or size > MAX_BYTES or throttle.is_too_often("late-form", account, MAX_FORMS):
        return False
    request.session[_SESSION_KEY] = {
        "account": account,
        "url": request.get_full_path(),
        "fields": fields,
        "had_files": bool(request.FILES),
        "until": time.time() + KEPT_FOR,
    }
    request.session.set_expiry(KEPT_FOR)
    text = gettext(
        "You had been logged out, so nothing was saved. Log in within an hour to return to the form as you filled it "
        "in."
    )
    messages.warning(request, text)
    return True


def _take(request: HttpRequest) -> LateForm | None:
    """Return the form that was kept for this page and person, and delete it, even if it was kept for someone else.

    If the form is submitted again from a page that has stayed open, nothing has to be shown again.
    """
    kept: dict[str, Any] | None = request.session.get(_SESSION_KEY)
    if kept is None or not request.user.is_authenticated:
        return None
    is_valid = browsers.mark_of(request, request.user) == kept["account"] and time.time() < kept["until"]
    is_here = kept["url"] == request.get_full_path()
    if is_here or not is_valid:
        del request.session[_SESSION_KEY]
    if not (is_here and is_valid):
        return None
    fields = QueryDict(mutable=True)
    for name, values in kept["fields"].items():
        fields.setlist(name, values)
    return LateForm(fields, kept["had_files"])


def _is_form(request: HttpRequest) -> bool:
    """Return whether this is the URL of a form that adds or changes an object."""
    match = request.resolver_match
    model_admin = getattr(match.func, "model_admin", None) if match else None
    if match is None or not isinstance(model_admin, BaseAdmin):
        return False
    prefix = f"{model_admin.opts.app_label}_{model_admin.opts.model_name}"
    return match.url_name in {f"{prefix}_add", f"{prefix}_change"}
