"""What an export stores apart from the texts that show it: footnotes, reusable blocks and tables of TablePress."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from blog.rendering import MAX_SOURCE_LENGTH
from comments.personal_data import Erasures
from core.bulk import fetch_rows
from core.text import is_storable
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.ledger import FRAGMENTS
from wordpress.importing.limits import max_length
from wordpress.importing.matching import KeyedItem
from wordpress.importing.preserved import block_fields, key_of, preserve, preserve_unknown
from wordpress.importing.report import Outcome
from wordpress.importing.steps.skipped import changed_on_both_sides, in_export_twice, skip_comments, skip_item
from wordpress.markup.footnotes_and_blocks import BLOCK, NOTE
from wordpress.markup.tables import parse_rows
from wordpress.models import Fragment, FragmentKind, ImportedItem, PreservedData, fingerprint
from wordpress.wxr.records import FOOTNOTES, REUSABLE_BLOCK, TABLE, Item, table_id
from wordpress.wxr.values import plain_line


def import_reusable_blocks(context: ImportContext) -> None:
    """Import reusable blocks before any text that may show them."""
    for batch in context.spool.reusable_blocks.chunks():
        write_batch(context, _import_blocks, context, batch)
        context.advance(len(batch))


def import_tables(context: ImportContext) -> None:
    """Store tables before any text that may show them. They are preserved like other plugins' items (markup.tables)."""
    seen: set[str] = set()
    for batch in context.spool.tables.chunks():
        items = []
        for item in batch:
            if key_of(item) not in seen:
                seen.add(key_of(item))
                items.append(item)
            else:
                skip_item(context, item, in_export_twice())
        write_batch(context, _import_tables, context, items)
        context.advance(len(batch))


def import_footnotes(context: ImportContext, items: Iterable[KeyedItem]) -> None:
    """Import the footnotes of posts and pages. Call this before the posts and pages are rendered."""
    fields = [(keyed.item, field) for keyed in items if (field := keyed.item.field(FOOTNOTES).strip())]
    if fields:
        write_batch(context, _import_footnotes, context, fields)


def _import_blocks(context: ImportContext, batch: Sequence[Item]) -> None:
    report = context.report
    stored, skipped, erasures = {}, [], Erasures()
    for item in batch:
        title = plain_line(item.title)[: max_length(Fragment, "title")]
        if item.status != "publish" or item.password or item.is_for_members or not item.id:
            skipped.append(item)
            reason = _("It was not public, so no text showed it. It is kept and exported again.")
            report.skip(item.type, item.id, title, reason)
        elif len(item.content) > MAX_SOURCE_LENGTH:
            skipped.append(item)
            report.skip(item.type, item.id, title, _("It is too long. It is kept and exported again."))
        elif (outcome := _store(context, BLOCK, {str(item.id): (title, item.content)})) == Outcome.SKIPPED:
            report.skip(item.type, item.id, title, changed_on_both_sides())
        else:
            stored[str(item.id)] = block_fields(item, erasures)
            report.count(item.type, outcome)
            if outcome == Outcome.UPDATED:
                text = _("Texts show the old version until you run `manage.py rerender`.")
                report.note(item.type, item.id, title, text)
        skip_comments(context, item, _("It is a comment on a part of other texts. It is kept and exported again."))
    pks = fetch_rows(Fragment, "name", stored, "pk", "name", kind=BLOCK, site=context.site)
    preserve(context, REUSABLE_BLOCK, "fragment", {pk: stored[name] for pk, name in pks})
    preserve_unknown(context, skipped)


def _import_footnotes(context: ImportContext, fields: Iterable[tuple[Item, str]]) -> None:
    for item, field in fields:
        notes = parse_footnotes(field)
        if notes is None:
            text = _("Its footnotes can't be read. They are in the export, in the custom field “footnotes”.")
            context.report.note(item.type, item.id, plain_line(item.title), text)
        else:
            _store(context, NOTE, {name: ("", text) for name, text in notes.items()})


