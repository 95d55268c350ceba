"""Keeping the index up to date, in the transaction that changes an entry or comment or by rebuilding it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final

from django.db import transaction

from blog.models import Entry, Status
from comments.models import Comment
from core.bulk import batches, insert_rows
from search.documents import OF_ALL, read_comments, read_entries
from search.indexes import comment_index, entry_index
from search.indexes.base import FullTextIndex
from search.models import STALE, Indexed, IndexedComment, IndexedEntry

# How many entries or comments are read and written together.
_ENTRIES: Final = 100
_COMMENTS: Final = 500
# How many comments are indexed again at once if the language of their entries has changed. Each takes 0.5 ms.
_TRANSLATED: Final = 250


def update_entries(pks: Collection[int]) -> int:
    """Bring the documents of these entries up to date, and return how many were out of date.

    The comments of deleted entries are removed with them, and those of entries in another language indexed again.
    """
    changed = 0
    for batch in batched(pks, _ENTRIES):
        found, indexed = read_entries(batch)
        sources = {source.pk: source for source in found}
        digests = {pk: source.digest() for pk, source in sources.items()}
        stored = {pk: digest for pk, digest, _has_comments in indexed}
        commented = {pk for pk, _digest, has_comments in indexed if has_comments}
        stale = [pk for pk in batch if stored.get(pk) != digests.get(pk)]
        entry_index().write(sources[pk].document() for pk in stale if pk in sources)
        _record(IndexedEntry, ["id", "digest"], [(pk, digests[pk]) for pk in stale if pk in digests])
        if gone := [pk for pk in stale if pk not in digests]:
            _forget_entries(gone)
        if translated := [pk for pk in stale if pk in commented and _has_another_language(stored[pk], digests.get(pk))]:
            _update_comments_on(translated)
        changed += len(stale)
    return changed


def mark_as_stale(pks: Collection[int]) -> None:
    """Mark these entries to be indexed later. Those that are hidden or deleted are removed from the index now."""
    existing = Entry.objects.filter(pk__in=pks).values_list("pk", "status", "password")
    is_shown = {pk: status == Status.PUBLISHED and not password for pk, status, password in existing}
    entry_index().remove([pk for pk in pks if not is_shown.get(pk)])
    _record(IndexedEntry, ["id", "digest"], [(pk, STALE) for pk in is_shown])
    if gone := [pk for pk in pks if pk not in is_shown]:
        _forget_entries(gone)


def _update_comments_on(entry_pks: Collection[int]) -> None:
    """Index the newest comments on these entries again, and mark the others to be indexed later."""
    rows = IndexedComment.objects.filter(entry_id__in=entry_pks).order_by("-pk")
    pks = list(rows.values_list("pk", flat=True))
    update_comments(pks[:_TRANSLATED])
    for some in batched(pks[_TRANSLATED:], _COMMENTS):
        IndexedComment.objects.filter(pk__in=some).update(digest=STALE)


def count_stale_entries() -> int:
    """Return how many entries are marked as stale."""
    return IndexedEntry.objects.filter(digest=STALE).count()


def update_comments(pks: Collection[int]) -> int:
    """Bring the documents of these comments up to date, and return how many were out of date.

    Only approved comments are indexed.
    """
    changed = 0
    for batch in batched(pks, _COMMENTS):
        found, indexed = read_comments(batch)
        sources = {source.pk: source for source in found}
        digests = {pk: source.digest() for pk, source in sources.items()}
        stored = dict(indexed)
        stale = [pk for pk in batch if stored.get(pk) != digests.get(pk)]
        if written := [sources[pk] for pk in stale if pk in sources]:
            comment_index().write(source.document() for source in written)
            rows = [(source.pk, digests[source.pk], source.entry) for source in written]
            _record(IndexedComment, ["id", "digest", "entry_id"], rows)
        if gone := [pk for pk in stale if pk not in digests]:
            _forget_comments(gone)
        changed += len(stale)
    return changed


@dataclass(frozen=True, slots=True)
class Part:
    """The entries or the comments in the index.

    `objects` are those that should be in it, and `rows` those about its documents. `read` (search.documents) and
    `update` take IDs, of which `size` are read and written together.
    """

    objects: Any
    rows: Any
    index: FullTextIndex
    read: Callable[[Collection[int]], tuple[Collection[Any], Collection[Any]]]
    update: Callable[[Collection[int]], int]
    size: int

    def update_locked(self, pks: Collection[int]) -> int:
        """Bring the documents of these objects up to date in one transaction, and return how many were out of date."""
        with transaction.atomic():
            # A concurrent transaction that changes one of them waits, and then brings it up to date.
            rows = self.objects.model._default_manager.filter(pk__in=pks).order_by("pk")
            list(rows.select_for_update(no_key=True).values_list("pk"))
            return self.update(pks)

    def stale(self, limit: int) -> list[int]:
        """Return the IDs of the newest objects that are marked as stale."""
        return list(self.rows.filter(digest=STALE).order_by("-pk").values_list("pk", flat=True)[:limit])

    def superfluous(self) -> list[int]:
        """Return the IDs of documents whose objects no longer exist."""
        return sorted(set(self.rows.values_list("pk", flat=True)) - set(self.objects.values_list("pk", flat=True)))


def parts() -> dict[str, Part]:
    """Return the parts of the index by name."""
    comments = Comment.objects.approved()
    return {
        "entries": Part(Entry.objects, IndexedEntry.objects, entry_index(), read_entries, update_entries, _ENTRIES),
        "comments": Part(comments, IndexedComment.objects, comment_index(), read_comments, update_comments, _COMMENTS),
    }


def rebuild(progress: Callable[[str, int, int], None], *, from_scratch: bool = False) -> Counter[str]:
    """Bring the whole index up to date, and return how many documents were out of date, by `entries` and `comments`.

    It can be interrupted: each batch is one transaction, and the next run continues. With `from_scratch`, all
    documents are written again, and no trace of removed documents is left in the tables.
    """
    if from_scratch:
        with transaction.atomic():
            clear()
    changed: Counter[str] = Counter()
    for name, part in parts().items():
        for batch in _batches(name, part, progress):
            changed[name] += part.update_locked(batch)
        for others in batched(part.superfluous(), part.size):
            changed[name] += part.update_locked(others)
    return changed


def count_stale(progress: Callable[[str, int, int], None]) -> Counter[str]:
    """Return how many documents `rebuild` would write or remove, by `entries` and `comments`. Nothing changes."""
    stale: Counter[str] = Counter()
    for name, part in parts().items():
        for batch in _batches(name, part, progress):
            sources, indexed = part.read(batch)
            digests = {source.pk: source.digest() for source in sources}
            stored = {row[0]: row[1] for row in indexed}
            stale[name] += sum(stored.get(pk) != digests.get(pk) for pk in batch)
        stale[name] += len(part.superfluous())
        stale[name] += len(part.index.pks() ^ set(part.rows.values_list("pk", flat=True)))
    return stale


def clear() -> None:
    """Remove everything from the index."""
    for part in parts().values():
        part.index.drop()
        part.index.create()
        part.rows.all().delete()


def _batches(name: str, part: Part, progress: Callable[[str, int, int], None]) -> Iterator[list[int]]:
    """Yield the IDs of the objects in ascending order, and report progress after each batch."""
    done, total = 0, part.objects.count()
    for batch in batches(part.objects.only("pk"), part.size):
        yield [each.pk for each in batch]
        done += len(batch)
        progress(name, done, total)


def _has_another_language(before: str, after: str | None) -> bool:
    """Return whether the language of an entry that still exists may have changed between these digests."""
    return after is not None and before[OF_ALL:] != after[OF_ALL:]


def _record(model: type[Indexed], columns: Sequence[str], rows: Sequence[tuple[int | str, ...]]) -> None:
    """Record what is in the index now."""
    insert_rows(model, columns, rows, unique=["id"])


def _forget_entries(pks: Collection[int]) -> None:
    entry_index().remove(pks)
    IndexedEntry.objects.filter(pk__in=pks).delete()
    comments = IndexedComment.objects.filter(entry_id__in=pks)
    if orphans := list(comments.values_list("pk", flat=True)):
        _forget_comments(orphans)


def _forget_comments(pks: Collection[int]) -> None:
    comment_index().remove(pks)
    for batch in batched(pks, _COMMENTS):
        IndexedComment.objects.filter(pk__in=batch).delete()
