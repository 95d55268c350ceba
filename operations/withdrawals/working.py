"""Doing the work of a withdrawal in small steps: one batch of rows each, in its own transaction.

In the transaction in which it changes the rows, each step also stores where the next one starts. So the work can be
killed at any time, and continued by any process.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from operations.erasing import truncate_log
from operations.models import Withdrawal, WithdrawalState, WithdrawnRow
from operations.withdrawals.copies import delete_copies
from operations.withdrawals.gone_urls import forget_gone
from operations.withdrawals.lifecycle import Finding, Secret, secret_of, take_step
from operations.withdrawals.matching import Span
from operations.withdrawals.places import Place, places
from operations.withdrawals.rewriting import mend_files, restore, rewrite
from operations.withdrawals.variants import MAX_SUGGESTIONS, Variants
from operations.withdrawals.warnings import remember_names
from search.tasks import index_stale

# How many rows are read together, and written in one transaction at most.
_ROWS: Final = 100
# For how many seconds a step updates the search index.
_INDEXING: Final = 2
# How many rows are listed in the preview. Further ones are only counted.
MAX_FINDINGS: Final = 500
# How often the whole database is read at most, until the name is no longer found.
_MAX_PASSES: Final = 4
# How much context of the name is shown on each side, in characters.
_CONTEXT: Final = 60


def work(withdrawal: Withdrawal, seconds: float) -> bool:
    """Continue for about `seconds` seconds. Return whether it is finished. Raises UnreadableError."""
    until = monotonic() + seconds
    while step := _STEPS.get(withdrawal.state):
        step(withdrawal)
        try:
            withdrawal.refresh_from_db()
        except Withdrawal.DoesNotExist:
            # Someone has cancelled the search.
            return True
        if monotonic() > until:
            break
    return not withdrawal.is_active


def _search(withdrawal: Withdrawal) -> None:
    """Search the next rows, and store what was found."""
    secret = secret_of(withdrawal)
    place, rows = _next_rows(withdrawal)
    if place is None:
        secret.suggestions = dict(Counter(secret.suggestions).most_common(MAX_SUGGESTIONS))
        take_step(withdrawal, WithdrawalState.FOUND, cursor={}, sealed=secret.seal())
        return
    name, variants = secret.name, Variants(secret.spellings)
    suggestions, count = Counter(secret.suggestions), 0
    for pk, values in rows:
        texts = list(place.texts(values))
        suggestions.update({spelling for _column, text in texts for spelling in variants.count(text)})
        found = ((column, text, spans[0]) for column, text in texts if (spans := name.find(text)))
        if first := next(found, None):
            count += 1
            if len(secret.findings) < MAX_FINDINGS:
                secret.findings.append(_finding(place, pk, *first))
    secret.suggestions = dict(suggestions)
    counts = _counted(withdrawal, place, count)
    take_step(withdrawal, **_position(withdrawal, place, rows), sealed=secret.seal(), counts=counts)


def _finding(place: Place, pk: Any, column: str, text: str, span: Span) -> Finding:
    start, end = span
    around = text[max(0, start - _CONTEXT) : start], text[start:end], text[end : end + _CONTEXT]
    return Finding(place.label, str(pk), column, *(" ".join(part.split()) for part in around))


def _replace(withdrawal: Withdrawal) -> None:
    """Search the next rows, and replace the name in those that contain it."""
    secret = secret_of(withdrawal)
    place, rows = _next_rows(withdrawal)
    if place is None:
        _end_pass(withdrawal, secret)
        return
    name, left = secret.name, set(secret.left)
    may_have = [pk for pk, values in rows if place.may_have(name, values) and f"{place.label}:{pk}" not in left]
    with transaction.atomic():
        if take_step(withdrawal, **_position(withdrawal, place, rows)) and may_have:
            done = rewrite(withdrawal, place, may_have, name)
            secret.renamed |= done.renamed
            Withdrawal.objects.filter(pk=withdrawal.pk).update(
                cursor=withdrawal.cursor | {"changed": withdrawal.cursor.get("changed", 0) + done.count},
                counts=_counted(withdrawal, place, done.count),
                by_hand=_added(withdrawal.by_hand, done.by_hand),
                sealed=secret.seal(),
            )


def _end_pass(withdrawal: Withdrawal, secret: Secret) -> None:
    """Start another pass if the name was found, because someone may have saved it again since; otherwise finish."""
    if not index_stale(_INDEXING):
        return
    passes = withdrawal.cursor.get("passes", 0) + 1
    if withdrawal.cursor.get("changed") and passes < _MAX_PASSES:
        take_step(withdrawal, cursor={"passes": passes}, done=0)
        return
    mend_files(withdrawal)
    delete_copies(secret.name)
    # Old pages are no longer used, but would stay in the cache for a while.
    cache.clear()
    secret.findings, secret.suggestions = [], {}
    values: dict[str, Any] = {"cursor": {}, "sealed": secret.seal()}
    if withdrawal.withdrawn_at is None:
        now, days = timezone.now(), settings.BROADSIDE_WITHDRAWAL_UNDO_DAYS
        values |= {"withdrawn_at": now, "undo_until": now + dt.timedelta(days=days)}
    take_step(withdrawal, WithdrawalState.DONE, **values)
    remember_names()
    truncate_log()


def _put_back(withdrawal: Withdrawal) -> None:
    """Restore the next batch of rows, starting with those that were changed last.

    Files come first, because texts are indexed by the names of the files that they show.
    """
    rows = withdrawal.rows.order_by("-pk")
    files = rows.filter(model__in=[place.label for place in places() if place.has_files])
    batch = list(files[:_ROWS]) or list(rows[:_ROWS])
    if not batch:
        if index_stale(_INDEXING):
            _end_undo(withdrawal)
        return
    with transaction.atomic():
        if take_step(withdrawal, done=withdrawal.done + len(batch)):
            left_alone = _added(withdrawal.left_alone, restore(batch))
            Withdrawal.objects.filter(pk=withdrawal.pk).update(left_alone=left_alone)
            WithdrawnRow.objects.filter(pk__in=[row.pk for row in batch]).delete()


def _end_undo(withdrawal: Withdrawal) -> None:
    with transaction.atomic():
        if take_step(withdrawal, WithdrawalState.UNDONE, cursor={}, sealed="", undo_until=None):
            forget_gone(withdrawal)
    remember_names()
    truncate_log()


def _next_rows(withdrawal: Withdrawal) -> tuple[Place | None, list[tuple[Any, dict[str, Any]]]]:
    """Return the next rows to read, and their place; None after the last one."""
    cursor, all_places = withdrawal.cursor, places()
    labels = [place.label for place in all_places]
    index = labels.index(cursor["place"]) if cursor.get("place") in labels else 0
    after = cursor.get("after")
    for place in all_places[index:]:
        if rows := place.read(None if after is None else place.model._meta.pk.to_python(after), _ROWS):
            return place, rows
        after = None
    return None, []


def _position(withdrawal: Withdrawal, place: Place, rows: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    """Return the fields that record that these rows have been read."""
    cursor = withdrawal.cursor | {"place": place.label, "after": str(rows[-1][0])}
    return {"cursor": cursor, "done": withdrawal.done + len(rows)}


def _counted(withdrawal: Withdrawal, place: Place, count: int) -> dict[str, int]:
    return dict(+(Counter(withdrawal.counts) + Counter({place.label: count})))


def _added(pairs: Iterable[Sequence[str]], more: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    """Return `pairs` and those of `more` that are not among them, as JSON can represent them."""
    return [list(pair) for pair in dict.fromkeys(map(tuple, [*pairs, *more]))]


_STEPS: Final[Mapping[str, Callable[[Withdrawal], None]]] = {
    WithdrawalState.SEARCHING: _search,
    WithdrawalState.RUNNING: _replace,
    WithdrawalState.UNDOING: _put_back,
}
