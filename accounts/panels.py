"""What the dashboard shows about people and what they did."""

from typing import Any, Final, cast

from django.http import HttpRequest

from accounts.audit import reading
from accounts.models import User

_SHOWN: Final = 10


def recent_actions(request: HttpRequest) -> dict[str, Any]:
    """Return what this user did last to objects such as posts."""
    return {"records": reading.work_of(cast("User", request.user))[:_SHOWN]}
