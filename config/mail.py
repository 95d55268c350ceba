"""From an address such as `smtp+tls://name:password@mail.example.org:587` to Django's MAILERS."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# How the connection is encrypted: not, with STARTTLS, from the beginning. Source of the names: django-environ.
_SMTP: dict[str, dict[str, bool]] = {"smtp": {}, "smtp+tls": {"use_tls": True}, "smtp+ssl": {"use_ssl": True}}
# Seconds that a mail server has for an answer.
_TIMEOUT = 30


def mailers(url: str) -> dict[str, dict[str, Any]]:
    """The value of MAILERS. Without a `url` there is no mailer, and nothing is sent; `console:` writes to the log.

    Name and password are percent-encoded. Raises ImproperlyConfigured if it is no such address.
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
    # What is wrong is not repeated: it may hold the password.
    if not host or parts.scheme not in _SMTP or parts.path.strip("/") or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            "EMAIL_URL is not an address of a mail server. It should look like "
            "smtp+tls://name:password@mail.example.org:587 (or smtp+ssl://…:465), with signs such as @ or # in name "
            "and password percent-encoded; or be `console:`."
        )
    options: dict[str, Any] = {"host": host, "port": port, "timeout": _TIMEOUT, **_SMTP[parts.scheme]}
    if parts.username:
        options |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}
