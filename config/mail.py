"""The settings of mail: MAILERS from a URL such as `smtp+tls://name:password@mail.example.org:587`, and limits."""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Without encryption, with STARTTLS, or encrypted from the start. Source of the names: django-environ.
_SMTP: dict[str, dict[str, bool]] = {"smtp": {}, "smtp+tls": {"use_tls": True}, "smtp+ssl": {"use_ssl": True}}

# Providers whose bounce reports we can parse (newsletter.webhooks).
_WEBHOOK_PROVIDERS: Final = ("brevo", "mailgun", "mailjet", "postmark")
_WEBHOOK_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{16,}")


def mailers(url: str) -> dict[str, dict[str, Any]]:
    """Return the value of MAILERS. Without a `url` nothing is sent; `console:` prints messages.

    Name and password are percent-encoded. Raises ImproperlyConfigured if the URL is invalid.
    """
    if not url:
        return {}
    if url == "console:":
        return {"default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"}}
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    # The message does not repeat the URL, which may contain the password.
    if not host or parts.scheme not in _SMTP or parts.path.strip("/") or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            "EMAIL_URL is not the URL of a mail server. It should look like "
            "smtp+tls://name:password@mail.example.org:587 (or smtp+ssl://…:465), with characters such as @ or # in "
            "name and password percent-encoded, or be `console:`."
        )
    # The timeout is in seconds.
    options: dict[str, Any] = {"host": host, "port": port, "timeout": 30, **_SMTP[parts.scheme]}
    if parts.username:
        options |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    return {"default": {"BACKEND": "mail.smtp.SMTPBackend", "OPTIONS": options}}


def mail_limits(limits: Iterable[str]) -> dict[str, int]:
    """Return how many e-mails each domain gets in a minute, from items such as `example.org=10`; `*` is any other.

    Raises ImproperlyConfigured if one is invalid.
    """
    found = {}
    for item in filter(None, map(str.strip, limits)):
        domain, _equals, number = item.partition("=")
        if not (domain.strip() and number.strip().isdecimal() and int(number) > 0):
            raise ImproperlyConfigured(
                f"MAIL_LIMITS contains {item!r}. Each item is a domain with a number of e-mails for each minute, such "
                "as example.org=10, or *=60 for all other domains."
            )
        found[domain.strip().lower()] = int(number)
    return found


def bounce_webhook(provider: str, secret: str) -> tuple[str, str]:
    """Validate and return the provider that reports bounces to this site, and its secret (newsletter.webhooks).

    Raises ImproperlyConfigured if the provider is unknown, or the secret easy to guess.
    """
    if provider and provider not in _WEBHOOK_PROVIDERS:
        raise ImproperlyConfigured(
            f"BOUNCE_WEBHOOK is {provider!r}. It should be one of {', '.join(_WEBHOOK_PROVIDERS)}."
        )
    # Mailgun generates its own secret. The others send it within a URL.
    if provider and not _WEBHOOK_SECRET.fullmatch(secret):
        raise ImproperlyConfigured(
            "BOUNCE_WEBHOOK_SECRET should have 16 or more letters and digits, also with - and _. Make one with "
            "`openssl rand -hex 24`, or copy the signing key of Mailgun."
        )
    return provider, secret


def mailbox_url(url: str) -> str:
    """Validate and return the URL of a mailbox (mail.mailboxes). Raises ImproperlyConfigured if it is invalid."""
    try:
        parts = urlsplit(url)
        is_valid = (parts.scheme == "maildir" and parts.path.startswith("/")) or (
            parts.scheme == "imaps" and parts.hostname and parts.username and parts.port != 0
        )
    except ValueError:
        is_valid = False
    if url and not is_valid:
        # The message does not repeat the URL, which may contain the password.
        raise ImproperlyConfigured(
            "BOUNCE_MAILBOX is not the URL of a mailbox. It should look like maildir:///var/mail/bounces or "
            "imaps://name:password@mail.example.org/INBOX, with characters such as @ or # in name and password "
            "percent-encoded."
        )
    return url
