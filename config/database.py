"""The setting DATABASES from URLs such as `postgres://user:password@127.0.0.1/broadside`."""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_SQLITE = "django.db.backends.sqlite3"
_POSTGRESQL = "django.db.backends.postgresql"
# The same backends, for statements that are run again and again, and for a server that may be down.
SQLITE = "core.sqlite"
_OWN_POSTGRESQL = "core.postgresql"
_SCHEMES = {"postgres", "postgresql", "sqlite"}
# Writers queue at BEGIN instead of failing halfway. Readers never wait (WAL).
_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        # FULL: whatever was reported as saved survives a power cut. With NORMAL, the last commits may be undone.
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        # 1 MiB for the connection of each thread. The operating system caches the file for all of them, and the pages
        # of a blog with 100,000 posts are no slower than with 4 MiB.
        "PRAGMA cache_size=-1000; PRAGMA temp_store=MEMORY;"
        # Deleted data is overwritten with zeros (see operations.erasing).
        "PRAGMA secure_delete=ON;"
        # After a large import, the log is truncated to 64 MiB.
        "PRAGMA journal_size_limit=67108864;"
    ),
}
# In seconds. A database that can't be reached must not hold up requests for as long as TCP keeps trying. A replica has
# less time, because the primary database can answer in its place.
_TIMEOUT, _REPLICA_TIMEOUT = 5, 1


def databases(
    url: str, replica_urls: list[str], folder: Path, *, pool: int, max_age: int, prepare: bool
) -> dict[str, dict[str, Any]]:
    """Return the value of DATABASES. Without a `url` it is a SQLite database in `folder`.

    For PostgreSQL, each process has a pool of at most `pool` connections to each database or, if that is 0, each thread
    keeps its own for `max_age` seconds. With `prepare`, the server plans a repeated statement only once. Raises
    ImproperlyConfigured if a URL is invalid, or its client is not installed.
    """
    # A path may contain characters that have a meaning in URLs.
    file: dict[str, Any] = {"ENGINE": _SQLITE, "NAME": f"{folder}/broadside.sqlite3"}
    found = {"default": _parse("DATABASE_URL", url) if url else file}
    for number, replica_url in enumerate(replica_urls, start=1):
        # In tests, a replica is the same database.
        found[f"replica_{number}"] = _parse("DATABASE_REPLICA_URLS", replica_url) | {"TEST": {"MIRROR": "default"}}
    for alias, item in found.items():
        if item["ENGINE"] == _SQLITE:
            if len(found) > 1:
                raise ImproperlyConfigured(
                    "DATABASE_REPLICA_URLS needs PostgreSQL: name the primary database in DATABASE_URL, and its "
                    "replicas in DATABASE_REPLICA_URLS."
                )
            item["ENGINE"] = SQLITE
            item["OPTIONS"] = _SQLITE_OPTIONS
            # Each thread keeps its connection: opening the file takes longer than the query for a cached page.
            item["CONN_MAX_AGE"] = None
            continue
        timeout = _TIMEOUT if alias == "default" else _REPLICA_TIMEOUT
        options: dict[str, Any] = {"connect_timeout": timeout}
        if prepare:
            # Only a statement whose values are sent separately is the same each time. 5 is psycopg's default.
            options |= {"server_side_binding": True, "prepare_threshold": 5}
        if pool:
            # A pool doubles its delay after each failed attempt to connect. Once it has given up, the next request
            # triggers an attempt, so the pool reconnects soon after the server is back.
            options["pool"] = {"min_size": 0, "max_size": pool, "timeout": timeout, "reconnect_timeout": timeout}
        # Django refuses to keep a connection of a pool.
        item["CONN_MAX_AGE"] = 0 if pool else max_age
        item["CONN_HEALTH_CHECKS"] = True
        item["ENGINE"] = _OWN_POSTGRESQL
        item["OPTIONS"] = options | item.get("OPTIONS", {})
    return found


def _parse(name: str, url: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if url.partition("://")[0] in _SCHEMES:
        with suppress(ImproperlyConfigured, ValueError):
            found = environ.Env.db_url_config(url)
        # A password with @ and then / or # was cut in two. Its second part would be taken for the host.
        parts = urlsplit(url)
        if "@" in parts.path or parts.fragment:
            found = {}
    if not found:
        # The message does not repeat the URL, which may contain a password.
        raise ImproperlyConfigured(
            f"{name} is not valid. It should look like postgres://user:password@db.example.org/broadside, with "
            "characters such as @ or / in the password percent-encoded."
        )
    if found["ENGINE"] == _POSTGRESQL and find_spec("psycopg") is None:
        raise ImproperlyConfigured(
            f"{name} names a PostgreSQL database, but its client is not installed. Install it with `uv sync --extra "
            "postgres`, or remove DATABASE_URL to use SQLite."
        )
    return found
