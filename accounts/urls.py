"""The URLs of accounts, all within the admin. They come before those of the admin site, whose login they replace."""

from django.urls import path

from accounts.views import confirming, emergency, factors, logging_in, own, passwords, policies

urlpatterns = [
    # allauth calls these two by name.
    path("login/", logging_in.LoginView.as_view(), name="account_login"),
    path("login/second-step/", logging_in.SecondFactorView.as_view(), name="mfa_authenticate"),
    path("login/passkey/", logging_in.PasskeyLoginView.as_view(), name="account_passkey_login"),
    path("account/", own.AccountView.as_view(), name="account"),
    path("account/confirm/", confirming.ConfirmView.as_view(), name="account_confirm"),
    path("account/sessions/end/", own.EndOtherSessionsView.as_view(), name="account_end_sessions"),
    path("account/sessions/<uuid:public_id>/end/", own.EndSessionView.as_view(), name="account_end_session"),
    path("account/passkeys/add/", factors.AddPasskeyView.as_view(), name="account_add_passkey"),
    path("account/passkeys/<int:pk>/", factors.PasskeyView.as_view(), name="account_passkey"),
    path("account/factors/<int:pk>/remove/", factors.RemoveFactorView.as_view(), name="account_remove_factor"),
    path("account/app/add/", factors.AddAppView.as_view(), name="account_add_app"),
    path("account/recovery-codes/", factors.RecoveryCodesView.as_view(), name="account_recovery_codes"),
    path("account/emergency-link/", emergency.MakeEmergencyLinkView.as_view(), name="account_emergency_link"),
    path("lock/<str:secret>/", emergency.LockView.as_view(), name="account_lock"),
    path("password/forgotten/", passwords.ForgotPasswordView.as_view(), name="account_forgot_password"),
    path("password/set/<str:token>/", passwords.SetPasswordView.as_view(), name="account_set_password"),
    path("login-rules/", policies.PoliciesView.as_view(), name="account_policies"),
]
