"""How django-allauth behaves here: no sign-up, no IP addresses, no mail of its own, and secrets encrypted at rest."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import browsers
from accounts.models import User
from core.models import SiteSettings
from core.sender import sender


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """How allauth handles passwords and logging in."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return ["allauth.mfa.stages.AuthenticateStage"]

    def is_reauthentication_required(self, app: str) -> bool:
        # accounts.confirmation asks before the views that need it, on one page for all methods.
        return False

    def is_safe_url(self, url: str) -> bool:
        # Only our own host, and not the others of ALLOWED_HOSTS.
        request = context.request
        hosts = {request.get_host()}
        return url_has_allowed_host_and_scheme(url, allowed_hosts=hosts, require_https=request.is_secure())

    def get_client_ip(self, request: HttpRequest) -> str:
        return sender(request)

    def get_http_user_agent(self, request: HttpRequest) -> str:
        return ""

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        # Our views add their own messages.
        return

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        raise NotImplementedError("Our mail is sent by the worker (accounts.tasks).")

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        if response is None and not user.is_staff:
            response = self.respond_user_inactive(request, user)
        return response

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        # Only the owner of a passkey learns this.
        messages.error(request, gettext("This account can't log in. Ask the owner of the site."))
        return redirect("admin:login")

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        browsers.remember(request, response, user)
        return response


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # as above
    """How allauth handles passkeys and codes."""

    error_messages = {  # as in the parent
        **DefaultMFAAdapter.error_messages,
        # For passkeys, our pages have their own message.
        "incorrect_code": _(
            "This code is wrong or has already been used. Wait for the next one, and check your device's clock."
        ),
    }

    def encrypt(self, text: str) -> str:
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret. Raises cryptography.fernet.InvalidToken if SECRET_KEY was replaced without a fallback."""
        return _fernet().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        return SiteSettings.current().title

    def get_totp_label(self, user: User) -> str:
        return user.username

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": context.request.get_host().partition(":")[0], "name": SiteSettings.current().title}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        # The e-mail address would be shown to anyone who opens the list of passkeys on the device.
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        return {**entity, "name": user.username, "display_name": str(user)}


def _fernet() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"accounts.adapters.secrets").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