def parse_footnotes(field: str) -> dict[str, str] | None:
    """Return footnotes by name; None if `field` is not in WordPress's format."""
    try:
        values: Any = json.loads(field)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list):
        return None
    notes = {}
    for value in values:
        match value:
            case {"id": str(name), "content": str(text)} if _fits(name, text):
                notes[name] = text
            case _:
                return None
    return notes


def _fits(name: str, text: str) -> bool:
    # JSON can contain characters that no database can store.
    is_short = 0 < len(name) <= max_length(Fragment, "name") and len(text) <= MAX_SOURCE_LENGTH
    return is_short and is_storable(name + text)


def _store(context: ImportContext, kind: FragmentKind, texts: Mapping[str, tuple[str, str]]) -> Outcome:
    """Store titles and texts by name. Return the outcome of the last one that is new or different."""
    outcome = Outcome.UNCHANGED
    columns = ("name", "title", "text", "exported")
    own = {name: rest for name, *rest in fetch_rows(Fragment, "name", texts, *columns, kind=kind, site=context.site)}
    for pk, name, *rest in fetch_rows(Fragment, "name", texts, "pk", *columns, kind=kind, site=""):
        if name not in own and texts[name] == tuple(rest[:2]) and not ImportedItem.objects.filter(site="").exists():
            # It was imported before sites were recorded, so it is assigned to the first site with the same text. That
            # of a blog whose exports don't give its site stays there.
            Fragment.objects.filter(pk=pk).update(site=context.site)
            own[name] = rest
    changed, added = [], []
    for name, (title, text) in texts.items():
        exported_now = fingerprint(title, text)
        *stored, exported = own.get(name, ("", "", ""))
        if exported == exported_now:
            continue
        if name not in own:
            outcome = Outcome.IMPORTED
            added.append(name)
        elif stored != [title, text]:
            if exported and fingerprint(*stored) != exported:
                outcome = Outcome.SKIPPED
                continue
            outcome = Outcome.UPDATED
        # If the text here is already the same, only the fingerprint is updated.
        changed.append(Fragment(kind=kind, site=context.site, name=name, title=title, text=text, exported=exported_now))
    unique, updated = ["kind", "name", "site"], ["title", "text", "exported"]
    Fragment.objects.bulk_create(changed, update_conflicts=True, unique_fields=unique, update_fields=updated)
    for (pk,) in fetch_rows(Fragment, "name", added, "pk", kind=kind, site=context.site):
        context.ledger.add(FRAGMENTS, 0, pk)
    return outcome


def _import_tables(context: ImportContext, items: Sequence[Item]) -> None:
    _update_table_keys(context.site, items)
    outcomes = preserve_unknown(context, items)
    for item in items:
        title, outcome = plain_line(item.title), outcomes[key_of(item)]
        if reason := _reason_to_hide_table(item):
            context.report.skip(TABLE, item.id, title, reason)
        else:
            context.report.count(TABLE, outcome)
        if not reason and outcome == Outcome.UPDATED:
            text = _("Texts show the old version until you run `manage.py rerender`.")
            context.report.note(TABLE, item.id, title, text)
        if any(cell.startswith("=") and len(cell) > 1 for row in parse_rows(item.content) for cell in row):
            text = _("Its formulas are shown as they were typed, without their results.")
            context.report.note(TABLE, item.id, title, text)
        skip_comments(context, item, _("It is on an item that is not shown here. It is kept and exported again."))


def _update_table_keys(site: str, items: Sequence[Item]) -> None:
    """Update the keys of tables that earlier versions preserved under their item IDs."""
    keys = {fingerprint(TABLE, item.id): key_of(item) for item in items}
    kind = PreservedData.Kind.ITEM
    for pk, key in list(fetch_rows(PreservedData, "key", keys, "pk", "key", kind=kind, site=site)):
        PreservedData.objects.filter(pk=pk).update(key=keys[key])


def _reason_to_hide_table(item: Item) -> str:
    if item.status != "publish" or item.password:
        return _("It was not public, so no text showed it. It is kept and exported again.")
    if not table_id(item):
        return _("The export does not say its ID, by which texts show it. It is kept and exported again.")
    if not parse_rows(item.content):
        return _("It can't be read. It is kept and exported again.")
    return ""
