"""The portrait of a person, on the form with which owners edit people, and under “Your account”."""

from typing import Any, Final, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import Portrait, User
from accounts.preferences import PersonInline
from blog.portraits import PortraitForm
from core.dashboard import Panel

# Those who write: others have no author page.
_PERMISSION: Final = "blog.add_post"


class PortraitInline(PersonInline[Portrait]):
    model = Portrait
    form = PortraitForm
    fieldsets = ((_("Portrait"), {"fields": ("upload",)}),)


@require_POST
def choose_own(request: HttpRequest) -> HttpResponse:
    """Choose or remove the portrait of the user."""
    person = cast("User", request.user)
    if not person.has_perm(_PERMISSION):
        raise PermissionDenied
    form = _form_of(person, request)
    if not form.is_valid():
        for error in form.errors["upload"]:
            messages.error(request, str(error))
    elif form.has_changed():
        with transaction.atomic():
            form.save()
            record(Action.CHANGED, [person], by=person, details=gettext("Portrait"))
        is_removed = form.cleaned_data["upload"] is False
        messages.success(request, gettext("Portrait removed.") if is_removed else gettext("Portrait saved."))
    return HttpResponseRedirect(reverse("account"))


def _context(request: HttpRequest) -> dict[str, Any]:
    person = cast("User", request.user)
    return {"form": _form_of(person)}


def _form_of(person: User, request: HttpRequest | None = None) -> PortraitForm:
    instance = getattr(person, "portrait", None) or Portrait(person=person)
    return PortraitForm(request and request.POST, request and request.FILES, instance=instance)


PANEL: Final = Panel(_("Portrait"), "admin/blog/portrait.html", _context, permissions=(_PERMISSION,))
