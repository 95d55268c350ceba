"""Choosing a password: asking for a link if it is forgotten, and the page to which every such link leads."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core import mail
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic.base import TemplateResponseMixin
from django.views.generic.edit import FormView

from accounts import throttle
from accounts.forms import ChoosePasswordForm
from accounts.models import User
from accounts.offboarding import work_of
from accounts.password_links import ExpiredLinkError, choose_password, find_person
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
        # Both are counted, and the answer doesn't tell whether there were too many.
        refusals = [
            throttle.is_too_often("password-link-sender", sender(self.request), _PER_SENDER),
            throttle.is_too_often("password-link-account", account, _PER_ACCOUNT),
        ]
        if not any(refusals):
            send_password_link.enqueue(user.pk if user is not None else 0)
        return self.render_to_response(self.get_context_data(is_sent=True, form=form))


class SetPasswordView(TemplateResponseMixin, SecretLinkPage):
    """The page to which the links of `password_links` lead. New people also choose their names here.

    They still have to log in, with the second step. Programs open links to scan them, so only a POST uses the link up.
    """

    template_name = "accounts/set_password.html"

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            return self._answer(request, token)
        except ExpiredLinkError:
            context = self.get_context_data(title=gettext("This link doesn't work any more"), is_expired=True)
            return self.render_to_response(context, status=410)

    post = get

    def _answer(self, request: HttpRequest, token: str) -> HttpResponse:
        person = find_person(token)
        is_new = not person.has_usable_password()
        form = ChoosePasswordForm(request.POST if request.method == "POST" else None, instance=person)
        if not form.is_valid():
            title = gettext("Welcome") if is_new else gettext("Choose a new password")
            return self.render_to_response(self.get_context_data(title=title, form=form, is_new=is_new))
        if "display_name" in form.changed_data and not work_of(person):
            # It would tell readers the name that the owner knows. With work, it is in links.
            person.slug = ""
        choose_password(token, person, form.cleaned_data["password1"])
        if not is_new:
            messages.success(request, gettext("Your password has been saved. Log in with it."))
            return HttpResponseRedirect(reverse("admin:login"))
        text = gettext("Your password has been saved. Log in with it, and then you can add a passkey.")
        messages.success(request, text)
        then = urlencode({REDIRECT_FIELD_NAME: reverse("account")})
        return HttpResponseRedirect(f"{reverse('admin:login')}?{then}")
