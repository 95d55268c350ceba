"""The URLs of views that Django's admin does not have, each said where the view is."""

from collections.abc import Callable
from functools import reduce
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path


def route[View: Callable[..., HttpResponseBase]](
    url: str, name: str, *guards: Callable[..., Any]
) -> Callable[[View], View]:
    """Give a method of an admin a URL below that of its list, to which `_url` leads by this name.

    The `guards` are decorators of views, such as `require_POST`. The first one is the outermost.
    """

    def pattern(model_admin: Any, view: Any) -> URLPattern:
        guarded = reduce(lambda inner, guard: guard(inner), reversed(guards), view)
        full_name = f"{model_admin.opts.app_label}_{model_admin.opts.model_name}_{name}"
        found: URLPattern = path(url, model_admin.admin_site.admin_view(guarded), name=full_name)
        return found

    def add(view: Any) -> Any:
        view.admin_routes = (pattern, *getattr(view, "admin_routes", ()))
        return view

    return add


def routes_of(model_admin: Any) -> list[URLPattern]:
    """Return the URLs of an admin's own views. A view keeps its URL where a subclass overrides it."""
    return [
        pattern(model_admin, getattr(model_admin, attribute))
        for each in type(model_admin).__mro__
        for attribute, value in vars(each).items()
        for pattern in getattr(value, "admin_routes", ())
    ]
