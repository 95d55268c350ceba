"""What the dashboard shows about people and what they did."""

from collections.abc import Iterator
from typing import Any, Final, cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from accounts.audit import reading
from accounts.models import User
from core.dashboard import Concern

_SHOWN: Final = 10


def recent_actions(request: HttpRequest) -> dict[str, Any]:
    """Return what this user did last to objects such as posts."""
    return {"records": reading.work_of(cast("User", request.user))[:_SHOWN]}


def missing_name(request: HttpRequest) -> Iterator[Concern]:
    """Yield a concern if readers don't see this owner's name, as after `createsuperuser`."""
    user = cast("User", request.user)
    if not user.display_name and user.has_perm("accounts.change_user"):
        text = gettext("Readers see you as “%(name)s”. Choose the name that they see.") % {"name": user}
        yield Concern(text, reverse("admin:accounts_user_change", args=[user.pk]))
