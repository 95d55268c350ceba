"""What has changed in the original of a translation since the two last matched, paragraph by paragraph."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.safestring import SafeString

from accounts.models import User
from blog.models import Entry, Revision, TranslatedVersion
from blog.permissions import may_edit, may_view
from blog.review.paragraphs import split_paragraphs
from blog.revisions.comparing import compare, matches
from blog.revisions.describing import as_html
from core.text import parse_time


class ChangedAgainError(Exception):
    """The original has changed since this user saw it."""


@dataclass(frozen=True, slots=True)
class ParagraphChange:
    """A run of paragraphs of the original that have changed: from `first` to `last`, counted from 1.

    If paragraphs were only removed, `last` is less than `first`, and they were before `first`. `translation` has the
    corresponding paragraphs, if the translation has as many paragraphs as the original had.
    """

    first: int
    last: int
    html: SafeString
    translation: Sequence[str]


@dataclass(frozen=True, slots=True)
class OriginalChanges:
    """The differences between the version that was translated and the current original."""

    seen: Revision
    title: SafeString
    paragraphs: Sequence[ParagraphChange]

    def __bool__(self) -> bool:
        return bool(self.title or self.paragraphs)


def translated_version(entry: Entry) -> Revision | None:
    """Return the version of its original that `entry` was last brought up to date with; None if that isn't known."""
    version = TranslatedVersion.objects.filter(entry=entry.pk).select_related("revision").first()
    return version.revision if version else None


def changes_since(seen: Revision, original: Entry, translation: Entry) -> OriginalChanges:
    """Return how `original` has changed since the version that was `seen` by the author of its `translation`."""
    title = SafeString() if seen.title == original.title else as_html(compare(seen.title, original.title))
    return OriginalChanges(seen, title, list(_changes(seen.source, original.source, translation.source)))


def begin(entry: Entry, original: Entry, version: str) -> None:
    """Record which version of `original` a new translation is of: the one that was last changed at the time `version`.

    If that isn't known, it is the current one. The caller has checked that the translator may view `original`.
    """
    try:
        _record_version(entry, original, parse_time(version))
    except ChangedAgainError:
        _record_version(entry, original, None)


def bring_up_to_date(entry: Entry, original: Entry, by: User, *, seen_at: dt.datetime | None = None) -> None:
    """Record that `entry` is up to date with its translation `original`.

    With `seen_at`, it is up to date with the version that was last changed at that time. Raises PermissionDenied
    unless `by` may change `entry` and view `original`, and ChangedAgainError if that version is no longer known.
    """
    if not (may_edit(by, entry) and may_view(by, original)):
        raise PermissionDenied
    _record_version(entry, original, seen_at)


def _record_version(entry: Entry, original: Entry, seen_at: dt.datetime | None) -> None:
    with transaction.atomic():
        current: Entry = Entry.objects.select_for_update().get(pk=original.pk)
        if seen_at in {None, current.modified_at}:
            revision = _current_revision(current)
        else:
            known = Revision.objects.filter(entry=original.pk, created_at=seen_at).order_by("-pk").first()
            if known is None:
                raise ChangedAgainError
            revision = known
        TranslatedVersion.objects.update_or_create(entry_id=entry.pk, defaults={"revision": revision})


def _current_revision(entry: Entry) -> Revision:
    """Return the revision with the current content of `entry`, which is created if there is none."""
    current = Revision.of(entry, by=None)
    latest = Revision.objects.filter(entry=entry.pk).order_by("-pk").first()
    if latest is not None and latest.digest == current.digest:
        return latest
    current.save()
    return current


def _changes(before: str, after: str, translation: str) -> Iterator[ParagraphChange]:
    old, new, translated = split_paragraphs(before), split_paragraphs(after), split_paragraphs(translation)
    is_parallel = len(translated) == len(old)
    same = [(-1, -1), *matches(old, new), (len(old), len(new))]
    for (i, j), (next_i, next_j) in pairwise(same):
        removed, added = old[i + 1 : next_i], new[j + 1 : next_j]
        if removed or added:
            yield ParagraphChange(
                first=j + 2,
                last=next_j,
                html=as_html(compare("\n\n".join(removed), "\n\n".join(added))),
                translation=translated[i + 1 : next_i] if is_parallel else [],
            )
