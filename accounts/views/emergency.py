"""The emergency link: the page that makes it, and the page that it leads to."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from accounts import emergency, qr_codes
from accounts.models import EmergencyLink
from accounts.views.pages import OwnPage, SecretLinkPage


class MakeEmergencyLinkView(OwnPage, TemplateView):
    """Makes a link, and shows it once, to be printed or written down."""

    title = _("Emergency link")
    dangerous = True
    template_name = "accounts/emergency_link.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        link = EmergencyLink.objects.filter(user=self.user).first()
        return super().get_context_data(earlier=link, **kwargs)

    def post(self, request: HttpRequest) -> HttpResponse:
        url = emergency.make_link(self.user)
        code = qr_codes.svg(url, gettext("QR code of your emergency link"))
        return self.render_to_response(self.get_context_data(url=url, qr_code=code))


class LockView(SecretLinkPage, TemplateView):
    """Asks for a click, because programs open links to scan them. A POST locks the account."""

    title = _("Lock your account")
    template_name = "accounts/lock.html"

    def get_link(self) -> EmergencyLink:
        link = emergency.find(self.kwargs["secret"])
        if link is None:
            raise Http404
        return link

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        person = self.get_link().user
        return super().get_context_data(person=person, is_locked=not person.is_active, **kwargs)

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        emergency.lock(self.get_link())
        return self.render_to_response(self.get_context_data())
