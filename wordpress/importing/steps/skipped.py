"""Reporting the items that are not imported, and why. Most of them are preserved and exported again."""

from collections.abc import Sequence
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wordpress.importing.analysis import is_preserved, reason_to_skip
from wordpress.importing.batches import write_batch, write_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.preserved import preserve_unknown
from wordpress.importing.report import COMMENTS, OTHER_TERMS
from wordpress.wxr.records import CATEGORY, CO_AUTHORS, LANGUAGE, TAG, TRANSLATIONS, Item
from wordpress.wxr.values import language_code, plain_line


def skip_others(context: ImportContext) -> None:
    """Report the items that are not imported, and preserve all except confidential ones."""
    for batch in context.spool.skipped.chunks():
        write_batch(context, _skip, context, batch)
        context.advance(len(batch))
    for name, (count, path) in context.analysis.other_types.items():
        text = ngettext(
            "Readers could open %(count)d of these, such as %(path)s. It will become a page if you choose its type and "
            "import again (in the command: --pages %(name)s).",
            "Readers could open %(count)d of these, such as %(path)s. They will become pages if you choose their type "
            "and import again (in the command: --pages %(name)s).",
            count,
        )
        context.report.note(name, 0, name, text % {"count": count, "path": path, "name": name})


def _skip(context: ImportContext, batch: Sequence[Item]) -> None:
    preserve_unknown(context, [item for item in batch if is_preserved(item)])
    for item in batch:
        text = _("It is on an item that was not imported.")
        if is_preserved(item):
            text = _("It is on an item that is not shown here. It is kept and exported again.")
        skip_item(context, item, reason_to_skip(item), text)


def skip_item(context: ImportContext, item: Item, reason: str, reason_for_comments: str = "") -> None:
    """Report an item that is not imported, and its comments."""
    context.report.skip(item.type, item.id, plain_line(item.title), reason)
    skip_comments(context, item, reason_for_comments or _("It is on an item that was not imported."))


def skip_comments(context: ImportContext, item: Item, reason: str) -> None:
    """Report the comments of an item that is not imported."""
    for comment in item.comments:
        context.report.skip(COMMENTS, comment.id, comment.author, reason)


def in_export_twice() -> str:
    """Return the reason for skipping an item that occurred earlier in the export."""
    return _("It is in the export twice.")


def changed_on_both_sides() -> str:
    """Return the reason for not updating an object that has changed both in the export and here."""
    return _("It was changed in the export and here since the last import, so it stays as it is.")


def skip_other_terms(context: ImportContext) -> None:
    """Report the terms that are not imported, and preserve them."""
    others = [term for term in context.analysis.terms if term.taxonomy not in {CATEGORY, TAG, TRANSLATIONS}]
    # Terms that only items name have no elements of their own.
    write_batches(context, (term for term in others if term.elements), partial(preserve_unknown, context))
    for term in others:
        if term.taxonomy == LANGUAGE and language_code(term.slug):
            reason = _("It is the language of some texts, which keep it here.")
        else:
            reason = _why_taxonomy(term.taxonomy)
        context.report.skip(OTHER_TERMS, 0, term.name, reason)
    for taxonomy, count in context.analysis.other_terms.items():
        text = ngettext("%d post is in this grouping.", "%d posts are in this grouping.", count) % count
        context.report.note(OTHER_TERMS, 0, taxonomy, f"{text} {_why_taxonomy(taxonomy)}")


def _why_taxonomy(taxonomy: str) -> str:
    if taxonomy == "nav_menu":
        return _("It is the name of a menu. It is kept and exported again. The notes say what the menu contained.")
    if taxonomy == CO_AUTHORS:
        return _("It stands for an author. Posts name their authors here. It is kept and exported again.")
    if taxonomy == "post_format":
        return _("Post formats only changed how a theme showed a post. They are kept and exported again.")
    text = _(
        "The grouping “%s” is not shown here. It is kept and exported again. If readers could open its pages, check "
        "that their URLs are among the redirects."
    )
    return text % taxonomy
