"""Adding, renaming and removing passkeys and the authenticator app, and getting recovery codes."""

import json
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal import flows as recovery_codes
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal import flows as app_flows
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.internal import flows as passkey_flows
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from django.views.generic.edit import FormView

from accounts import browsers, factors, qr_codes
from accounts.actions import Action
from accounts.codes import use_code
from accounts.devices import in_words
from accounts.login_forms import AddPasskeyForm, PasskeyNameForm
from accounts.views.pages import OwnAction, OwnPage


def _after_adding(request: HttpRequest, new_codes: object, text: str) -> HttpResponse:
    """Show a message that says what was added, and the recovery codes if there are new ones."""
    messages.success(request, text)
    return redirect("account_recovery_codes" if new_codes else "account")


class AddPasskeyView(OwnPage, FormView[AddPasskeyForm]):
    title = _("Add a passkey")
    dangerous = True
    form_class = AddPasskeyForm
    template_name = "accounts/add_passkey.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and factors.passkeys_of(self.user).count() >= factors.MAX_PASSKEYS:
            messages.error(request, gettext("You have many passkeys already. Remove one that you no longer use."))
            return redirect("account")
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.user}

    def get_initial(self) -> dict[str, Any]:
        return {"name": in_words(browsers.describe(self.request))}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # The form checks the browser's response against these options.
        options = auth.begin_registration(self.user, passwordless=True)
        return super().get_context_data(options=json.dumps(options), **kwargs)

    def form_valid(self, form: AddPasskeyForm) -> HttpResponse:
        data = form.cleaned_data
        with transaction.atomic():
            _passkey, codes = passkey_flows.add_authenticator(self.request, data["name"], data["credential"])
            factors.added(self.request, self.user, Action.FACTOR_ADDED, gettext_noop("Passkey"))
        return _after_adding(self.request, codes, gettext("Passkey added. You can now log in with it."))


class PasskeyView(OwnPage, FormView[PasskeyNameForm]):
    """Renames a passkey."""

    title = _("Passkey")
    dangerous = True
    form_class = PasskeyNameForm
    template_name = "accounts/passkey.html"

    def get_passkey(self) -> Authenticator:
        return get_object_or_404(factors.passkeys_of(self.user), pk=self.kwargs["pk"])

    def get_initial(self) -> dict[str, Any]:
        return {"name": self.get_passkey().wrap().name}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(passkey=self.get_passkey(), **kwargs)

    def form_valid(self, form: PasskeyNameForm) -> HttpResponse:
        passkey_flows.rename_authenticator(self.request, self.get_passkey(), form.cleaned_data["name"])
        messages.success(self.request, gettext("Passkey renamed."))
        return redirect("account")


class RemoveFactorView(OwnAction):
    """Removes a passkey or the authenticator app of the user."""

    dangerous = True

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        removable = Authenticator.objects.filter(user=self.user).exclude(type=Authenticator.Type.RECOVERY_CODES)
        factor = get_object_or_404(removable, pk=pk)
        is_passkey = factor.type == Authenticator.Type.WEBAUTHN
        try:
            factors.remove(request, factor)
        except factors.LastFactorError:
            text = gettext("Your role requires a second step, and this is your only one. First add another.")
            messages.error(request, text)
        except factors.OnlyWayInError:
            text = gettext("You log in with this passkey only. First add another one, or choose a password.")
            messages.error(request, text)
        else:
            messages.success(request, gettext("Passkey removed.") if is_passkey else gettext("App removed."))
        return redirect("account")


class AddAppView(OwnPage, FormView[ActivateTOTPForm]):
    title = _("Add an authenticator app")
    dangerous = True
    form_class = ActivateTOTPForm
    template_name = "accounts/add_app.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and factors.app_of(self.user):
            messages.info(
                request, gettext("You already have an authenticator app. To use another one, remove it first.")
            )
            return redirect("account")
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        secret = context["form"].secret
        url = get_adapter().build_totp_url(self.user, secret)
        groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
        return {**context, "qr_code": qr_codes.svg(url, gettext("QR code for your app")), "secret": groups, "url": url}

    def form_valid(self, form: ActivateTOTPForm) -> HttpResponse:
        with transaction.atomic():
            _app, codes = app_flows.activate_totp(self.request, form)
            # Otherwise, anyone who saw this code being entered could log in with it.
            use_code(self.user, form.cleaned_data["code"])
            factors.added(self.request, self.user, Action.FACTOR_ADDED, gettext_noop("App"))
        return _after_adding(self.request, codes, gettext("Your authenticator app is set up."))

    def form_invalid(self, form: ActivateTOTPForm) -> HttpResponse:
        form.fields["code"].widget.attrs["autofocus"] = True
        return super().form_invalid(form)


class RecoveryCodesView(OwnPage, TemplateView):
    """Shows the recovery codes once after they were made. A POST makes new ones."""

    title = _("Recovery codes")
    dangerous = True
    template_name = "accounts/recovery_codes.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        codes, can_view = recovery_codes.view_recovery_codes(self.request)
        shown = codes.get_unused_codes() if codes is not None and can_view else []
        return super().get_context_data(codes=shown, can_make=recovery_codes.can_generate_recovery_codes(self.user))

    def post(self, request: HttpRequest) -> HttpResponse:
        if recovery_codes.can_generate_recovery_codes(self.user):
            with transaction.atomic():
                recovery_codes.generate_recovery_codes(request)
                factors.added(request, self.user, Action.RECOVERY_CODES_MADE)
        return redirect("account_recovery_codes")
