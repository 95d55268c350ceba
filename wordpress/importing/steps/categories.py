"""The categories of an export and their tree."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from blog.models import Category
from blog.models.tree import MAX_PATH_LENGTH
from core.bulk import fetch_rows
from core.slugs import slug_from_export, slugify
from wordpress.importing.batches import write_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.ledger import MISSING_CATEGORIES, fingerprint_of
from wordpress.importing.limits import max_length
from wordpress.importing.preserved import preserve, term_fields
from wordpress.importing.report import CATEGORIES, Outcome
from wordpress.importing.steps.skipped import changed_on_both_sides
from wordpress.models import ImportedItem, fingerprint
from wordpress.wxr.records import CATEGORY, Term, parents_first
from wordpress.wxr.values import MAX_SLUG_LENGTH, plain_line, slug_key, usable_slug


def import_categories(context: ImportContext) -> None:
    """Create the categories that are not here yet, and update those that have changed.

    An existing category of this site with the slug of an exported one stays as it is, wherever it is in the tree.
    """
    categories = _Categories(context)
    write_batches(context, categories.order, categories.import_some)
    for key, pk in categories.pks.items():
        context.term_ids.add(CATEGORY, key, pk)


class _Categories:
    """The categories of the export by `slug_key`."""

    def __init__(self, context: ImportContext) -> None:
        self.context = context
        terms = context.analysis.terms
        self.terms = {slug_key(term.slug): term for term in terms if term.taxonomy == CATEGORY}
        self.slugs = {key: _slug(term) for key, term in self.terms.items()}
        self.exported_slugs = set(self.slugs.values())
        self.parents = _parents(self.terms)
        # Parents first, so that no category becomes its own ancestor, wherever the stored ones are now.
        self.order, self.circular = parents_first(self.parents)
        self.pks: dict[str, int] = {}

    def import_some(self, keys: Sequence[str]) -> None:
        stored = self._stored(keys)
        recorded = self.context.ledger.recorded(CATEGORIES, stored.values())
        new = [key for key in keys if key not in stored]
        ids = self.context.new_ids.assign(Category, (self.terms[key].id for key in new))
        self.pks |= stored | dict(zip(new, ids, strict=True))
        for key in keys:
            term, record = self.terms[key], recorded.get(stored.get(key, 0))
            if key not in stored:
                self._create(key, term)
            elif record and record.exported != fingerprint_of(term):
                self._update(key, term, record.stored)
            else:
                self.context.report.count(CATEGORIES, Outcome.UNCHANGED)
        preserved = {self.pks[key]: self.terms[key] for key in keys if key not in stored or stored[key] in recorded}
        preserve(self.context, CATEGORIES, "category", {pk: term_fields(term) for pk, term in preserved.items()})
        self._adopt({_slug_number(key): self.pks[key] for key in new})

    def _stored(self, keys: Sequence[str]) -> dict[str, int]:
        """Return the IDs of the categories that are here, found by slug or by their ID in an earlier export."""
        by_slug = dict(fetch_rows(Category, "slug", (self.slugs[key] for key in keys), "slug", "pk"))
        pks = {key: by_slug[self.slugs[key]] for key in keys if self.slugs[key] in by_slug}
        ids = {self.terms[key].id: key for key in keys if key not in pks and self.terms[key].id}
        imported = self.context.ledger.exported_ids(CATEGORIES, ids)
        for pk, slug in fetch_rows(Category, "pk", imported, "pk", "slug"):
            # A category with the slug of another exported one belongs to that one.
            if slug not in self.exported_slugs:
                pks[ids[imported[pk]]] = pk
        return pks

    def _create(self, key: str, term: Term) -> None:
        name = self._name(term)
        category = Category(pk=self.pks[key], name=name, slug=self.slugs[key], description=term.description)
        if (parent := self._parent(key, term)) and len(parent.path) + 1 + len(category.slug) > MAX_PATH_LENGTH:
            self._note(term, _("It was nested too deeply, so it is at the top level."))
            parent = None
        category.parent = parent
        self._save(category, term, is_new=True)
        if term.parent and parent is None and key not in self.circular and self.parents[key] is None:
            self.context.ledger.add(MISSING_CATEGORIES, _slug_number(slug_key(term.parent)), category.pk)
        if category.slug != slug_from_export(term.slug):
            self._note(term, _("Its slug can't be kept. It is “%s” here.") % category.slug)

    def _update(self, key: str, term: Term, stored: str) -> None:
        """Update a stored category from the export, unless it was changed here too."""
        category = Category.objects.select_related("parent").get(pk=self.pks[key])
        if fingerprint_of(category) != stored:
            self.context.report.skip(CATEGORIES, term.id, term.name, changed_on_both_sides())
            return
        category.name, category.description = self._name(term), term.description
        old_slug, category.slug = category.slug, usable_slug(term.slug) or category.slug
        # The parent stays the same if the exported one is not in this export.
        is_parent_unknown = term.parent and self.parents[key] is None
        parent = category.parent if is_parent_unknown else self._parent(key, term)
        if category.fits_under(parent):
            category.parent = parent
        else:
            category.slug = old_slug
            self._note(term, _("It can't be where it is in the export, so it stays where it is."))
        self._save(category, term, is_new=False)

    def _adopt(self, parents: Mapping[int, int]) -> None:
        """Move categories from earlier exports below parents that only this export has, unless they have changed here.

        `parents` are the IDs of new categories by the numbers derived from their slugs.
        """
        waiting = self.context.ledger.exported_ids(MISSING_CATEGORIES, parents)
        recorded = self.context.ledger.recorded(CATEGORIES, waiting)
        for pk, number in waiting.items():
            category, record = Category.objects.filter(pk=pk).first(), recorded.get(pk)
            parent = Category.objects.get(pk=parents[number])
            is_unchanged = category and record and record.stored == fingerprint_of(category)
            if category and record and is_unchanged and category.fits_under(parent):
                category.parent = parent
                category.keep_slug()
                category.save()
                stored = fingerprint_of(category)
                self.context.ledger.add(CATEGORIES, record.id, pk, record.exported, stored, is_new=False)
                text = _("It is now below its parent, which was missing from an earlier export.")
                self.context.report.note(CATEGORIES, record.id, category.name, text)
        ImportedItem.objects.filter(kind=MISSING_CATEGORIES, object_pk__in=waiting).delete()

    def _save(self, category: Category, term: Term, *, is_new: bool) -> None:
        category.keep_slug()
        # Saved one by one, so that its path and redirects are set like those of any other category.
        category.save(force_insert=is_new)
        self.context.record(CATEGORIES, term, category, is_new=is_new)
        self.context.old_urls.add_category(category, term, is_new=is_new)

    def _parent(self, key: str, term: Term) -> Category | None:
        """Return the parent given by the export, and note if it is missing or would form a cycle."""
        parent = self.parents[key]
        if key in self.circular:
            self._note(term, _("It is its own ancestor in the export, so it is at the top level."))
            return None
        if parent is None and term.parent:
            # An earlier export may have contained it.
            here = Category.objects.filter(slug=usable_slug(term.parent)).first()
            if here is None:
                self._note(term, _("Its parent “%s” is not in the export, so it is at the top level.") % term.parent)
            return here
        return Category.objects.get(pk=self.pks[parent]) if parent else None

    def _name(self, term: Term) -> str:
        name = term.name or term.slug
        if len(name) > max_length(Category, "name"):
            self._note(term, _("The name was too long and was shortened."))
        return name[: max_length(Category, "name")]

    def _note(self, term: Term, text: str) -> None:
        self.context.report.note(CATEGORIES, 0, term.name or term.slug, text)


def _slug_number(key: str) -> int:
    """Return the number that represents a slug in the ledger. `key` is its `slug_key`."""
    return int(fingerprint(key)[:15], 16)


def _slug(term: Term) -> str:
    """Return the slug of a category, made from its name if the exported one has no usable characters."""
    return usable_slug(term.slug) or slugify(term.name or term.slug)[:MAX_SLUG_LENGTH] or Category.slug_fallback


def _parents(terms: dict[str, Term]) -> dict[str, str | None]:
    # The oldest exports give the name of the parent, not its slug.
    by_name = {term.name: key for key, term in terms.items()}
    parents = {}
    for key, term in terms.items():
        parent = slug_key(term.parent)
        known = parent if parent in terms else by_name.get(plain_line(term.parent))
        parents[key] = known if term.parent else None
    return parents
