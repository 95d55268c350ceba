"""Giving out and erasing what is held of a person, in the admin: ask for an address, see what is held, choose, confirm.

The address is sent in forms alone, never in the address of a page: those stand in logs and histories.
"""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from comments import privacy
from comments.models import Erasure

# So many comments are shown; how many there are is told.
SHOWN = 50


class PersonForm(forms.Form):
    """Of whom it is. Imports may have brought in addresses that are none, so anything is looked for."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Capitals make no difference."),
    )


class EraseForm(PersonForm):
    """What becomes of the texts."""

    texts = forms.ChoiceField(
        label=_("What becomes of the texts"),
        choices=[
            (
                "keep",
                _(
                    "Keep them, as “Anonymous”. Name, e-mail address, website, account and earlier texts are removed. "
                    "The texts stay as they are: read them, they may name somebody."
                ),
            ),
            ("delete", _("Delete them for good. Answers of others stay where they are.")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the two.")},
    )


@admin.register(Erasure)
class ErasureAdmin(admin.ModelAdmin[Erasure]):
    # Who may do what: all of it is one permission.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("comments.erase_commenter")

    def has_view_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return obj is None and self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False

    # The page

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """All steps have one address; which it is says the button that was pressed."""
        if not self.has_module_permission(request):
            raise PermissionDenied
        if request.method in {"GET", "HEAD"}:
            return self._page(request, "ask", form=PersonForm())
        if request.method != "POST":
            return HttpResponseNotAllowed(["GET", "POST"])
        form = PersonForm(request.POST)
        if not form.is_valid():
            return self._page(request, "ask", form=form)
        email = form.cleaned_data["email"]
        if "export" in request.POST:
            return self._export(request, email)
        if "choose" in request.POST or "erase" in request.POST:
            return self._erase(request, email)
        return self._held(request, EraseForm(initial={"email": email}), email)

    def _export(self, request: HttpRequest, email: str) -> HttpResponse:
        options = {"ensure_ascii": False, "indent": 1}
        headers = {"Content-Disposition": 'attachment; filename="person.json"'}
        return JsonResponse(privacy.held(email), json_dumps_params=options, headers=headers)

    def _erase(self, request: HttpRequest, email: str) -> HttpResponse:
        form = EraseForm(request.POST)
        if not form.is_valid():
            return self._held(request, form, email)
        keep_text = form.cleaned_data["texts"] == "keep"
        if "erase" not in request.POST:
            return self._page(
                request, "confirm", form=form, email=email, keep_text=keep_text, found=privacy.found(email)
            )
        done = privacy.erase(email, keep_text=keep_text)
        if keep_text:
            words = gettext("Erased. Comments that stay as “Anonymous”: %(n)d.")
        else:
            words = gettext("Erased. Comments deleted: %(n)d.")
        self.message_user(request, words % {"n": done.comments}, messages.SUCCESS)
        erasure = privacy.erasure_of(email)
        if erasure is not None and isinstance(request.user, User):
            # That somebody was erased, and by whom: not who it was.
            self.log_change(request, erasure, gettext("Texts kept.") if keep_text else gettext("Texts deleted."))
        return HttpResponseRedirect(reverse("admin:comments_erasure_changelist"))

    def _held(self, request: HttpRequest, form: EraseForm, email: str) -> HttpResponse:
        comments = privacy.comments_of(email).with_entries().select_related("user").order_by("-created_at", "-pk")
        context = {
            "found": privacy.found(email),
            "comments": comments[:SHOWN],
            "blocks": privacy.blocks_of(email),
            "accounts": User.objects.filter(email__iexact=email),
            "shown": SHOWN,
        }
        return self._page(request, "held", form=form, email=email, **context)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": cast("Any", self.opts.verbose_name_plural).capitalize(),
            **context,
        }
        return TemplateResponse(request, f"admin/comments/person/{name}.html", context)
