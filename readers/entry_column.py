"""How often posts and pages were read, in their lists in the admin."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from core.models import SiteSettings
from readers.figures import recent_counts
from readers.models import ReaderSettings


def cells(request: HttpRequest, entries: Sequence[Any]) -> dict[int, str]:
    """Return how often each entry was read in the last days, for those who may see it. At most two queries."""
    may_see = request.user.has_perm("readers.view_entrycount")
    if not may_see or not ReaderSettings.of(SiteSettings.remembered()).count_readers:
        return {}
    return recent_counts([entry.pk for entry in entries])
