"""The URLs of accounts, all within the admin. They come before those of the admin site, whose login they replace."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from accounts.large_bodies import may_send


def _view(name: str) -> Callable[..., HttpResponseBase]:
    """Return a view of `accounts.views` that is imported when it is first requested.

    The libraries for passkeys take 13 MiB, and most processes only ever answer readers.
    """

    def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = import_string(f"accounts.views.{name}").as_view()(request, **kwargs)
        return response

    return view


urlpatterns = [
    # allauth calls these two by name.
    path("login/", _view("logging_in.LoginView"), name="account_login"),
    path("login/second-step/", _view("logging_in.SecondFactorView"), name="mfa_authenticate"),
    path("login/passkey/", _view("logging_in.PasskeyLoginView"), name="account_passkey_login"),
    path("account/", _view("own.AccountView"), name="account"),
    path("account/language/", _view("own.LanguageView"), name="account_language"),
    path("account/may-send/", may_send, name="account_may_send"),
    path("account/confirm/", _view("confirming.ConfirmView"), name="account_confirm"),
    path("account/sessions/end/", _view("own.EndOtherSessionsView"), name="account_end_sessions"),
    path("account/sessions/<uuid:public_id>/end/", _view("own.EndSessionView"), name="account_end_session"),
    path("account/passkeys/add/", _view("factors.AddPasskeyView"), name="account_add_passkey"),
    path("account/passkeys/<int:pk>/", _view("factors.PasskeyView"), name="account_passkey"),
    path("account/factors/<int:pk>/remove/", _view("factors.RemoveFactorView"), name="account_remove_factor"),
    path("account/app/add/", _view("factors.AddAppView"), name="account_add_app"),
    path("account/recovery-codes/", _view("factors.RecoveryCodesView"), name="account_recovery_codes"),
    path("account/emergency-link/", _view("emergency.MakeEmergencyLinkView"), name="account_emergency_link"),
    path("password/forgotten/", _view("passwords.ForgotPasswordView"), name="account_forgot_password"),
    # The secret in the URL is the authorization, and must work in a browser that keeps no cookies. A failed CSRF check
    # would also write the URL to the log.
    path("lock/<str:secret>/", csrf_exempt(_view("emergency.LockView")), name="account_lock"),
    path("password/set/<str:token>/", csrf_exempt(_view("passwords.SetPasswordView")), name="account_set_password"),
    path("login-rules/", _view("policies.PoliciesView"), name="account_policies"),
]
