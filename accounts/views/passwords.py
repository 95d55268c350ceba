"""Choosing a password: requesting a link if it is forgotten, and the page that every such link leads to."""

import json
from functools import partial
from typing import Any

from allauth.account.models import Login
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.internal import flows as passkey_flows
from django import forms
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.core import mail
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic.base import TemplateResponseMixin
from django.views.generic.edit import FormView

from accounts import throttle
from accounts.forms import ChoosePasswordForm, NamesForm
from accounts.login_forms import AddPasskeyForm
from accounts.models import User
from accounts.offboarding import work_of
from accounts.password_links import ExpiredLinkError, choose_passkey, choose_password, find_person
from accounts.passwords import name_key
from accounts.tasks import send_password_link
from accounts.views.pages import AccountPage, SecretLinkPage
from core.database import retry_on_conflict
from core.sender import sender

# The most e-mails in a period (accounts.throttle) to one name, and because of one sender. Not to one account, as
# accounts.passwords explains.
_PER_NAME, _PER_SENDER = 2, 10
# The most e-mails to one name in a day. The link in the last one works for a day, no matter who requested it.
_PER_NAME_AND_DAY = 6


class ForgotPasswordForm(forms.Form):
    name = forms.CharField(
        label=_("Username or e-mail address"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )


class ForgotPasswordView(AccountPage, FormView[ForgotPasswordForm]):
    """Sends a link by e-mail. Shows the same page, and does the same work, whether there is such a person or not."""

    title = _("Forgot your password?")
    form_class = ForgotPasswordForm
    template_name = "accounts/forgot_password.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(can_send="default" in mail.mailers, **kwargs)

    def form_valid(self, form: ForgotPasswordForm) -> HttpResponse:
        name = form.cleaned_data["name"]
        user = User.objects.named(name)
        # Both are always counted, and the response doesn't reveal whether there were too many.
        refusals = [
            throttle.is_too_often("password-link-sender", sender(self.request), _PER_SENDER),
            throttle.is_too_often("password-link-name", name_key(name), _PER_NAME),
            throttle.is_too_often("password-link-day", name_key(name), _PER_NAME_AND_DAY, throttle.DAY),
        ]
        if not any(refusals):
            send_password_link.enqueue(user.pk if user is not None else 0)
        return self.render_to_response(self.get_context_data(is_sent=True, form=form))


class SetPasswordView(TemplateResponseMixin, SecretLinkPage):
    """The page that the links of `password_links` lead to. New people choose their names and a password or a passkey.

    After choosing a password, they still have to log in, with the second step. Programs open links to scan them, so
    only a POST uses the link up.
    """

    template_name = "accounts/set_password.html"

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            # If someone else has just taken the username, the form reports it the second time.
            return retry_on_conflict(partial(self._answer, request, token))
        except ExpiredLinkError:
            context = self.get_context_data(title=gettext("This link no longer works"), is_expired=True)
            return self.render_to_response(context, status=410)

    post = get

    def _answer(self, request: HttpRequest, token: str) -> HttpResponse:
        person = find_person(token)
        is_new = not person.has_credentials
        if is_new and request.method == "POST" and ("passkey" in request.POST or "credential" in request.POST):
            return self._answer_with_passkey(request, token, person)
        if request.method == "POST" and "password1" in request.POST:
            form = ChoosePasswordForm(request.POST, instance=person)
        else:
            form = ChoosePasswordForm(instance=person, initial=_typed_names(request) if is_new else None)
        # Validating changes the person.
        former_name = person.display_name
        if not form.is_valid():
            title = gettext("Welcome") if is_new else gettext("Choose a new password")
            return self.render_to_response(self.get_context_data(title=title, form=form, is_new=is_new))
        _keep_slug_secret(person, former_name)
        choose_password(token, person, form.cleaned_data["password1"])
        if request.user.is_authenticated:
            # The login page would lead to the account that is logged in here, to add a passkey to it.
            logout(request)
        if not is_new:
            messages.success(request, gettext("Your password has been saved. Log in with it."))
            return redirect("admin:login")
        text = gettext("Your password has been saved. Log in with it, and then you can add a passkey.")
        messages.success(request, text)
        return HttpResponseRedirect(reverse("admin:login", query={REDIRECT_FIELD_NAME: reverse("account")}))

    def _answer_with_passkey(self, request: HttpRequest, token: str, person: User) -> HttpResponse:
        """Ask for a passkey under the names that were chosen. With the passkey, save both and log the person in."""
        former_name = person.display_name
        names = NamesForm(request.POST, instance=person)
        if not names.is_valid():
            form = ChoosePasswordForm(instance=person, initial=_typed_names(request))
            form.errors.update(names.errors)
            return self.render_to_response(self.get_context_data(title=gettext("Welcome"), form=form, is_new=True))
        form = AddPasskeyForm(request.POST if "credential" in request.POST else None, user=person)
        if not form.is_valid():
            # The device shows the name with the passkey.
            options = auth.begin_registration(person, passwordless=True)
            context = {"form": form, "names": names, "options": json.dumps(options), "is_passkey": True}
            return self.render_to_response(self.get_context_data(title=gettext("Create your passkey"), **context))
        _keep_slug_secret(person, former_name)

        def add_passkey() -> Any:
            RecoveryCodes.activate(person)
            data = form.cleaned_data
            return passkey_flows.signup_authenticator(request, person, data["name"], data["credential"])

        passkey = choose_passkey(token, person, add_passkey)
        messages.success(request, gettext("Welcome! From now on, you log in with your passkey."))
        login = Login(user=person, redirect_url=reverse("account_recovery_codes"))
        response: HttpResponse = passkey_flows.perform_passwordless_login(request, passkey, login)
        return response


def _typed_names(request: HttpRequest) -> dict[str, str]:
    """Return the names that a new person has typed before they changed their mind about how to log in."""
    return {name: request.POST[name] for name in NamesForm.base_fields if name in request.POST}


def _keep_slug_secret(person: User, former_name: str) -> None:
    """Reset the slug, so that it is made from the name that the person has chosen, unless it is in links to their work.

    Otherwise it would reveal to readers the name that the owner knows.
    """
    if person.display_name != former_name and not work_of(person):
        person.slug = ""
