"""What the blog adds to the form where owners edit users: the portrait, and the choice of e-mails about reviews.

Under “Your account”, people change their public profile themselves: the portrait and the biography.
"""

from itertools import chain
from typing import Any, Final, cast

from django import forms
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
from blog.models import Post, ReviewPreference
from blog.permissions import may_write
from blog.portraits import PortraitForm
from core.dashboard import Panel

# Only people who write have an author page.
_PERMISSION: Final = "blog.add_post"


class PortraitInline(PersonInline[Portrait]):
    model = Portrait
    form = PortraitForm
    fieldsets = ((_("Portrait"), {"fields": ("upload",)}),)


class ReviewPreferenceInline(PersonInline[ReviewPreference]):
    model = ReviewPreference
    fieldsets = ((_("Review e-mails"), {"fields": ("submissions", "feedback")}),)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Only owners can edit users. A user who doesn't write has nothing to choose. None stands for all rows.
        return not isinstance(obj, User) or may_write(obj)

    has_view_permission = has_change_permission = has_delete_permission = has_add_permission


class BiographyForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("bio",)
        widgets = {"bio": forms.Textarea({"rows": 4, "dir": "auto"})}

    def save(self, commit: bool = True) -> User:
        """Save only the biography."""
        self.instance.save(update_fields=["bio"])
        return self.instance


@require_POST
def change_own(request: HttpRequest) -> HttpResponse:
    """Change the user's portrait and biography. An error in one doesn't prevent saving the other."""
    person = cast("User", request.user)
    if not person.has_perm(_PERMISSION):
        raise PermissionDenied
    portrait = _portrait_form(person, request)
    if _is_to_be_saved(portrait, request):
        _save(portrait, person, "Portrait")
        is_removed = portrait.cleaned_data["upload"] is False
        messages.success(request, gettext("Portrait removed.") if is_removed else gettext("Portrait saved."))
    # The biography stays if its field wasn't submitted.
    biography = BiographyForm(request.POST, instance=person)
    if "bio" in request.POST and _is_to_be_saved(biography, request):
        _save(biography, person, "Biography")
        messages.success(request, gettext("Biography saved."))
    return HttpResponseRedirect(reverse("account"))


def has_page(person: User) -> bool:
    """Whether readers see the page of `person` as an author."""
    return Post.objects.published().filter(author=person).exists()


def _is_to_be_saved(form: forms.ModelForm[Any], request: HttpRequest) -> bool:
    for error in chain.from_iterable(form.errors.values()):
        messages.error(request, str(error))
    return form.is_valid() and form.has_changed()


def _save(form: forms.ModelForm[Any], person: User, details: str) -> None:
    with transaction.atomic():
        form.save()
        record(Action.CHANGED, [person], by=person, details=details)


def _portrait_form(person: User, request: HttpRequest | None = None) -> PortraitForm:
    instance = getattr(person, "portrait", None) or Portrait(person=person)
    return PortraitForm(request and request.POST, request and request.FILES, instance=instance)


def _context(request: HttpRequest) -> dict[str, Any]:
    person = cast("User", request.user)
    return {"person": person, "fields": [BiographyForm(instance=person)["bio"], _portrait_form(person)["upload"]]}


PANEL: Final = Panel(_("What readers see"), "admin/blog/profile.html", _context, permissions=(_PERMISSION,))
