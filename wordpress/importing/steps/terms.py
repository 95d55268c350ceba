"""The terms of an export: its categories and tags, and the others, which are only reported."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.slugs import slugify
from wordpress.importing.analysis import Analysis
from wordpress.importing.context import ImportContext
from wordpress.importing.report import OTHER_TERMS
from wordpress.wxr.records import CATEGORY, LANGUAGE, TAG, Term
from wordpress.wxr.values import language_code


def terms_of(analysis: Analysis, taxonomy: str) -> list[Term]:
    """Return the categories or tags of an export."""
    return [term for term in _all_terms(analysis) if term.taxonomy == taxonomy]


def index_terms(context: ImportContext) -> None:
    """Index the slugs of terms by their names, for items that give only the names."""
    for term in _all_terms(context.analysis):
        context.term_ids.slugs.setdefault((term.taxonomy, term.name), term.slug)


def report_other_terms(context: ImportContext) -> None:
    """Report the terms that are neither categories nor tags, and why they are skipped."""
    for term in _all_terms(context.analysis):
        if term.taxonomy not in {CATEGORY, TAG}:
            is_language = term.taxonomy == LANGUAGE and language_code(term.slug)
            reason = _("It is a language, which the texts keep.") if is_language else _reason_to_skip(term.taxonomy)
            context.report.skip(OTHER_TERMS, 0, term.name, reason)
    for taxonomy, count in context.analysis.other_terms.items():
        text = ngettext("%d post has a term of this taxonomy.", "%d posts have terms of this taxonomy.", count) % count
        context.report.note(OTHER_TERMS, 0, taxonomy, f"{text} {_reason_to_skip(taxonomy)}")


def _all_terms(analysis: Analysis) -> list[Term]:
    """Return the terms of the export. A term without a slug gets one made from its name."""
    terms = dict(analysis.terms)
    named = {(term.taxonomy, term.name) for term in terms.values()}
    for (taxonomy, name), term in analysis.terms_without_slug.items():
        if (taxonomy, name) not in named:
            slug = slugify(name) or "untitled"
            while (taxonomy, slug) in terms:
                slug += "-2"
            terms[taxonomy, slug] = term._replace(slug=slug)
    return list(terms.values())


def _reason_to_skip(taxonomy: str) -> str:
    if taxonomy == "nav_menu":
        return _("It is the name of a menu. The notes say what the menu contained.")
    if taxonomy == "post_format":
        return _("Post formats only changed how a theme showed a post.")
    return _("Terms of the taxonomy “%s” are not supported.") % taxonomy
