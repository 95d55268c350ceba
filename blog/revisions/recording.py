"""Recording a revision each time an entry is saved by hand, within the transaction that saves it.

Imports and bulk actions record none. What they stored is recorded when the next save by hand replaces it, so an archive
of 100,000 posts has revisions only of those that were edited.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from accounts.models import User
from blog.models import Entry, Revision


def record(
    entry: Entry,
    by: User,
    before: Revision | None,
    *,
    categories: Iterable[Any] | None = None,
    tags: Iterable[Any] | None = None,
    at: dt.datetime | None = None,
) -> None:
    """Record the content of `entry` since `at` (by default, since it was saved), unless the latest revision has it.

    Its content `before`, if it was stored then, is recorded first, unless there is a revision from the time of its last
    change. `categories` and `tags` are by default those of the entry.
    """
    states, digest = [Revision.of(entry, by, categories=categories, tags=tags)], ""
    states[0].created_at = at or states[0].created_at
    if before is not None:
        latest = Revision.objects.filter(entry=entry.pk).order_by("-pk").values_list("created_at", "digest").first()
        time, digest = latest or (None, "")
        if time != before.created_at:
            states.insert(0, before)
    new = []
    for state in states:
        if state.digest != digest:
            new.append(state)
        digest = state.digest
    Revision.objects.bulk_create(new)


def author_of(stored: Revision) -> User | None:
    """Return who saved an entry with the content `stored`; None if unknown, as after an import or a bulk change."""
    latest = Revision.objects.filter(entry=stored.entry_id).select_related("by").first()
    return latest.by if latest and latest.digest == stored.digest else None
