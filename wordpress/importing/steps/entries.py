"""Importing posts and pages in batches, each with everything that belongs to its entries, in one transaction.

Slow work is done before the transaction: a batch is matched and rendered while the previous one is stored.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from django.conf import settings
from django.db import DataError, IntegrityError
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from blog.models import Entry
from core.bulk import insert
from core.changes import entries_changed
from core.slugs import TriedNumbers
from search.words import EntryText, made_elsewhere
from wordpress.importing.batches import MAX_COMMENTS, write_batch
from wordpress.importing.co_authors import co_authors, co_authors_text
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import ImportedEntry, build_entry, remarks_on, text_of
from wordpress.importing.ledger import Recorded, fingerprint_item, fingerprint_modified
from wordpress.importing.matching import Identity, KeyedItem, identify
from wordpress.importing.preserved import Fields, entry_fields, preserve
from wordpress.importing.redirects import add_id_redirects
from wordpress.importing.render_worker import CommentText
from wordpress.importing.report import Outcome
from wordpress.importing.steps.comments import CommentBatch, Thread
from wordpress.importing.steps.files import record_featured_images
from wordpress.importing.steps.skipped import changed_on_both_sides, in_export_twice, skip_item
from wordpress.importing.steps.text_parts import import_footnotes
from wordpress.importing.texts import Derived, Text
from wordpress.markup.footnotes_and_blocks import Origin
from wordpress.wxr.records import SECTION_GUID, Item
from wordpress.wxr.values import plain_line

# The fields that are updated if an item has changed.
_UPDATED: Final = (
    *("title", "author_id", "co_authors", "status", "published_at", "source", "markup", "excerpt", "language"),
    *("password", "comments_open", "created_at", "modified_at", "text_changed_at"),
    *("sticky", "menu_order", "noindex"),
    *("lead_html", "body_html", "auto_excerpt", "has_more", "word_count", "source_digest", "render_version"),
)


@dataclass(slots=True)
class _Candidate:
    """An item with its identity and, if it is new or has changed, the entry that it becomes.

    `guess` is the probable language of its text if the export gives none; empty if it is uncertain.
    """

    keyed: KeyedItem
    identity: Identity
    recorded: Recorded | None
    entry: Entry | None
    guess: str = ""


@dataclass(slots=True)
class _Batch:
    """A batch of items, with the HTML of their comments and the tokens of their texts rendered so far."""

    candidates: list[_Candidate]
    html: dict[CommentText, str] = field(default_factory=dict)
    tokens: dict[EntryText, str] = field(default_factory=dict)

    @property
    def built(self) -> list[tuple[_Candidate, Entry]]:
        """The items that become new entries or change existing ones, with the entries built from them."""
        return [(candidate, candidate.entry) for candidate in self.candidates if candidate.entry]

    def texts(self, site: str) -> list[Text]:
        """Return the texts of new and changed entries."""
        items = [candidate.keyed.item for candidate, _entry in self.built]
        return [text_of(item, Origin(site, item.recorded_id)) for item in items]


class EntryImport(ABC):
    """Imports batches of posts or pages. Subclasses assign URLs, and store what only posts or only pages have."""

    def __init__(self, context: ImportContext) -> None:
        self.context = context
        # The suffixes tried for slugs that several entries have.
        self.tried_numbers: TriedNumbers = Counter()

    @abstractmethod
    def place_new(self, imported: Sequence[ImportedEntry]) -> None:
        """Assign free URLs to new entries."""

    @abstractmethod
    def place_changed(self, imported: ImportedEntry) -> None:
        """Assign to a changed entry the slug and parent that it now has in the export."""

    @abstractmethod
    def store_related(self, imported: Sequence[ImportedEntry]) -> None:
        """Store the data that only this kind of entry has, for entries that are new or have changed."""

    def run(self, batches: Iterable[list[KeyedItem]]) -> None:
        """Import batches. Each is rendered while the previous one is stored."""
        previous: _Batch | None = None
        for batch in chain(map(self._prepare, batches), [None]):
            if previous:
                texts, previous.html = self.context.renderer.finish()
                self._take_rendered(previous, texts)
            if batch:
                self._begin_rendering(batch)
            if previous:
                self._store(previous)
                self.context.advance(len(previous.candidates))
            previous = batch

    def preserved(self, item: Item) -> Fields:
        """Return the data of an item to preserve."""
        return entry_fields(item)

    def note(self, imported: ImportedEntry, text: str) -> None:
        self.context.report.note(imported.item.type, imported.item.id, imported.entry.title, text)

    # Before the transaction

    def _prepare(self, items: list[KeyedItem]) -> _Batch:
        items = [keyed._replace(item=self._restricted(keyed.item)) for keyed in items]
        import_footnotes(self.context, items)
        for keyed in items:
            self.context.unsupported.add(keyed.item)
        return self._match(items)

    def _restricted(self, item: Item) -> Item:
        """Return an item as restricted if something else in this or an earlier export restricts it."""
        analysis = self.context.analysis
        item = analysis.restrictions.apply_terms(item)
        restricted = analysis.restrictions.apply_rules(item)
        analysis.visibility.add_restricted(item, restricted, analysis.now)
        return restricted

    def _match(self, items: list[KeyedItem]) -> _Batch:
        context = self.context
        identities = identify(items, context.site)
        known = [identity.pk for identity in identities if identity.known and identity.pk]
        recorded = context.ledger.recorded(items[0].item.type, known)
        batch = _Batch([])
        for keyed, identity in zip(items, identities, strict=True):
            record = recorded.get(identity.pk or 0)
            has_changed = record is not None and record.exported != fingerprint_item(keyed.item)
            entry = None
            if not keyed.is_repeated and (has_changed or not identity.known):
                author = context.author_ids[keyed.item.author]
                entry = build_entry(keyed.item, identity.guid, author, context.run.started_at)
                entry.co_authors = co_authors_text(keyed.item, context.people)
            batch.candidates.append(_Candidate(keyed, identity, record, entry))
        return batch

    def _match_again(self, batch: _Batch) -> _Batch:
        """Match the items of `batch` again, and return them as a rendered batch."""
        again = self._match([candidate.keyed for candidate in batch.candidates])
        again.html = batch.html
        self._take_rendered(again, self.context.renderer.render(again.texts(self.context.site)))
        return again

    def _begin_rendering(self, batch: _Batch) -> None:
        new = (candidate.keyed.item for candidate in batch.candidates if not candidate.identity.known)
        comments = [(comment.content, comment.is_html) for item in new for comment in item.comments]
        self.context.renderer.begin(batch.texts(self.context.site), comments)

    def _take_rendered(self, batch: _Batch, texts: Iterable[Derived]) -> None:
        """Set the values derived from the texts of a batch."""
        for (candidate, entry), derived in zip(batch.built, texts, strict=True):
            candidate.guess = derived.guess
            entry.take_rendered(derived.rendered)
            batch.tokens[derived.words] = derived.tokens

    # In the transaction

    def _store(self, batch: _Batch) -> None:
        """Store a batch. An item that the database rejects is skipped, and the others are stored."""
        later: list[tuple[Thread, int]] = []
        try:
            with made_elsewhere(batch.tokens):
                write_batch(self.context, self._write, batch, later)
        except (DataError, IntegrityError, ValueError, OverflowError) as error:
            self._retry(batch, error)
        else:
            for thread, part in later:
                write_batch(self.context, self._store_comments, thread, part, batch)

    def _retry(self, batch: _Batch, error: Exception) -> None:
        """Store a batch that the database has rejected: match it again or split it in two. Skip a single item."""
        candidates, again = batch.candidates, self._match_again(batch)
        if [each.identity for each in again.candidates] != [each.identity for each in candidates]:
            # Another writer has taken an ID or GUID in the meantime.
            self._store(again)
        elif middle := len(candidates) // 2:
            self._store(_Batch(candidates[:middle], batch.html, batch.tokens))
            self._store(_Batch(candidates[middle:], batch.html, batch.tokens))
        else:
            reason = _("It can't be stored: %s") % error
            write_batch(self.context, skip_item, self.context, candidates[0].keyed.item, reason)

    def _store_comments(self, thread: Thread, part: int, batch: _Batch) -> None:
        """Store a further part of the comments on an entry."""
        comments = CommentBatch(self.context, [thread], batch.html, part)
        comments.prepare()
        comments.write()

    def _write(self, batch: _Batch, later: list[tuple[Thread, int]]) -> None:
        """Store all of `batch` except comments that are too many for one transaction. These are put in `later`."""
        known = {pk for each in batch.candidates if (pk := each.identity.pk) and each.identity.known}
        if Entry.objects.filter(pk__in=known).count() < len(known):
            # Another writer has deleted an entry in the meantime.
            batch = self._match_again(batch)
        imported, unchanged = self._entries(batch)
        recorded = {each.identity.pk for each in batch.candidates if each.recorded}
        changed = [each for each in imported if not each.is_new]
        new = [each for each in imported if each.is_new]
        without_id = [each.entry for each in new if each.entry.pk is None]
        for entry, pk in zip(without_id, self.context.new_ids.take(Entry, len(without_id)), strict=True):
            entry.pk = pk
        self.place_new(new)
        threads = [Thread(each.item, each.entry if each.is_new else each.entry.pk, MAX_COMMENTS) for each in imported]
        threads += [Thread(item, pk, MAX_COMMENTS) for item, pk in unchanged]
        later[:] = [(thread, part) for thread in threads for part in range(1, len(thread.parts))]
        comments = CommentBatch(self.context, threads, batch.html)
        comments.prepare()
        # `bulk_create` would set `modified_at`, and feeds would present sixteen years of posts as new.
        insert([each.entry for each in new])
        record_featured_images(self.context, imported)
        for each in changed:
            self.place_changed(each)
            self.store(each.entry)
        for each in imported:
            self._record(each)
        self.store_related(imported)
        comments.write()
        kept = {each.entry.pk: each.item for each in imported} | {pk: item for item, pk in unchanged if pk in recorded}
        kind = batch.candidates[0].keyed.item.type
        preserve(self.context, kind, "entry", {pk: self.preserved(item) for pk, item in kept.items()})
        self._redirect_ids([each for each in imported if each.is_first_import])
        entries_changed([each.entry.pk for each in imported])

    def _entries(self, batch: _Batch) -> tuple[list[ImportedEntry], list[tuple[Item, int]]]:
        """Report what happens to each item. Return the new and changed entries, and the items and IDs of the others.

        Changed entries are loaded and locked.
        """
        report = self.context.report
        stale = [each.identity.pk for each in batch.candidates if each.entry and each.identity.known]
        stored: dict[int, Entry] = Entry.objects.select_for_update(no_key=True).order_by("pk").in_bulk(stale)
        imported: list[ImportedEntry] = []
        unchanged: list[tuple[Item, int]] = []
        for candidate in batch.candidates:
            keyed, pk, entry = candidate.keyed, candidate.identity.pk or 0, candidate.entry
            item, here = keyed.item, stored.get(pk)
            if keyed.is_repeated:
                skip_item(self.context, item, in_export_twice())
            elif entry is None:
                report.count(item.type, Outcome.UNCHANGED)
                unchanged.append((item, pk))
            elif here is None:
                entry.pk = candidate.identity.pk
                entry.language = entry.language or candidate.guess
                report.count(item.type, Outcome.IMPORTED)
                imported.append(ImportedEntry(keyed, entry, is_new=True, is_guess=bool(candidate.guess)))
            elif candidate.recorded and fingerprint_modified(here.modified_at) == candidate.recorded.stored:
                # A language that was set here is kept, unless the export has one.
                entry.language = entry.language or here.language or candidate.guess
                for name in _UPDATED:
                    setattr(here, name, getattr(entry, name))
                was_section = here.guid.startswith(SECTION_GUID) and here.guid != entry.guid
                if was_section:
                    here.guid = entry.guid
                report.count(item.type, Outcome.UPDATED)
                imported.append(ImportedEntry(keyed, here, is_new=False, was_section=was_section))
            else:
                report.skip(item.type, item.id, plain_line(item.title), changed_on_both_sides())
                unchanged.append((item, pk))
        return imported, unchanged

    def store(self, entry: Entry) -> None:
        """Save a stored entry without changing its `modified_at`."""
        modified_at = entry.modified_at
        entry.store()
        Entry.objects.filter(pk=entry.pk).update(modified_at=modified_at)
        entry.modified_at = modified_at

    def _record(self, imported: ImportedEntry) -> None:
        context, item, entry = self.context, imported.item, imported.entry
        _named, unnamed = co_authors(item, context.people)
        for text in remarks_on(imported, unnamed, context.run.started_at):
            self.note(imported, text)
        if imported.is_guess and entry.language.partition("-")[0] != settings.LANGUAGE_CODE.partition("-")[0]:
            name = get_language_info(entry.language)["name_translated"]
            self.note(imported, _("Its language is not in the export. It looks like this one: %s.") % name)
        fingerprints = fingerprint_item(item), fingerprint_modified(entry.modified_at)
        context.ledger.add(item.type, item.recorded_id, entry.pk, *fingerprints, is_new=imported.is_new)
        context.old_urls.add_entry(entry, item, is_new=imported.is_new)

    def _redirect_ids(self, new: Sequence[ImportedEntry]) -> None:
        """Redirect the exported IDs that could not be kept."""
        # The first of several items with the same ID counts.
        first = [each for each in new if each.item.id and each.keyed.is_first_with_id]
        if moved := {each.item.id: each.entry for each in first if each.item.id != each.entry.pk}:
            self.context.old_urls.write(self.context.ledger)
            self.context.ledger.write()
            add_id_redirects(self.context.site, moved)
