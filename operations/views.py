"""The actions on failed tasks, for owners on the dashboard."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from operations.worker import failures

PERMISSION = "core.change_sitesettings"


@require_POST
def retry_tasks(request: HttpRequest) -> HttpResponse:
    """Have the worker run the failed tasks of one kind again."""
    return _act(request, failures.retry, _will_run_again)


@require_POST
def dismiss_tasks(request: HttpRequest) -> HttpResponse:
    """Delete the failed tasks of one kind."""
    return _act(request, failures.dismiss, _dismissed)


def _act(request: HttpRequest, act: Callable[[str], int], describe: Callable[[int], str]) -> HttpResponse:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    # The database refuses some characters, none of which occurs in a path.
    path = request.POST.get("task", "")
    count = act(path) if path.replace(".", "").isidentifier() else 0
    if count:
        messages.success(request, describe(count))
    else:
        messages.info(request, gettext("That failed task no longer exists, so nothing was changed."))
    return redirect("admin:index")


def _will_run_again(count: int) -> str:
    text = ngettext("The worker will try %d task again.", "The worker will try %d tasks again.", count)
    return f"{text % count} {gettext('If it fails again, it will appear here.')}"


def _dismissed(count: int) -> str:
    return ngettext("%d failed task dismissed.", "%d failed tasks dismissed.", count) % count
