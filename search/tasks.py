"""Large changes, such as renaming a tag with thousands of posts, are indexed in part by `manage.py worker`.

Indexing takes 2 to 5 ms for each entry, and nothing else could be written to SQLite all that time.
"""

import datetime as dt
from collections.abc import Collection, Iterator
from functools import partial
from itertools import batched
from time import monotonic
from typing import Final

from django.db import transaction
from django.http import HttpRequest
from django.tasks import task
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from core.dashboard import Concern
from core.tasks import TaskKind, enqueue_once, every
from search.indexing import count_stale_entries, mark_as_stale, parts, update_entries

# How many entries are indexed in the transaction that changes them, and in each transaction of the worker.
AT_ONCE: Final = 100
# How many rows one statement may contain, because databases limit the number of parameters.
_ROWS: Final = 1_000
# In seconds. Then it is the turn of other tasks.
_TURN: Final = 10


def index_changed(pks: Collection[int]) -> None:
    """Bring the documents of these entries up to date. Of very many, only the newest; the worker does the others.

    Until then, the others are found as they were, except that hidden and deleted entries are removed at once. If the
    worker is still to index others, as after the first of several batches, it does all of them.
    """
    newest = sorted(pks, reverse=True)
    now = 0 if len(newest) > AT_ONCE and count_stale_entries() else AT_ONCE
    update_entries(newest[:now])
    if later := newest[now:]:
        for some in batched(later, _ROWS):
            mark_as_stale(some)
        # A failure to schedule it must not fail the change: `rebuild_search` does the same.
        transaction.on_commit(partial(enqueue_once, index_stale_entries), robust=True)


@TaskKind(_("Indexing for the search"), schedule=every(dt.timedelta(hours=1)))
@task()
def index_stale_entries() -> None:
    """Index stale entries and comments for a few seconds, and reschedule itself if there are more."""
    if not index_stale(_TURN):
        enqueue_once(index_stale_entries)


def index_stale(seconds: float) -> bool:
    """Index stale entries, the newest first, and then comments, for about this many seconds.

    Return whether none are left.
    """
    until = monotonic() + seconds
    for part in parts().values():
        while pks := part.stale(AT_ONCE):
            if monotonic() > until:
                return False
            part.update_locked(pks)
    return True


def unfinished_indexing(request: HttpRequest) -> Iterator[Concern]:
    """Yield how many entries are stale, for the dashboard."""
    if count := count_stale_entries():
        text = ngettext(
            "After a large change, %(count)s post or page is still to be indexed for the search.",
            "After a large change, %(count)s posts and pages are still to be indexed for the search.",
            count,
        )
        hint = gettext("The worker does that. If it isn't running, start `manage.py worker`.")
        yield Concern(f"{text % {'count': number_format(count)}} {hint}", reverse("admin:blog_post_changelist"))
