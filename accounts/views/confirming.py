"""The page on which people who are logged in confirm who they are, before dangerous actions."""

import json
from typing import Any

from allauth.mfa.webauthn.internal import auth
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from accounts import factors
from accounts.confirmation import confirm
from accounts.login_forms import CodeForm, ConfirmPasskeyForm, PasswordForm
from accounts.views.logging_in import next_url
from accounts.views.pages import OwnPage


class ConfirmView(OwnPage, TemplateView):
    title = _("Confirm that it's you")
    template_name = "accounts/confirm.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        form: forms.Form
        if "credential" in request.POST:
            form = ConfirmPasskeyForm(user=self.user, data=request.POST)
        elif "code" in request.POST:
            form = CodeForm(self.user, request.POST)
        else:
            form = PasswordForm(request, request.POST)
        if form.is_valid():
            confirm(request)
            return HttpResponseRedirect(next_url(request))
        if "credential" in request.POST:
            messages.error(request, gettext("This passkey was not accepted. Try again, or use your password."))
        return self.render_to_response(self.get_context_data(posted=form))

    def get_context_data(self, posted: forms.Form | None = None, **kwargs: Any) -> dict[str, Any]:
        user = self.user
        has_codes = factors.app_of(user) is not None or factors.unused_codes(user) is not None
        password = posted if isinstance(posted, PasswordForm) else PasswordForm(self.request)
        code = posted if isinstance(posted, CodeForm) else CodeForm(user)
        return super().get_context_data(
            next=next_url(self.request),
            password_form=password if user.has_usable_password() else None,
            code_form=code if has_codes else None,
            options=json.dumps(auth.begin_authentication(user)) if factors.passkeys_of(user).exists() else "",
            **kwargs,
        )
