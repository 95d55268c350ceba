"""Forgotten passwords: asking for a link, and the page to which it leads."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.core import mail
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic.edit import FormView

from accounts import throttle
from accounts.models import User
from accounts.password_links import person_of
from accounts.tasks import send_password_link
from accounts.views.pages import AccountPage, SecretLinkPage
from core.sender import sender

# The most e-mails that one account gets, and that one sender causes, in a period (accounts.throttle).
_PER_ACCOUNT, _PER_SENDER = 2, 10


class ForgotPasswordForm(forms.Form):
    name = forms.CharField(
        label=_("Username or e-mail address"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )


class ForgotPasswordView(AccountPage, FormView[ForgotPasswordForm]):
    """Sends a link by e-mail. It says the same, and does the same work, whether there is such a person or not."""

    title = _("Forgot your password?")
    form_class = ForgotPasswordForm
    template_name = "accounts/forgot_password.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(can_send="default" in mail.mailers, **kwargs)

    def form_valid(self, form: ForgotPasswordForm) -> HttpResponse:
        name = form.cleaned_data["name"]
        user = User.objects.named(name)
        account = str(user.pk) if user is not None else f"name {name.strip().casefold()}"
        # Both are counted, and nobody learns whether they were too many.
        refusals = [
            throttle.is_too_often("password-link-sender", sender(self.request), _PER_SENDER),
            throttle.is_too_often("password-link-account", account, _PER_ACCOUNT),
        ]
        if not any(refusals):
            send_password_link.enqueue(user.pk if user is not None else 0)
        return self.render_to_response(self.get_context_data(is_sent=True, form=form))


class NewPasswordForm(SetPasswordForm[User]):
    """A new password, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = _(
            "At least 12 characters, not only digits, not a common password, and not like your name or e-mail address."
        )


class SetPasswordView(SecretLinkPage, FormView[NewPasswordForm]):
    """The page to which a link of `password_links` leads. The person still has to log in, with the second step."""

    title = _("Set a new password")
    form_class = NewPasswordForm
    template_name = "accounts/set_password.html"
    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = person_of(kwargs["token"])
        if user is None:
            self.setup(request, *args, **kwargs)
            context = self.get_context_data(is_expired=True, form=None)
            response = render(request, self.template_name, context, status=410)
            response.headers["Cache-Control"] = "private, no-store"
            response.headers["Referrer-Policy"] = "no-referrer"
            return response
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(person=getattr(self, "user", None), **kwargs)

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        with transaction.atomic():
            # Two requests with one link at the same time: the second finds that it was used.
            User.objects.select_for_update().get(pk=self.user.pk)
            if person_of(self.kwargs["token"]) is None:
                return HttpResponseRedirect(self.request.path)
            form.save()
        messages.success(self.request, gettext("Your password is set. Log in with it now."))
        return HttpResponseRedirect(reverse("admin:login"))
