"""URLs of admin views that Django does not have, each declared on the view itself."""

from collections.abc import Callable
from functools import reduce, wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path


def route[View: Callable[..., HttpResponseBase]](
    url: str, name: str, *guards: Callable[..., Any], permission: str = ""
) -> Callable[[View], View]:
    """Give an admin method a URL below that of the change list, which `_url` reverses by this name.

    The `guards` are view decorators such as `require_POST`, the outermost first. With a `permission` such as `change`,
    only users for whom the admin's `has_change_permission` is true may use the view, which is checked first.
    """

    def pattern(model_admin: Any, view: Any) -> URLPattern:
        guarded = reduce(lambda inner, guard: guard(inner), reversed(guards), view)
        if permission:
            guarded = _for_permitted(guarded, getattr(model_admin, f"has_{permission}_permission"))
        full_name = f"{model_admin.opts.app_label}_{model_admin.opts.model_name}_{name}"
        found: URLPattern = path(url, model_admin.admin_site.admin_view(guarded), name=full_name)
        return found

    def add(view: Any) -> Any:
        view.admin_routes = (pattern, *getattr(view, "admin_routes", ()))
        return view

    return add


def _for_permitted(view: Callable[..., HttpResponseBase], may: Callable[[HttpRequest], bool]) -> Any:
    @wraps(view)
    def permitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may(request):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return permitted


def routes_of(model_admin: Any) -> list[URLPattern]:
    """Return the URLs of an admin's own views. A view keeps its URL even if a subclass overrides it."""
    return [
        pattern(model_admin, getattr(model_admin, attribute))
        for each in type(model_admin).__mro__
        for attribute, value in vars(each).items()
        for pattern in getattr(value, "admin_routes", ())
    ]
