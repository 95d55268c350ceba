"""Lookups of URLs by views: one query for what is there, and for what else the URL may mean if nothing is."""

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponsePermanentRedirect

from blog.redirects.resolve import Alternatives, look_up
from core.prepared import Prepared

# The attribute of a request with the Alternatives for its path.
ALTERNATIVES: Final = "alternatives"


class RedirectToPage(HttpResponsePermanentRedirect):
    """A redirect to a page that is known to exist, so that it need not be requested to make sure."""


def rows_at(request: HttpRequest, *queries: tuple[Prepared[Any], Sequence[Any]]) -> list[list[Any]]:
    """Return the rows of each of these queries for what should be at the path of the request.

    If nothing is there, finding a redirect takes no further query.
    """
    rows, alternatives = look_up(request.path, *queries)
    setattr(request, ALTERNATIVES, alternatives)
    return rows


def has_redirect(request: HttpRequest) -> bool:
    """Return whether there is a redirect from exactly the path that `rows_at` has looked up."""
    alternatives: Alternatives | None = getattr(request, ALTERNATIVES, None)
    return alternatives is not None and any(redirect.path == request.path for redirect in alternatives.redirects())
