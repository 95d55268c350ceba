"""Reading public pages from replicas of the database, which may lag behind the primary database or be down.

A replica is used only if its content version is not older than that of the primary database, so everyone sees their
own changes, and those of everyone else, immediately. That costs one small query on the replica. On the primary database
it costs none, because the version comes with the site's settings.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, cast

from django.core.exceptions import MiddlewareNotUsed
from django.db import DEFAULT_DB_ALIAS, Error, connections, models
from django.http import HttpRequest, HttpResponse

from blog.caching import has_session, private_parameters
from core.changes import content_version
from core.middleware import Middleware
from core.site import SiteRequest

# How many seconds a replica is left alone after it failed.
PAUSE: Final = 5

_log = logging.getLogger(__name__)
# The database that the current request reads from.
_source: ContextVar[str] = ContextVar("_source", default=DEFAULT_DB_ALIAS)
# Until when each replica is left alone, in seconds of the monotonic clock. Shared by all threads of a process.
_paused_until: dict[str, float] = {}


class ReplicaRouter:
    """Sends everything to the primary database, except for reads within `reading_from`."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        # A transaction must see its own changes.
        return DEFAULT_DB_ALIAS if connections[DEFAULT_DB_ALIAS].in_atomic_block else _source.get()

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        # Reads after a write must see it.
        _source.set(DEFAULT_DB_ALIAS)
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: models.Model, other: models.Model, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


class ReplicaReadsMiddleware(Middleware):
    """Calls the views of public pages with a replica as their database. If that fails, they are called as usual.

    It comes last, so that the other middleware, and error pages, have nothing to do with replicas.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not replicas():
            raise MiddlewareNotUsed
        super().__init__(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if not _is_for_everyone(request, view):
            return None
        replica = find_replica(cast("SiteRequest", request).site.content_version)
        if replica is None:
            return None
        try:
            with reading_from(replica):
                response: HttpResponse = view(request, *args, **kwargs)
                if hasattr(response, "render"):
                    response.render()
        except Error as error:
            pause(replica, error)
            # Django calls the view again, which reads the primary database.
            return None
        return response


def _is_for_everyone(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Return whether the response depends only on public content, whose changes increment the version."""
    return (
        request.method in {"GET", "HEAD"}
        and getattr(view, "is_public_page", False)
        and not has_session(request)
        and not any(parameter in request.GET for parameter in private_parameters.values())
    )


def replicas() -> list[str]:
    """Return the aliases of the replicas in DATABASES."""
    return [alias for alias in connections if alias != DEFAULT_DB_ALIAS]


def find_replica(version: int) -> str | None:
    """Return the alias of a replica that has all public content of this version. None if there is none at the moment.

    A transaction increments the version when it commits, so a replica with the version has the whole transaction.
    """
    now = time.monotonic()
    candidates = [alias for alias in replicas() if _paused_until.get(alias, 0) <= now]
    # Shuffled, so that the others share the load of one that lags behind.
    random.shuffle(candidates)
    for alias in candidates:
        try:
            if content_version(alias) >= version:
                return alias
        except Error as error:
            pause(alias, error)
    return None


@contextmanager
def reading_from(alias: str) -> Iterator[None]:
    """Read from this replica within the block, in this thread, until something is written."""
    token = _source.set(alias)
    try:
        yield
    finally:
        _source.reset(token)


def pause(alias: str, error: Error) -> None:
    """Leave a replica alone for a while after this error, because failing again may take long."""
    _paused_until[alias] = time.monotonic() + PAUSE
    _log.warning("%s failed, so the primary database is read for %d seconds. %s", alias, PAUSE, error)
