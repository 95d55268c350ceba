"""Exporting and erasing the personal data of a commenter in the admin.

The e-mail address is only ever sent in forms, never in a URL, because URLs end up in logs and browser histories.
"""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from accounts.owners import is_owner
from comments import personal_data
from comments.models import Erasure
from core.admin import ReadOnlyAdmin

# How many comments are listed.
MAX_LISTED = 50


class PersonForm(forms.Form):
    """The address to search for. Imported addresses may be invalid, so any text is accepted."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Upper and lower case make no difference."),
    )


class EraseForm(PersonForm):
    """The address, and what to do with the comments."""

    texts = forms.ChoiceField(
        label=_("What happens to the comments"),
        choices={
            "keep": _(
                "Keep them as “Anonymous”. Name, e-mail, website, account and earlier versions are deleted. "
                "Check the texts, because they may contain names."
            ),
            "delete": _("Delete them permanently. Replies by others stay."),
        },
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what happens to the comments.")},
    )


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and request.user.has_perm("comments.erase_commenter")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Handle every step. The button that was clicked determines which."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in {"GET", "HEAD", "POST"}:
            return HttpResponseNotAllowed(["GET", "POST"])
        form = PersonForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            unfinished = Erasure.objects.exclude(unfinished="").order_by("erased_at")
            return self._page(request, "search", form=form, unfinished=unfinished)
        email = form.cleaned_data["email"]
        if "export" in request.POST:
            record(Action.DISCLOSED, by=cast("User", request.user))
            options = {"ensure_ascii": False, "indent": 1}
            headers = {"Content-Disposition": 'attachment; filename="personal-data.json"'}
            data = personal_data.export(email, with_account=is_owner(request))
            return JsonResponse(data, json_dumps_params=options, headers=headers)
        has_chosen = "choose" in request.POST or "erase" in request.POST
        form = EraseForm(request.POST if has_chosen else None, initial={"email": email})
        if not form.is_valid():
            return self._show(request, form, email)
        keep_text = form.cleaned_data["texts"] == "keep"
        if "erase" in request.POST:
            return self._erase(request, email, keep_text=keep_text)
        summary = personal_data.summary(email)
        return self._page(request, "confirm", form=form, email=email, keep_text=keep_text, summary=summary)

    def _erase(self, request: HttpRequest, email: str, *, keep_text: bool) -> HttpResponse:
        erased = personal_data.erase(email, keep_text=keep_text, by=cast("User", request.user))
        if keep_text:
            message = gettext("Personal data erased. Comments kept as “Anonymous”: %(n)d.")
        else:
            message = gettext("Personal data erased. Comments deleted: %(n)d.")
        self.message_user(request, message % {"n": erased.comments}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:comments_erasure_changelist"))

    def _show(self, request: HttpRequest, form: EraseForm, email: str) -> HttpResponse:
        comments = personal_data.comments_of(email).with_entries().select_related("user").order_by("-created_at", "-pk")
        context = {
            "summary": personal_data.summary(email),
            "comments": comments[:MAX_LISTED],
            "blocks": personal_data.blocks_of(email),
            "accounts": User.objects.filter(email__iexact=email) if is_owner(request) else (),
            "max_listed": MAX_LISTED,
        }
        return self._page(request, "show", form=form, email=email, **context)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        return self.own_page(request, f"admin/comments/personal_data/{name}.html", _("Personal data"), **context)
