"""How often posts and pages were read, in their lists in the admin."""

from collections.abc import Sequence
from typing import Any, cast

from django.http import HttpRequest

from core.site import SiteRequest
from readers.figures import recent_counts
from readers.models import ReaderSettings


def cells(request: HttpRequest, entries: Sequence[Any]) -> dict[int, str]:
    """Return how often each entry was read recently, if the user may see that. One query."""
    is_on = ReaderSettings.of(cast("SiteRequest", request).site).count_readers
    if not is_on or not request.user.has_perm("readers.view_entrycount"):
        return {}
    return recent_counts([entry.pk for entry in entries])
