"""Error pages: in the admin's layout for staff, and in the site's for everyone else."""

import sys
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views import csrf, defaults

from accounts import late_forms
from accounts.logging_in import lacks_second_factor
from accounts.sessions import to_login
from blog import views
from blog.caching import mark_private
from core.navigation import Navigation
from core.outages import as_unavailable, is_outage, outage_page, outage_texts
from core.sent_forms import copy_context, sent_context
from core.site import GoneError, is_in_admin
from operations.request_ids import current_id
from operations.withdrawals.gone_urls import is_gone


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = _("This page doesn't exist. It may have been deleted.")
    page = _admin_page(request, 404, _("Not found"), text) or views.not_found(request, exception)
    if isinstance(exception, GoneError):
        page.status_code = HTTPStatus.GONE
        mark_private(page)
    elif (site := getattr(request, "site", None)) and is_gone(request.path, site):
        page.status_code = HTTPStatus.GONE
    return page


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = _("You don't have permission to see this page or to do this. If you think you should, ask the owner.")
    page = _admin_page(request, 403, _("You don't have access"), text)
    return page or defaults.permission_denied(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, SessionInterrupted):
        return to_login(request)
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Show a page that depends on nothing that may have failed, and returns a submitted form to its sender.

    If the server's disk or database is at fault, rather than our code, the page says so. Otherwise it shows the ID of
    the request in the log.
    """
    if is_outage(sys.exception()):
        return _outage(request)
    page = get_template("500.html").render({"request_id": current_id(), **sent_context(request)})
    response = HttpResponse(page, status=500)
    mark_private(response)
    return response


def _outage(request: HttpRequest) -> HttpResponse:
    title, text = outage_texts(request)
    plain = outage_page(request, title, text)
    try:
        page = _admin_page(request, 503, title, text, **sent_context(request))
    except (Error, OSError):
        # The navigation can't be read either.
        return plain
    return as_unavailable(page) if page and "json" not in plain.headers["Content-Type"] else plain


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if form := late_forms.show_again(request):
        return form
    text = _(
        "Your request couldn't be verified, so nothing was changed. This happens if you have logged in again "
        "elsewhere. Go back, copy what you have typed, reload the page and submit it again."
    )
    page = _admin_page(request, 403, _("Please try again"), text)
    if page is None and is_in_admin(request) and _has_lost_cookies(request):
        # Going back may lead to an empty form.
        page = render(request, "403_csrf.html", copy_context(request), status=403)
        mark_private(page)
    return page or csrf.csrf_failure(request, reason)


def _has_lost_cookies(request: HttpRequest) -> bool:
    """Whether a page of this site sent this after the browser had deleted the site's cookies.

    Other sites' forms arrive without cookies too (SameSite), so the browser has to confirm where this one comes from.
    """
    is_ours = request.headers.get("Sec-Fetch-Site") == "same-origin"
    return is_ours and not {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME} & request.COOKIES.keys()


def _admin_page(
    request: HttpRequest, status: int, title: str | Promise, text: str | Promise, **extra: Any
) -> HttpResponse | None:
    """Return an error page of the admin; None for pages of the site, and for people who may not see the admin."""
    # An error may occur before the request has a user.
    if not (is_in_admin(request) and hasattr(request, "user") and admin.site.has_permission(request)):
        return None
    context = {**admin.site.each_context(request), "title": title, "text": text, **extra}
    if lacks_second_factor(request):
        # Until then, only the pages of the account can be used, which show none either.
        context["navigation"] = Navigation([], [])
    return render(request, "admin/error.html", context, status=status)
