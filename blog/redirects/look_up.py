"""How views look up what a URL is: in the same query as what else it may mean, should it be nothing."""

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponsePermanentRedirect

from blog.redirects.resolve import Alternatives, look_up
from core.prepared import Prepared

# The attribute of a request with the Alternatives to what is at its path.
ALTERNATIVES: Final = "alternatives"


class RedirectToPage(HttpResponsePermanentRedirect):
    """A redirect to a page that exists, so nothing needs to request it to make sure."""


def rows_at(request: HttpRequest, *queries: tuple[Prepared[Any], Sequence[Any]]) -> list[list[Any]]:
    """Return the rows of each of these queries for what should be at the path of the request.

    If the response is that nothing is there, the redirect in its place needs no further query.
    """
    rows, alternatives = look_up(request.path, *queries)
    setattr(request, ALTERNATIVES, alternatives)
    return rows


def has_redirect(request: HttpRequest) -> bool:
    """Return whether there is a redirect from exactly the path for which `rows_at` has looked."""
    alternatives: Alternatives | None = getattr(request, ALTERNATIVES, None)
    return alternatives is not None and any(redirect.path == request.path for redirect in alternatives.redirects())
