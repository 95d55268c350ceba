"""Which requests may be answered from a replica of the database (core.replicas): those for public pages.

A replica is used only if its content version is not older than that of the primary database, so everyone sees their
own changes, and those of everyone else, immediately. That costs one small query on the replica. On the primary database
it costs none, because the version comes with the site's settings.
"""

from collections.abc import Callable
from typing import Any, cast

from django.core.exceptions import MiddlewareNotUsed
from django.db import Error
from django.http import HttpRequest, HttpResponse

from blog.caching import has_session, private_parameters
from core.replicas import find_replica, pause, reading_from, replicas
from core.site import SiteRequest


class ReplicaReadsMiddleware:
    """Calls the views of public pages with a replica as their database. If that fails, they are called as usual.

    It comes last, so that the other middleware, and error pages, have nothing to do with replicas.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not replicas():
            raise MiddlewareNotUsed
        self.get_response = get_response

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
