"""Views for owners only. No permission grants access, because people who had it could give themselves any other."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.confirmation import confirmation_required


def is_owner(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.is_active and user.is_superuser)


def owners_only[Response: HttpResponseBase](view: Callable[..., Response]) -> Callable[..., Response]:
    """Let only owners use this view, after they have confirmed who they are."""
    confirmed = confirmation_required(view)

    @wraps(view)
    def for_owners(request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        if not is_owner(request):
            raise PermissionDenied
        return confirmed(request, *args, **kwargs)

    return for_owners
