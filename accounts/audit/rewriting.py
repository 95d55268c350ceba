"""Removing names from the audit log, without removing its records.

People who have an account are never named in a record, which has their ID only. But the titles of objects, and what is
said besides, may contain the name of anyone.
"""

from collections.abc import Callable, Mapping
from itertools import batched
from typing import Final

from accounts.models import AuditRecord

_BATCH: Final = 1000

# The title and the details of a record.
type Texts = tuple[str, str]


def rewrite(change: Callable[[str], str]) -> dict[int, Texts]:
    """Pass each text in the log through `change`, and return those that it changed as they were, by record ID.

    For withdrawing a person: `change` replaces the spellings of a name by something neutral. It reads the whole log.
    """
    former: dict[int, Texts] = {}
    changed: dict[int, Texts] = {}
    named = AuditRecord.objects.exclude(title="", details="")
    last = 0
    while rows := list(named.filter(pk__gt=last).order_by("pk").values_list("pk", "title", "details")[:_BATCH]):
        for pk, title, details in rows:
            texts = change(title), change(details)
            if texts != (title, details):
                former[pk], changed[pk] = (title, details), texts
        last = rows[-1][0]
    put_back(changed)
    return former


def put_back(texts: Mapping[int, Texts]) -> None:
    """Give records these texts, such as those that `rewrite` has returned. Records that are gone stay so."""
    for some in batched(texts.items(), _BATCH, strict=False):
        rows = [AuditRecord(pk=pk, title=title[:200], details=details) for pk, (title, details) in some]
        AuditRecord.changeable().bulk_update(rows, ["title", "details"])
