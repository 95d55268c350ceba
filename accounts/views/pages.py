"""What all pages about accounts have in common."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.base import ContextMixin, View

from accounts.confirmation import ask, is_confirmed
from accounts.logging_in import lacks_second_factor
from accounts.models import User
from core.navigation import Navigation


class AccountPage(ContextMixin, View):
    """A page in the layout of the admin. No cache stores it, and no error report shows what was submitted."""

    title: str | Promise = ""

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters())
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{**admin.site.each_context(self.request), "title": self.title, **kwargs})


class SecretLinkPage(AccountPage):
    """A page whose URL is a secret, so nothing may pass it on. Its form needs no token and no session (urls.py).

    It shows nothing about a person who happens to be logged in where it is opened.
    """

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"navigation": None, "has_permission": False, **kwargs})

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
        return response


class OwnPage(AccountPage):
    """A page for people who are logged in, about their own account. On `dangerous` ones, they confirm who they are."""

    dangerous = False
    owners_only = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not admin.site.has_permission(request):
            return redirect_to_login(request.get_full_path())
        if self.owners_only and not request.user.is_superuser:
            raise PermissionDenied
        if self.dangerous and not is_confirmed(request):
            return ask(request)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if lacks_second_factor(self.request):
            # The other pages lead back to the account until it is set up.
            kwargs["navigation"] = Navigation([], [])
        return super().get_context_data(**kwargs)

    @property
    def user(self) -> User:
        return cast("User", self.request.user)


class OwnAction(OwnPage):
    """A button of “Your account”. People who had to log in or confirm who they are come back with a GET."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return redirect("account")
