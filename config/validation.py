"""Validation of the values of single variables. Each function raises ImproperlyConfigured, and says what to do."""

import datetime as dt
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf.global_settings import LANGUAGES
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

# In characters. Shorter ones could be guessed.
_MIN_TOKEN_LENGTH: Final = 24
# Of the URIs of contacts.
_SCHEMES: Final = ("https://", "mailto:", "tel:")


def site_url(value: str) -> str:
    """Return the URL that readers use, without a trailing slash. Raises ImproperlyConfigured if it is invalid."""
    url = value.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in {"http", "https"} and parts.hostname and url == f"{parts.scheme}://{parts.netloc}"
        # Reading the port raises ValueError if it is invalid.
        is_valid = is_valid and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ImproperlyConfigured(
            f"SITE_URL is {value!r}. It should be the URL of the site's front page, at the root of a host, such as "
            "https://blog.example.org."
        )
    return url


def hosts(name: str, values: Iterable[str]) -> list[str]:
    """Return the hosts in a setting, in lower case. Raises ImproperlyConfigured if one is a URL."""
    found = [value.strip().lower() for value in values if value.strip()]
    if urls := [host for host in found if "/" in host]:
        raise ImproperlyConfigured(f"{name} contains {urls[0]!r}. It should be a host, such as blog.example.org.")
    return found


def time_zone(value: str) -> str:
    """Validate and return the name of a time zone. Raises ImproperlyConfigured if there is no such time zone."""
    try:
        ZoneInfo(value)
    except (OSError, ValueError, LookupError):
        raise ImproperlyConfigured(
            f"TIME_ZONE is {value!r}. It should be a time zone such as Europe/Amsterdam; `timedatectl list-timezones` "
            "lists them."
        ) from None
    return value


def language_code(value: str) -> str:
    """Validate and return a language code. Raises ImproperlyConfigured if Django doesn't know the language."""
    known = {code.partition("-")[0] for code, _name in LANGUAGES}
    if value.lower().partition("-")[0] not in known:
        raise ImproperlyConfigured(
            f"LANGUAGE_CODE is {value!r}. It should be the code of a language, such as en, ar or pt-br."
        )
    return value


def security_contacts(values: Iterable[str]) -> list[str]:
    """Return the URIs of e-mail addresses and URLs. Raises ImproperlyConfigured if one is neither. Source: RFC 9116."""
    contacts = []
    for value in filter(None, map(str.strip, values)):
        if value.startswith(_SCHEMES) and not any(character.isspace() for character in value):
            contacts.append(value)
            continue
        try:
            validate_email(value)
        except ValidationError:
            raise ImproperlyConfigured(
                f"SECURITY_CONTACT contains {value!r}. Use e-mail addresses and URLs that begin with https://, "
                "separated by commas."
            ) from None
        contacts.append(f"mailto:{value}")
    return contacts


def backup_times(values: Iterable[str]) -> list[dt.time]:
    """Return the times of day at which backups are made, in the site's time zone. Raises ImproperlyConfigured."""
    try:
        times = sorted({dt.time.fromisoformat(value.strip()) for value in values if value.strip()})
    except ValueError:
        times = []
    if not times or any(time.tzinfo for time in times):
        raise ImproperlyConfigured("BACKUP_TIMES is not valid. It should be times of day, such as 03:30,15:30.")
    return times


def monitoring_token(value: str) -> str:
    """Return the token; empty if there is none. Raises ImproperlyConfigured if it is guessable or can't be sent."""
    token = value.strip()
    if token and (len(token) < _MIN_TOKEN_LENGTH or not token.isascii() or not token.isprintable() or " " in token):
        raise ImproperlyConfigured(
            f"MONITORING_TOKEN is not valid. It should have {_MIN_TOKEN_LENGTH} characters or more. `make secret-key` "
            "prints one."
        )
    return token
