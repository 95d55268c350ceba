"""Sending e-mails with SMTP."""

import smtplib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend


class SMTPBackend(EmailBackend):
    """Introduces itself as the site's host.

    Django would tell the name of this machine, which the first mail server adds to each e-mail (RFC 5321, 4.4).
    """

    @property
    def connection_class(self) -> Callable[..., smtplib.SMTP]:  # type: ignore[override]  # Django only calls it
        connect = super().connection_class

        def connect_as_site(host: str, port: int, **options: Any) -> smtplib.SMTP:
            return connect(host, port, **{**options, "local_hostname": settings.SITE_HOST})

        return connect_as_site
