"""The setting MAILERS from a URL such as `smtp+tls://name:password@mail.example.org:587`."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Without encryption, with STARTTLS, or encrypted from the start. Source of the names: django-environ.
_SMTP: dict[str, dict[str, bool]] = {"smtp": {}, "smtp+tls": {"use_tls": True}, "smtp+ssl": {"use_ssl": True}}


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
    return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}
