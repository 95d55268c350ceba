"""Logging in: with a password and, if there is one, a second factor; or with a passkey alone."""

import json
from typing import Any, Final

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic.edit import FormView

from accounts import challenges, factors
from accounts.login_forms import CodeForm, LoginForm, LoginPasskeyForm, SecondStepPasskeyForm
from accounts.views.pages import AccountPage

# Of ten recovery codes, so many or fewer that it is time for new ones.
_FEW_CODES: Final = 3
# The key of a hash of the password in the state of a login that lacks its second step.
_AUTH_HASH: Final = "auth_hash"


def next_url(request: HttpRequest) -> str:
    """Return the URL to go to afterwards, which is on this site."""
    url = request.POST.get(REDIRECT_FIELD_NAME, request.GET.get(REDIRECT_FIELD_NAME, ""))
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours else reverse("admin:index")


class LoginView(AccountPage, FormView[LoginForm]):
    """The page on which people log in to the admin."""

    title = _("Log in")
    form_class = LoginForm
    template_name = "accounts/login.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "GET" and admin.site.has_permission(request):
            return HttpResponseRedirect(next_url(request))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(next=next_url(self.request), **kwargs)

    def form_valid(self, form: LoginForm) -> HttpResponse:
        state = {_AUTH_HASH: form.user.get_session_auth_hash()} if form.user else {}
        login = Login(user=form.user, redirect_url=next_url(self.request), state=state)
        response: HttpResponse = perform_password_login(self.request, {}, login)
        return response


class PasskeyLoginView(AccountPage, FormView[LoginPasskeyForm]):
    """Gives options to the script of the login page, and accepts the passkey's response that it sends."""

    form_class = LoginPasskeyForm
    http_method_names = ("get", "post")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        options, kept = challenges.begin()
        response = JsonResponse(options)
        challenges.keep(request, response, kept)
        return response

    def form_valid(self, form: LoginPasskeyForm) -> HttpResponse:
        authenticator = form.cleaned_data["credential"]
        login = Login(user=authenticator.user, redirect_url=next_url(self.request))
        response: HttpResponse = perform_passwordless_login(self.request, authenticator, login)
        return response

    def form_invalid(self, form: LoginPasskeyForm) -> HttpResponse:
        messages.error(self.request, gettext("This passkey was not accepted. Try again, or use your password."))
        return HttpResponseRedirect(reverse("admin:login", query={REDIRECT_FIELD_NAME: next_url(self.request)}))


class SecondFactorView(AccountPage, AuthenticateView):  # type: ignore[misc]  # allauth has no types
    """The page that asks for a code or a passkey after the password, unless that has been changed in the meantime."""

    title = _("Second step")
    form_class = CodeForm
    webauthn_form_class = SecondStepPasskeyForm
    template_name = "accounts/second_factor.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        stage = LoginStageController.enter(request, AuthenticateStage.key)
        if stage is not None and not _is_still_right(stage.login):
            clear_login(request)
        # This leads to the login page if there is no login to continue.
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: CodeForm | SecondStepPasskeyForm) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        # Only now, because logging in may start another session.
        if isinstance(form, CodeForm) and form.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            self._tell_how_many_are_left(factors.unused_codes(form.user) or 0)
        return response

    def _tell_how_many_are_left(self, left: int) -> None:
        used = gettext("You logged in with a recovery code.")
        if left > _FEW_CODES:
            messages.info(self.request, f"{used} {factors.describe_unused(left)}")
        else:
            advice = format_html(gettext('Create new ones in <a href="{}">your account</a>.'), reverse("account"))
            messages.warning(self.request, format_html("{} {} {}", used, factors.describe_unused(left), advice))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        options = context.pop("js_data")["request_options"]
        has_passkeys = bool(options["publicKey"].get("allowCredentials"))
        # allauth does not call its parents' method, and its `site` is something else.
        frame = {**admin.site.each_context(self.request), "title": self.title}
        return {**context, **frame, "options": json.dumps(options) if has_passkeys else ""}


def _is_still_right(login: Login) -> bool:
    """Whether the password is still the one that was entered, and the account is not locked. allauth doesn't check."""
    known = login.state.get(_AUTH_HASH, "")
    return login.user.is_active and constant_time_compare(known, login.user.get_session_auth_hash())
