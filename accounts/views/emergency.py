"""The emergency link: the page that makes it, and the page that it leads to."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from django.views.generic.base import TemplateResponseMixin

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


class LockView(TemplateResponseMixin, SecretLinkPage):
    """Asks for a click, because programs open links to scan them. A POST locks the account."""

    title = _("Lock your account")
    template_name = "accounts/lock.html"

    def get(self, request: HttpRequest, secret: str) -> HttpResponse:
        return self.respond(emergency.find(secret))

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        link = emergency.find(secret)
        if link:
            emergency.lock(link)
        return self.respond(link)

    def respond(self, link: EmergencyLink | None) -> HttpResponse:
        if link:
            return self.render_to_response(self.get_context_data(is_locked=not link.user.is_active))
        # Links on paper are typed.
        context = self.get_context_data(title=gettext("This link doesn't work"), is_unknown=True)
        return self.render_to_response(context, status=404)
