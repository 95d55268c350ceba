"""Large changes, such as renaming a tag with thousands of posts, are indexed in part by `manage.py worker`.

Otherwise nothing else could be written to SQLite for as long as it takes: 2 ms for each entry.
"""

from collections.abc import Collection, Iterator
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
from django_tasks_db.models import DBTaskResult

from blog.models import Entry
from core.dashboard import Concern
from core.tasks import task_kind
from search.indexing import count_stale_entries, mark_as_stale, stale_entries, update_entries

# How many entries are indexed in the transaction that changes them, and how many the worker indexes in each of its own.
AT_ONCE: Final = 1_000
_BATCH: Final = 100
# How many rows one statement is about: databases limit its parameters.
_ROWS: Final = 1_000
# In seconds. Then other tasks have their turn.
_TURN: Final = 10


def index_changed(pks: Collection[int]) -> None:
    """Bring the documents of these entries up to date. Of very many, the newest; the worker continues with the others.

    Until then, the others are found as they were, but at once no longer if they are hidden or deleted.
    """
    newest = sorted(pks, reverse=True)
    update_entries(newest[:AT_ONCE])
    if later := newest[AT_ONCE:]:
        for some in batched(later, _ROWS, strict=False):
            mark_as_stale(some)
        # Failing to schedule it must not fail the change: `rebuild_search` does the same.
        transaction.on_commit(_schedule, robust=True)


@task_kind(_("Indexing for the search"))
@task()
def index_stale_entries() -> None:
    """Index what is marked as stale for some seconds, and come back if there is more."""
    if not index_stale(_TURN):
        _schedule()


def index_stale(seconds: float) -> bool:
    """Index what is marked as stale for about so many seconds, the newest first. Return whether nothing is left."""
    until = monotonic() + seconds
    while pks := stale_entries(_BATCH):
        if monotonic() > until:
            return False
        with transaction.atomic():
            # Another transaction that changes one waits, and then brings it up to date.
            list(Entry.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk").values_list("pk"))
            update_entries(pks)
    return True


def unfinished_indexing(request: HttpRequest) -> Iterator[Concern]:
    """Yield how many entries are marked as stale, for the dashboard."""
    if count := count_stale_entries():
        text = ngettext(
            "After a large change, %(count)s post or page is still to be indexed for the search.",
            "After a large change, %(count)s posts and pages are still to be indexed for the search.",
            count,
        )
        hint = gettext("The worker does that. If it isn't running, start `manage.py worker`.")
        yield Concern(f"{text % {'count': number_format(count)}} {hint}", reverse("admin:blog_post_changelist"))


def _schedule() -> None:
    if not DBTaskResult.objects.ready().filter(task_path=index_stale_entries.module_path).exists():
        index_stale_entries.enqueue()
