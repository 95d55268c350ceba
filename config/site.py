"""The settings of the site as a whole: its URL, its time zone and its language."""

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf.global_settings import LANGUAGES
from django.core.exceptions import ImproperlyConfigured


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
