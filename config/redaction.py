"""The environment of a site as backups contain it: all settings but no secrets, so that it can be set up again."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

# Each variable is in exactly one of these; a test compares them with .env.example.
PLAIN: Final = frozenset(
    (
        *("ALLOWED_HOSTS", "AUDIT_KEEP_DAYS", "AUDIT_KEEP_FAILED_DAYS", "BACKUP_KEEP_DAILY", "BACKUP_KEEP_MONTHLY"),
        *("BACKUP_KEEP_WEEKLY", "BACKUP_PUBLIC_KEY", "BACKUP_TIMES", "BEHIND_PROXY", "BOUNCE_ADDRESS"),
        *("BOUNCE_WEBHOOK", "BROADSIDE_DATA", "CACHE_MAX_MB", "CLIENT_ADDRESS_HEADER", "CSRF_TRUSTED_ORIGINS"),
        *("DATABASE_CONN_MAX_AGE", "DATABASE_POOL", "DATABASE_PREPARE", "DATABASE_TIMEOUT", "DEBUG", "EMAIL_FROM"),
        *("EXPORT_KEEP_DAYS", "FORMER_FOLDER", "FORMER_HOSTS", "IMPORT_FILE_MAX_MB", "IMPORT_KEEP_DAYS"),
        *("IMPORT_MAX_MB", "IMPORT_UNCLEANED_FILES", "LANGUAGE_CODE", "LOG_FORMAT", "LOG_LEVEL", "MAIL_LIMITS"),
        *("NEWS_SITEMAP", "PAGES_FOLDER", "PAGES_FOLDER_MAX_MB", "PAGE_CACHE_MEMORY_MB"),
        *("SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD", "SECURE_HSTS_SECONDS", "SECURE_SSL_REDIRECT"),
        *("SECURITY_CONTACT", "SITE_URL", "STATIC_ROOT", "TIME_ZONE", "TRUSTED_PROXIES", "WITHDRAWAL_UNDO_DAYS"),
    )
)
# These may contain a user name and password, and in their query whatever a server accepts there.
URLS: Final = frozenset(
    (
        *("BACKUP_URL", "BOUNCE_MAILBOX", "CACHE_URL", "DATABASE_REPLICA_URLS", "DATABASE_URL", "EMAIL_URL"),
        *("SENTRY_DSN", "STORAGE_URL", "WEBSUB_HUB"),
    )
)
# In all others, a comma is part of the URL.
_LIST_OF_URLS: Final = "DATABASE_REPLICA_URLS"
SECRET: Final = frozenset(
    {"AKISMET_KEY", "BOUNCE_WEBHOOK_SECRET", "MONITORING_TOKEN", "SECRET_KEY", "SECRET_KEY_FALLBACKS"}
)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return Broadside's variables that are set. URLs keep only scheme, host, path and region; secrets are empty."""
    found = {}
    for name in sorted(environment.keys() & (PLAIN | URLS | SECRET)):
        value = "" if name in SECRET else environment[name]
        if name == _LIST_OF_URLS:
            found[name] = ",".join(map(_without_secrets, value.split(",")))
        else:
            found[name] = _without_secrets(value) if name in URLS else " ".join(value.split())
    return found


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if not host:
        # A folder is not secret, and anything else can't be parsed.
        return "" if parts.scheme or "@" in url else url.strip()
    at = "…@" if "@" in parts.netloc else ""
    host = f"[{host}]" if ":" in host else host
    region = f"?region={names[0]}" if (names := parse_qs(parts.query).get("region")) else ""
    return f"{parts.scheme}://{at}{host}" + (f":{port}" if port else "") + parts.path + region
