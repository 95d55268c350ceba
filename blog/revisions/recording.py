"""Keeping a revision of each state in which somebody saved an entry, within the transaction that saves it.

Imports and bulk actions make none. What they stored is kept before the next save by hand replaces it, so an archive of
100,000 posts has revisions only of those that were edited.
"""

import datetime as dt

from django.db.models import Exists, OuterRef

from accounts.models import User
from blog.models import Entry, Revision


def keep_stored(entry: Entry) -> None:
    """Keep what is stored of `entry` before it is saved, unless there is a revision of the time it last changed."""
    is_kept = Exists(Revision.objects.filter(entry=OuterRef("pk"), created_at=OuterRef("modified_at")))
    rows = type(entry)._default_manager.defer("lead_html", "body_html", "auto_excerpt")
    if (stored := rows.filter(~is_kept, pk=entry.pk).first()) is not None:
        record(stored, by=None)


def record(entry: Entry, by: User | None, at: dt.datetime | None = None) -> None:
    """Keep what `entry` contains since `at` (None: since it was saved), unless the latest revision has the same."""
    revision = Revision.of(entry, by)
    revision.created_at = at or revision.created_at
    latest = Revision.objects.filter(entry=entry.pk).order_by("-pk").values_list("digest", flat=True)[:1]
    if revision.digest not in latest:
        revision.save()
