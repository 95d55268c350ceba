"""The setting CACHES from a URL such as `redis://127.0.0.1:6379/0`."""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

_REDIS = "django.core.cache.backends.redis.RedisCache"


def caches(url: str, folder: Path, *, max_bytes: int = 2**28) -> dict[str, dict[str, Any]]:
    """Return the value of CACHES. Without a `url`, the cache is a folder of files with `max_bytes` in total.

    Raises ImproperlyConfigured if the URL is invalid.
    """
    backend: dict[str, Any]
    if not url:
        backend = {"BACKEND": "core.cache.FileCache", "LOCATION": str(folder), "OPTIONS": {"MAX_BYTES": max_bytes}}
    else:
        backend = _from_url(url)
    # The site's code uses only the first one.
    return {"default": {"BACKEND": "core.cache.FailSafeCache", "LOCATION": "backend"}, "backend": backend}


def _from_url(url: str) -> dict[str, Any]:
    # Valkey speaks the same protocol, but the client does not know its name.
    if url.startswith(("valkey://", "valkeys://")):
        url = f"redis{url.removeprefix('valkey')}"
    try:
        backend: dict[str, Any] = environ.Env.cache_url_config(url)
    except (ImproperlyConfigured, ValueError):
        # The message does not repeat the URL, which may contain a password.
        raise ImproperlyConfigured("CACHE_URL is not valid. It should look like redis://127.0.0.1:6379/0.") from None
    if backend["BACKEND"] == _REDIS:
        # In seconds. Rendering a page takes less time than waiting longer for a server that does not answer.
        backend["OPTIONS"] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5} | backend.get("OPTIONS", {})
    return backend
