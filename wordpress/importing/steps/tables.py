"""The tables of the plugin TablePress. They are preserved like other plugins' items, but texts show them.

See wordpress.markup.tables.
"""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from core.bulk import fetch_rows
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.preserved import key_of, preserve_unknown
from wordpress.importing.report import Outcome
from wordpress.importing.steps.skipped import in_export_twice, skip_comments, skip_item
from wordpress.markup.tables import parse_rows
from wordpress.models import PreservedData, fingerprint
from wordpress.wxr.records import TABLE, Item, table_id
from wordpress.wxr.values import plain_line


def import_tables(context: ImportContext) -> None:
    """Store tables before any text that may show them."""
    seen: set[str] = set()
    for batch in context.spool.tables.chunks():
        items = []
        for item in batch:
            if key_of(item) not in seen:
                seen.add(key_of(item))
                items.append(item)
            else:
                skip_item(context, item, in_export_twice())
        write_batch(context, _import, context, items)
        context.advance(len(batch))


def _import(context: ImportContext, items: Sequence[Item]) -> None:
    _update_keys(context.site, items)
    outcomes = preserve_unknown(context, items)
    for item in items:
        title, outcome = plain_line(item.title), outcomes[key_of(item)]
        if reason := _reason_not_to_show(item):
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


def _update_keys(site: str, items: Sequence[Item]) -> None:
    """Update the keys of tables that earlier versions preserved under their item IDs."""
    keys = {fingerprint(TABLE, item.id): key_of(item) for item in items}
    kind = PreservedData.Kind.ITEM
    for pk, key in list(fetch_rows(PreservedData, "key", keys, "pk", "key", kind=kind, site=site)):
        PreservedData.objects.filter(pk=pk).update(key=keys[key])


def _reason_not_to_show(item: Item) -> str:
    if item.status != "publish" or item.password:
        return _("It was not public, so no text showed it. It is kept and exported again.")
    if not table_id(item):
        return _("The export does not say its ID, by which texts show it. It is kept and exported again.")
    if not parse_rows(item.content):
        return _("It can't be read. It is kept and exported again.")
    return ""
