"""The base class of Broadside's middleware."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class Middleware:
    """Passes requests on with `get_response`. Subclasses define what they do before and after, in `__call__`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
