"""Health checks: whether this process responds (`/healthz`), and has everything that the site needs (`/readyz`).

Both are answered before Django: for any Host, because load balancers use an IP address, without a redirect to HTTPS,
and without waiting for other requests. Without the token, the response is a single word.
"""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.cache import is_cache_working
from core.changes import content_version
from core.updating import update_token
from operations.backups.creating import version
from operations.backups.work import RESERVE
from operations.migrations_applied import unapplied_migrations
from operations.models import WorkerHeartbeat
from operations.scrubbing import describe

type Environ = dict[str, Any]
type StartResponse = Callable[..., Any]

# How many seconds a result is reused, so that frequent requests cost nothing.
_REMEMBERED: Final = 1.0
# The text format of metrics, which every scraper understands.
_PROMETHEUS: Final = "text/plain; version=0.0.4"
# How many new files the file system must have room for.
_MIN_FREE_FILES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that the site needs. `problem` returns a sentence if it is missing, and an empty string otherwise.

    A web server can't answer readers without the requirements that have `is_of_web_servers`.
    """

    problem: Callable[[], str]
    needs_database: bool = False
    is_of_web_servers: bool = False


def _database() -> str:
    content_version()
    return ""


def _writing() -> str:
    if connection.vendor == "sqlite":
        # A trial write would wait for other writers.
        is_writable = os.access(connection.settings_dict["NAME"], os.W_OK)
    else:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            is_writable = cursor.fetchone() == ("off",)
    return "" if is_writable else _("The database can only be read.")


def _migrations() -> str:
    if not (count := len(unapplied_migrations())):
        return ""
    return (
        ngettext(
            "The database lacks %d migration: run “manage.py migrate”.",
            "The database lacks %d migrations: run “manage.py migrate”.",
            count,
        )
        % count
    )


def _cache() -> str:
    return "" if is_cache_working() else _("The cache does not keep what is stored in it.")


def _disk() -> str:
    if shutil.disk_usage(settings.DATA_DIR).free < RESERVE:
        return _("The disk is full.")
    files = os.statvfs(settings.DATA_DIR)
    # Some file systems have no limit and report 0.
    return _("The disk can't hold any more files.") if files.f_files and files.f_favail < _MIN_FREE_FILES else ""


def _worker() -> str:
    return "" if WorkerHeartbeat.objects.alive().exists() else _("The worker is not running.")


# In the order in which they are checked.
REQUIREMENTS: Final[dict[str, Requirement]] = {
    "database": Requirement(_database, is_of_web_servers=True),
    "writing": Requirement(_writing, needs_database=True),
    "migrations": Requirement(_migrations, needs_database=True, is_of_web_servers=True),
    "cache": Requirement(_cache),
    "disk": Requirement(_disk),
    "worker": Requirement(_worker, needs_database=True),
}


def find_problems() -> dict[str, str]:
    """Return the problem with each requirement, or an empty string if it is met."""
    problems: dict[str, str] = {}
    for name, requirement in REQUIREMENTS.items():
        if requirement.needs_database and problems["database"]:
            problems[name] = _("This can't be determined without the database.")
            continue
        try:
            problems[name] = requirement.problem()
        except Exception as error:  # noqa: BLE001  whatever it is, the requirement is not met
            problems[name] = describe(error)
    return problems


class _Readiness:
    """The latest result. While one thread updates it, which may take seconds, the others get the previous one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: tuple[float, dict[str, str]] | None = None

    def problems(self) -> dict[str, str]:
        found = self._found
        if found is not None and time.monotonic() - found[0] < _REMEMBERED:
            return found[1]
        if not self._lock.acquire(blocking=found is None) and found is not None:
            return found[1]
        try:
            problems = find_problems()
            self._found = time.monotonic(), problems
            return problems
        finally:
            self._lock.release()
            _give_back_connection()


def _give_back_connection() -> None:
    """Do what Django does at the end of a request, because there is none."""
    if not connection.in_atomic_block:
        close_old_connections()


def _has_token(environ: Environ, expected: str) -> bool:
    """Return whether a request has the header `Authorization: Bearer TOKEN` with the expected token."""
    kind, _space, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return bool(expected) and kind.lower() == "bearer" and constant_time_compare(token.strip(), expected)


class HealthPages:
    """The WSGI application around the site that answers health checks, and passes on all other requests.

    - `/healthz` is constant: the process is alive. A process that does not respond should be restarted.
    - `/readyz` is 503 if anything is missing that the site needs, including the worker: it needs attention.
    - `/readyz/web` is 503 if this web server can't answer readers: a load balancer should use another one.
    - `/metrics` is what `metrics` returns, if the request has the token. Otherwise there is no such page.
    """

    def __init__(
        self,
        application: Callable[[Environ, StartResponse], Iterable[bytes]],
        metrics: Callable[[], bytes] | None = None,
    ) -> None:
        self._application, self._metrics = application, metrics
        self._readiness = _Readiness()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer = self.answer(environ, start_response)
        return self._application(environ, start_response) if answer is None else answer

    def answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes] | None:
        """Answer a request for a health check or metrics. Return None for all others."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return None
        match environ["PATH_INFO"]:
            case "/healthz":
                return _send(environ, start_response, True, "alive")
            case "/readyz":
                return self._answer_readiness(environ, start_response, set(REQUIREMENTS))
            case "/readyz/web":
                needed = {name for name, requirement in REQUIREMENTS.items() if requirement.is_of_web_servers}
                return self._answer_readiness(environ, start_response, needed)
            case "/metrics" if self._metrics is not None and _has_token(environ, settings.BROADSIDE_MONITORING_TOKEN):
                try:
                    return _send(environ, start_response, True, self._metrics().decode(), _PROMETHEUS)
                finally:
                    _give_back_connection()
        return None

    def _answer_readiness(
        self, environ: Environ, start_response: StartResponse, needed: set[str]
    ) -> Iterable[bytes] | None:
        problems = {name: text for name, text in self._readiness.problems().items() if name in needed}
        is_ready = not any(problems.values())
        tokens = (settings.BROADSIDE_MONITORING_TOKEN, update_token())
        if any(_has_token(environ, token) for token in tokens):
            details = {"ready": is_ready, "version": version(), "problems": problems}
            return _send(environ, start_response, is_ready, json.dumps(details), "application/json")
        return _send(environ, start_response, is_ready, "ready" if is_ready else "not ready")


def _send(
    environ: Environ, start_response: StartResponse, is_fine: bool, text: str, content_type: str = "text/plain"
) -> list[bytes]:
    body = f"{text.removesuffix('\n')}\n".encode()
    headers = [
        ("Content-Type", f"{content_type}; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response("200 OK" if is_fine else "503 Service Unavailable", headers)
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]
