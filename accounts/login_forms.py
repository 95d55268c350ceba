"""The forms with which people prove who they are: password, code, passkey. Guesses are limited (accounts.throttle)."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from allauth.core import context
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.internal import auth
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from accounts import browsers, challenges, factors, throttle
from accounts.actions import Action
from accounts.adapters import MFAAdapter
from accounts.audit.recording import count
from accounts.codes import use_code
from accounts.devices import in_words
from accounts.models import User
from accounts.passwords import check_own_password, check_password, too_many_guesses
from core.sender import sender


class LoginForm(forms.Form):
    """The form with which people log in to the admin with a password."""

    username = forms.CharField(
        label=_("Username or e-mail address"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "username" in data and "password" in data:
            self.user = check_password(self.request, data["username"], data["password"])
            if self.user is None:
                raise ValidationError(
                    gettext(
                        "The username or password is wrong, or the account can't log in here. Check both, including "
                        "capital letters."
                    ),
                    code="invalid_login",
                )
        return data


class PasswordForm(forms.Form):
    """The password of someone who is logged in, to confirm who they are."""

    password = LoginForm.base_fields["password"]

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.fields["password"].widget.attrs["autofocus"] = True

    @sensitive_variables()
    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        check_own_password(self.request, cast("User", self.request.user), password)
        return password


def incorrect_code() -> ValidationError:
    return ValidationError(MFAAdapter.error_messages["incorrect_code"], code="incorrect_code")


class CodeForm(forms.Form):
    """A code from an authenticator app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("From your authenticator app, or one of your recovery codes."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false", "autofocus": True}),
    )
    authenticator: Authenticator

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    @sensitive_variables("code")
    def clean_code(self) -> str:
        request, code = context.request, self.cleaned_data["code"]
        try:
            known = browsers.known_browser(request, self.user)
            guess = throttle.count_guess("code", str(self.user.pk), sender(request), known)
        except throttle.TooManyGuessesError:
            raise too_many_guesses() from None
        found = use_code(self.user, code)
        if found is None:
            count(Action.LOGIN_FAILED, self.user)
            raise incorrect_code()
        guess.was_right()
        self.authenticator = found
        return str(code)

    def save(self) -> None:
        """Record in the session that the second step of logging in is done."""
        post_authentication(context.request, self.authenticator)


class PasskeyNameForm(forms.Form):
    """The name of a passkey."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For example, the device that it is on, so that you recognise it.")
    )


class _CredentialField(forms.JSONField):
    """The browser's response from a passkey. allauth's own field accepts `false`, and then checks nothing."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        with _refusing_malformed():
            credential = super().to_python(value)
        # It is stored, but PostgreSQL's JSON can't hold a NUL or half a character. Real ones need no escapes at all.
        if "\\u" in str(value):
            raise incorrect_code()
        if not isinstance(credential, dict) or not isinstance(credential.get("response"), dict):
            raise incorrect_code()
        return credential


@contextmanager
def _refusing_malformed() -> Iterator[None]:
    """Refuse malformed responses, which browsers never send. Parsing them raises any of these."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, struct.error):
        raise incorrect_code() from None


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A new passkey: its name, and the browser's response."""

    credential = _CredentialField()
    name = PasskeyNameForm.base_fields["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False
        # All our passkeys replace the password, so the device has to verify its user.
        del self.fields["passwordless"]

    def clean_name(self) -> str:
        return self.cleaned_data["name"] or in_words(browsers.describe(context.request))

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["passwordless"] = True
        with _refusing_malformed():
            data: dict[str, Any] = super().clean()
        return data


class SecondStepPasskeyForm(AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A passkey after the password."""

    credential = _CredentialField()

    def clean_credential(self) -> Authenticator:
        response = self.cleaned_data["credential"]
        passkey = self.find_passkey()
        data = auth.parse_authentication_response(response).response.authenticator_data
        factors.note_counter(passkey, data.counter)
        return passkey

    def find_passkey(self) -> Authenticator:
        """Return the passkey of the browser's response. Raises ValidationError unless it was really used for this."""
        with _refusing_malformed():
            passkey: Authenticator = super().clean_credential()
        return passkey


class LoginPasskeyForm(SecondStepPasskeyForm, LoginWebAuthnForm):  # type: ignore[misc]  # as above
    """A passkey in place of a password, which answers the challenge that the browser has kept."""

    def find_passkey(self) -> Authenticator:
        with challenges.current() as made_at:
            passkey = super().find_passkey()
        if made_at is None or not challenges.use(passkey, made_at):
            raise incorrect_code()
        return passkey


class ConfirmPasskeyForm(SecondStepPasskeyForm, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    """A passkey of someone who is logged in, to confirm who they are."""
