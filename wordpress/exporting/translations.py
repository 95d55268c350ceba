"""The languages and translations of posts and pages as Polylang stores them, and other preserved terms."""

import uuid
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from blog.models import Entry
from wordpress.exporting.preserved import Preserved, term_element
from wordpress.wxr import elements, php_values
from wordpress.wxr.elements import text_to_html
from wordpress.wxr.records import LANGUAGE, TRANSLATIONS
from wordpress.wxr.values import language_code

_CHUNK_SIZE: Final = 1000


def other_terms(entry: Entry, preserved: Preserved) -> Iterator[str]:
    """Yield the elements that file `entry` under its language, its translations, and terms that are unknown here."""
    group, has_language = entry.translation_group, False
    for taxonomy, slug, name in preserved.terms:
        # Preserved languages and translations may be out of date.
        is_current = taxonomy != LANGUAGE or language_code(slug) in {"", entry.language}
        if is_current and not (group and taxonomy == TRANSLATIONS):
            has_language |= taxonomy == LANGUAGE
            yield term_element(taxonomy, slug, text_to_html(name))
    if group and entry.language:
        if not has_language:
            yield term_element(LANGUAGE, entry.language, text_to_html(entry.language_name))
        yield term_element(TRANSLATIONS, _slug(group), _slug(group))


def translation_terms() -> Iterator[str]:
    """Yield a term for each group of translations."""
    linked = Entry.objects.exclude(translation_group=None).exclude(language="").order_by("translation_group", "pk")
    rows = linked.values_list("translation_group", "language", "pk").iterator(_CHUNK_SIZE)
    for group, members in groupby(rows, key=itemgetter(0)):
        ids = {language: pk for _group, language, pk in members}
        values = {
            "wp:term_id": min(ids.values()),
            "wp:term_taxonomy": TRANSLATIONS,
            "wp:term_slug": _slug(group),
            "wp:term_name": _slug(group),
            "wp:term_description": php_values.serialise(ids),
        }
        yield f"\t<wp:term>{elements.in_order(values)}</wp:term>\n"


def _slug(group: uuid.UUID) -> str:
    return f"pll_{group.hex}"
