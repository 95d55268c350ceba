"""Importing posts and pages in batches, each with everything that belongs to its entries, in one transaction.

What takes time is done before the transaction: a batch is matched and rendered while the one before it is stored.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from django.db import DataError, IntegrityError
from django.utils.translation import gettext as _

from blog.models import Entry, Page, Post
from blog.rendering import RenderInput
from core.changes import entries_changed
from wordpress.bulk import insert
from wordpress.importing.batches import MAX_COMMENTS, write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import ImportedEntry, build_entry, remarks_on
from wordpress.importing.ledger import Recorded, fingerprint_item, fingerprint_modified
from wordpress.importing.matching import Identity, KeyedItem, identify
from wordpress.importing.redirects import add_id_redirects
from wordpress.importing.render_pool import RenderedBatch
from wordpress.importing.report import Outcome
from wordpress.importing.steps.comments import CommentBatch, Thread, ThreadPart, skip_comments
from wordpress.importing.steps.featured_images import record_featured_images
from wordpress.importing.steps.footnotes_and_blocks import import_footnotes
from wordpress.importing.unsupported import Unsupported
from wordpress.markup.source_site import Origin
from wordpress.wxr.records import Item
from wordpress.wxr.values import plain_line

# What an entry takes over from an item that has changed.
_UPDATED: Final = (
    *("title", "author_id", "status", "published_at", "source", "markup", "excerpt", "language", "comments_open"),
    *("created_at", "modified_at", "sticky", "menu_order"),
)
# What databases say of values that they cannot store.
_UNSTORABLE: Final = (DataError, IntegrityError, ValueError, OverflowError)


@dataclass(slots=True)
class _Batch:
    """Items with their identities, and for those that are new or have changed the rendered entry that they become."""

    items: list[KeyedItem]
    identities: list[Identity]
    recorded: dict[int, Recorded]
    entries: list[Entry | None]
    html: dict[tuple[str, bool], str] = field(default_factory=dict)

    def to_render(self) -> list[tuple[KeyedItem, Entry]]:
        return [(keyed, entry) for keyed, entry in zip(self.items, self.entries, strict=True) if entry]

    def halves(self) -> "tuple[_Batch, _Batch]":
        middle = len(self.items) // 2
        first, second = (
            _Batch(self.items[part], self.identities[part], self.recorded, self.entries[part], self.html)
            for part in (slice(middle), slice(middle, None))
        )
        return first, second


class EntryImport(ABC):
    """Imports batches of posts, or of pages. The subclasses know where these are found and how they are filed."""

    def __init__(self, context: ImportContext, unsupported: Unsupported) -> None:
        self.context = context
        self._unsupported = unsupported

    @abstractmethod
    def place_new(self, imported: Sequence[ImportedEntry]) -> None:
        """Give new entries free URLs."""

    @abstractmethod
    def place_changed(self, imported: ImportedEntry) -> None:
        """Let a stored entry move to where it is in the export now."""

    @abstractmethod
    def file(self, imported: Sequence[ImportedEntry]) -> None:
        """Store what belongs to entries of this kind only. These entries are new or have changed."""

    def run(self, batches: Iterable[list[KeyedItem]]) -> None:
        for batch in self._rendered(map(self._prepare, batches)):
            self._store(batch)
            self.context.advance(len(batch.items))

    # Before the transaction

    def _prepare(self, items: list[KeyedItem]) -> _Batch:
        import_footnotes(self.context, items)
        for keyed in items:
            self._unsupported.add(keyed.item)
        return self._match(items)

    def _match(self, items: list[KeyedItem]) -> _Batch:
        context = self.context
        identities = identify(items, context.site)
        known = [identity.pk for identity in identities if identity.known and identity.pk]
        recorded = context.ledger.recorded(items[0].item.type, known)
        entries = [
            self._build(keyed, identity) if _is_needed(keyed, identity, recorded) else None
            for keyed, identity in zip(items, identities, strict=True)
        ]
        return _Batch(items, identities, recorded, entries)

    def _build(self, keyed: KeyedItem, identity: Identity) -> Entry:
        author = self.context.author_ids.of_item(keyed.item.author)
        return build_entry(keyed.item, identity.guid, author, self.context.run.started_at)

    def _rendered(self, batches: Iterable[_Batch]) -> Iterator[_Batch]:
        """Yield each batch rendered, while the next one is being rendered."""
        before: _Batch | None = None
        for batch in batches:
            rendered = self.context.renderer.finish()
            self._begin_rendering(batch)
            if before:
                yield _with_html(before, rendered)
            before = batch
        if before:
            yield _with_html(before, self.context.renderer.finish())

    def _begin_rendering(self, batch: _Batch) -> None:
        site = self.context.site
        texts = [
            RenderInput(entry.source, entry.markup, Origin(site, keyed.item.id)) for keyed, entry in batch.to_render()
        ]
        new = (keyed.item for keyed, identity in zip(batch.items, batch.identities, strict=True) if not identity.known)
        comments = [(comment.content, comment.is_html) for item in new for comment in item.comments]
        self.context.renderer.begin(texts, comments)

    # In the transaction

    def _store(self, batch: _Batch) -> None:
        """Store a batch. An item that the database refuses is skipped, and the others are stored."""
        later: list[ThreadPart] = []
        try:
            write_batch(self.context, lambda: self._write(batch, later))
        except _UNSTORABLE as error:
            if len(batch.items) > 1:
                for half in batch.halves():
                    self._store(half)
                return
            reason = _("It cannot be stored: %s") % error
            write_batch(self.context, partial(self._skip, batch.items[0].item, reason))
        for part in later:
            self._store_comments(part, batch)

    def _store_comments(self, part: ThreadPart, batch: _Batch) -> None:
        write_batch(self.context, partial(self._write_comments, part, batch))

    def _write(self, batch: _Batch, later: list[ThreadPart]) -> None:
        """Store all of `batch` except the comments that are too many for one transaction: these are put in `later`."""
        if identify(batch.items, self.context.site) != batch.identities:
            # Someone else has changed something since.
            batch = self._match(batch.items)
        imported = self._entries(batch)
        changed = [each for each in imported if each.is_changed]
        new = self._give_ids([each for each in imported if each.is_new])
        self.place_new(new)
        parts = [Thread(each).parts(MAX_COMMENTS) for each in imported]
        later[:] = [part for some in parts for part in some[1:]]
        comments = CommentBatch(self.context, [some[0] for some in parts], batch.html)
        comments.prepare()
        # Not with `bulk_create`, which sets `modified_at`: feeds would take sixteen years of posts for new.
        insert([each.entry for each in new])
        record_featured_images(self.context, [*new, *changed])
        for each in changed:
            self._update(each)
        for each in (*new, *changed):
            self._record(each)
        self.file([*new, *changed])
        comments.write()
        self._redirect_ids(new)
        entries_changed([each.entry.pk for each in (*new, *changed)])

    def _entries(self, batch: _Batch) -> list[ImportedEntry]:
        """Return the entries of a batch, and report what happens to each. Changed ones are loaded and locked."""
        report = self.context.report
        stale = [
            identity.pk
            for identity, entry in zip(batch.identities, batch.entries, strict=True)
            if entry and identity.known
        ]
        stored: dict[int, Entry] = Entry.objects.select_for_update(no_key=True).order_by("pk").in_bulk(stale)
        imported = []
        for keyed, identity, entry in zip(batch.items, batch.identities, batch.entries, strict=True):
            item, pk = keyed.item, identity.pk
            if keyed.key.is_repeated:
                self._skip(item, _("It is in the export twice."))
            elif not identity.known and entry:
                entry.pk = pk
                report.count(item.type, Outcome.IMPORTED)
                imported.append(ImportedEntry(keyed, entry, is_new=True))
            elif entry and fingerprint_modified(stored[pk or 0].modified_at) == batch.recorded[pk or 0].stored:
                report.count(item.type, Outcome.UPDATED)
                imported.append(ImportedEntry(keyed, _updated(stored[pk or 0], entry), is_changed=True))
            elif entry:
                reason = _("It was changed in the export and here since the last import, so it stays as it is.")
                report.skip(item.type, item.id, plain_line(item.title), reason)
                imported.append(ImportedEntry(keyed, stored[pk or 0]))
            else:
                report.count(item.type, Outcome.UNCHANGED)
                imported.append(ImportedEntry(keyed, Page(pk=pk) if item.type == "page" else Post(pk=pk)))
        return imported

    def _give_ids(self, new: list[ImportedEntry]) -> list[ImportedEntry]:
        without_id = [each.entry for each in new if each.entry.pk is None]
        for entry, pk in zip(without_id, self.context.new_ids.take(Entry, len(without_id)), strict=True):
            entry.pk = pk
        for each in new:
            # Rendered already, unless it had to be matched again.
            each.entry.render_if_stale()
        return new

    def _update(self, imported: ImportedEntry) -> None:
        """Save a changed entry with the time of its last change in the export."""
        entry, modified_at = imported.entry, imported.entry.modified_at
        self.place_changed(imported)
        entry.store()
        Entry.objects.filter(pk=entry.pk).update(modified_at=modified_at)
        entry.modified_at = modified_at

    def _record(self, imported: ImportedEntry) -> None:
        context, item, entry = self.context, imported.item, imported.entry
        for text in remarks_on(item, entry, context.run.started_at):
            context.report.note(item.type, item.id, entry.title, text)
        add = context.ledger.add_new if imported.is_new else context.ledger.add_updated
        add(item.type, item.id, entry.pk, fingerprint_item(item), fingerprint_modified(entry.modified_at))
        context.old_urls.add_entry(entry, item, is_new=imported.is_new)

    def _redirect_ids(self, new: Sequence[ImportedEntry]) -> None:
        """Redirect the IDs of the export that could not be kept."""
        # Of several with one ID the first counts.
        first = [each for each in new if each.item.id and each.keyed.key.is_first_with_id]
        if moved := {each.item.id: each.entry for each in first if each.item.id != each.entry.pk}:
            self.context.old_urls.write(self.context.ledger)
            self.context.ledger.write()
            add_id_redirects(self.context.site, moved)

    def _write_comments(self, part: ThreadPart, batch: _Batch) -> None:
        comments = CommentBatch(self.context, [part], batch.html)
        comments.prepare()
        comments.write()

    def _skip(self, item: Item, reason: str) -> None:
        self.context.report.skip(item.type, item.id, plain_line(item.title), reason)
        skip_comments(self.context, item, _("It is on an item that was not imported."))


def _is_needed(keyed: KeyedItem, identity: Identity, recorded: dict[int, Recorded]) -> bool:
    """Return whether an item is new, or has changed since an import recorded it."""
    if keyed.key.is_repeated or not identity.known:
        return not keyed.key.is_repeated
    record = recorded.get(identity.pk or 0)
    return record is not None and record.exported != fingerprint_item(keyed.item)


def _updated(stored: Entry, entry: Entry) -> Entry:
    """Return the stored entry with what the export says now."""
    for name in _UPDATED:
        setattr(stored, name, getattr(entry, name))
    for name in ("lead_html", "body_html", "auto_excerpt", "has_more", "source_digest", "render_version"):
        setattr(stored, name, getattr(entry, name))
    return stored


def _with_html(batch: _Batch, rendered: RenderedBatch) -> _Batch:
    for (_keyed, entry), text in zip(batch.to_render(), rendered.texts, strict=True):
        entry.take_rendered(text)
    batch.html = rendered.comments
    return batch
