"""The language in which staff use the admin: their own choice, or else the site's."""

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from accounts.models import User
from core.languages import SHIPPED, language_choices
from core.middleware import Middleware
from core.site import is_in_admin


class OwnLanguageMiddleware(Middleware):
    """Answers staff in their own language within the admin. Public pages are in the same one for everyone."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and is_in_admin(request):
            language = getattr(request.user, "language", "")
            if language in SHIPPED:
                translation.activate(language)
        return self.get_response(request)


class LanguageForm(forms.ModelForm[User]):
    language = forms.ChoiceField(
        label=_("Language of the admin and of e-mails to you"),
        required=False,
        choices=lambda: [("", pgettext("language", "Site default")), *language_choices()],
    )

    class Meta:
        model = User
        fields = ("language",)
