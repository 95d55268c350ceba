"""Linking posts and pages to their translations, as Polylang and WPML export them."""

import re
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from django.utils.translation import gettext as _

from blog.models import Entry
from core.changes import entries_changed
from wordpress.importing.batches import write_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.preserved import preserve_unknown
from wordpress.importing.redirects import entries_by_id
from wordpress.importing.report import OTHER_TERMS, Outcome
from wordpress.wxr.records import TRANSLATIONS, Term
from wordpress.wxr.translations import parse_translations

_OUR_NAME: Final = re.compile(r"pll_([0-9a-f]{32})")


def link_translations(context: ImportContext) -> None:
    """Link the texts of each group of translations. Groups with a text that is already linked here are left alone."""
    write_batches(context, _groups(context), partial(_link, context))


def _groups(context: ImportContext) -> Iterator[tuple[Term, list[int]]]:
    """Yield each group of translations, with the IDs of its texts in the export."""
    named = dict(context.analysis.translations)
    for term in context.analysis.terms:
        if term.taxonomy == TRANSLATIONS and term.elements:
            described = parse_translations(dict(term.elements).get("wp:term_description", ""))
            named_ids = named.pop(term.slug, [])
            yield term, list(described.values()) or named_ids
    for name, ids in named.items():
        if len(ids) > 1:
            yield Term(TRANSLATIONS, name, name, "", ""), ids


def _link(context: ImportContext, groups: Sequence[tuple[Term, list[int]]]) -> None:
    entries = entries_by_id(context.site, {pk for _term, ids in groups for pk in ids})
    unlinked: list[Term] = []
    for term, ids in groups:
        found = [entries[pk] for pk in ids if pk in entries]
        by_language = {entry.language: entry for entry in found if entry.language and entry.kind == found[0].kind}
        if any(entry.translation_group for entry in found):
            context.report.count(OTHER_TERMS, Outcome.UNCHANGED)
        elif len(by_language) < 2:
            unlinked.append(term)
            reason = _("Fewer than two of its translations are posts or pages here with different languages.")
            context.report.skip(OTHER_TERMS, 0, term.name, reason)
        else:
            _store(term.slug, list(by_language.values()))
            context.report.count(OTHER_TERMS, Outcome.IMPORTED)
    preserve_unknown(context, [term for term in unlinked if term.elements])


def _store(name: str, entries: list[Entry]) -> None:
    # With the name that one of our own exports has given a group, the next one is the same.
    ours = _OUR_NAME.fullmatch(name)
    group = uuid.UUID(ours[1]) if ours else uuid.uuid4()
    if ours and Entry.objects.filter(translation_group=group).exists():
        group = uuid.uuid4()
    for entry in entries:
        entry.translation_group = group
    pks = [entry.pk for entry in entries]
    Entry.objects.filter(pk__in=pks).update(translation_group=group)
    entries_changed(pks)
