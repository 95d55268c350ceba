"""The categories of an export and their tree."""

from collections.abc import Iterable
from itertools import count

from django.utils.translation import gettext as _

from accounts.slugs import slug_from_export, slugify
from blog.models import Category
from blog.trees import MAX_PATH_LENGTH
from wordpress.addresses import remember_new
from wordpress.lookups import highest_key, rows
from wordpress.plain import numbered, plain, plain_lines, slug_key, usable_slug
from wordpress.records import Term
from wordpress.reports import CATEGORIES, Outcome, Report
from wordpress.trees import parents_first

_MAX_NAME_LENGTH = 200


def bring_in_categories(terms: Iterable[Term], report: Report) -> dict[str, int]:
    """Make the categories that are not here yet; returns the key of each by its slug (slug_key).

    One with the same slug that is here already stays as it is, wherever it stands.
    """
    wanted = {slug_key(term.slug): term for term in terms}
    slugs = {name: usable_slug(term.slug) for name, term in wanted.items()}
    here = {slug: (pk, path) for slug, pk, path in rows(Category, "slug", slugs.values(), "slug", "pk", "path")}
    keys = {name: here[slug][0] for name, slug in slugs.items() if slug in here}
    paths = {name: here[slug][1] for name, slug in slugs.items() if slug in here}
    report.count(CATEGORIES, Outcome.UNCHANGED, len(keys))
    report.count(CATEGORIES, Outcome.IMPORTED, len(wanted) - len(keys))

    parents = _parents(wanted)
    order, circular = parents_first(parents)
    taken = set(Category.objects.values_list("slug", flat=True))
    pks = count(highest_key(Category) + 1)
    made: list[Category] = []
    for name in order:
        if name in keys:
            continue
        term, parent = wanted[name], parents[name]
        category = _category(term, slugs[name], taken, report)
        taken.add(category.slug)
        category.pk = keys[name] = next(pks)
        category.path = category.slug
        if name in circular:
            _note(report, term, _("It stands under itself in the export: here it stands at the top."))
        elif parent is None and term.parent:
            text = _("Its parent “%s” is not in the export: here it stands at the top.")
            _note(report, term, text % plain(term.parent))
        elif parent is not None and len(paths[parent]) + 1 + len(category.slug) > MAX_PATH_LENGTH:
            _note(report, term, _("It stands too deep: here it stands at the top."))
        elif parent is not None:
            category.parent_id = keys[parent]
            category.path = f"{paths[parent]}/{category.slug}"
        paths[name] = category.path
        made.append(category)
    Category.objects.bulk_create(made)
    numbers = {term.id: keys[name] for name, term in wanted.items() if term.id and term.id != keys[name]}
    remember_new((f"/?cat={number}", Category(pk=pk)) for number, pk in numbers.items())
    return keys


def _category(term: Term, slug: str, taken: set[str], report: Report) -> Category:
    name = plain(term.name) or term.slug
    if len(name) > _MAX_NAME_LENGTH:
        _note(report, term, _("The name is too long and was cut."))
        name = name[:_MAX_NAME_LENGTH]
    free = numbered(slug or slugify(name) or "untitled", taken.__contains__)
    if free != slug_from_export(term.slug):
        _note(report, term, _("Its address cannot be kept: here it is “%s”.") % free)
    return Category(name=name, slug=free, description=plain_lines(term.description))


def _parents(wanted: dict[str, Term]) -> dict[str, str | None]:
    # The oldest exports give the name of the parent, not its slug.
    by_name = {term.name: slug for slug, term in wanted.items()}
    return {
        slug: (parent if (parent := slug_key(term.parent)) in wanted else by_name.get(term.parent))
        if term.parent
        else None
        for slug, term in wanted.items()
    }


def _note(report: Report, term: Term, text: str) -> None:
    report.note(CATEGORIES, 0, plain(term.name) or term.slug, text)
