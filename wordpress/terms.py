"""Which of our categories and tags an item of the export is filed under."""

from collections.abc import Iterable
from dataclasses import replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.slugs import slugify
from wordpress.categories import bring_in_categories
from wordpress.former import FormerAddresses
from wordpress.memory import Memory
from wordpress.plain import language_code, plain, slug_key
from wordpress.records import CATEGORY, LANGUAGE, TAG, Term, TermRef
from wordpress.reports import OTHER_TERMS, Report
from wordpress.survey import Survey
from wordpress.tags import bring_in_tags


class Terms:
    """Leads from the terms of an export to the keys of categories and tags."""

    def __init__(self, survey: Survey, memory: Memory, former: FormerAddresses, report: Report) -> None:
        """Make the categories and tags that are not here yet, and update those that changed."""
        terms = _all_terms(survey)
        for term in terms:
            if term.taxonomy not in {CATEGORY, TAG}:
                is_language = term.taxonomy == LANGUAGE and language_code(term.slug)
                reason = _("It is a language: texts keep it.") if is_language else _reason_against(term.taxonomy)
                report.skip(OTHER_TERMS, 0, plain(term.name), reason)
        for taxonomy, number in survey.other_terms.items():
            text = ngettext("%d post is filed under it.", "%d posts are filed under its terms.", number) % number
            report.note(OTHER_TERMS, 0, taxonomy, f"{text} {_reason_against(taxonomy)}")
        categories, tags = ([term for term in terms if term.taxonomy == kind] for kind in (CATEGORY, TAG))
        self._by_slug = {
            CATEGORY: bring_in_categories(categories, memory, former, report),
            TAG: bring_in_tags(tags, memory, report),
        }
        self._slugs: dict[tuple[str, str], str] = {}
        for term in terms:
            self._slugs.setdefault((term.taxonomy, plain(term.name)), term.slug)

    def of(self, refs: Iterable[TermRef], taxonomy: str) -> list[int]:
        """The keys of the categories or tags among `refs`, each once."""
        by_slug = self._by_slug[taxonomy]
        slugs = (ref.slug or self._slugs[taxonomy, plain(ref.name)] for ref in refs if ref.taxonomy == taxonomy)
        return list(dict.fromkeys(by_slug[slug_key(slug)] for slug in slugs))


def _all_terms(survey: Survey) -> list[Term]:
    """The terms of the export; those that it only names have slugs made from their names.

    Names are compared as readers see them: the oldest exports write one name as `R&amp;D` here and `R&D` there.
    """
    terms = dict(survey.terms)
    named = {(term.taxonomy, plain(term.name)) for term in terms.values()}
    for (taxonomy, name), term in survey.names.items():
        if (taxonomy, name) not in named:
            slug = slugify(name) or "untitled"
            while (taxonomy, slug) in terms:
                slug += "-2"
            terms[taxonomy, slug] = replace(term, slug=slug)
    return list(terms.values())


def _reason_against(taxonomy: str) -> str:
    if taxonomy == "nav_menu":
        return _("It is the name of a menu: what the menu held stands in the notes.")
    if taxonomy == "post_format":
        return _("Formats only changed how a theme showed a post.")
    return _("Terms of the kind “%s” are not known here.") % taxonomy
