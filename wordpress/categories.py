"""The categories of an export and their tree."""

from collections.abc import Iterable
from itertools import count

from django.utils.translation import gettext as _

from accounts.slugs import slug_from_export, slugify
from blog.models import Category
from blog.trees import MAX_PATH_LENGTH
from wordpress.former import FormerAddresses
from wordpress.lookups import highest_key, rows
from wordpress.memory import Left, Memory, of_row, of_term
from wordpress.plain import MAX_SLUG_LENGTH, numbered, plain, plain_lines, slug_key, usable_slug
from wordpress.records import Term
from wordpress.reports import CATEGORIES, Outcome, Report
from wordpress.trees import parents_first

_MAX_NAME_LENGTH = 200


def bring_in_categories(
    terms: Iterable[Term], memory: Memory, former: FormerAddresses, report: Report
) -> dict[str, int]:
    """Make the categories that are not here yet, and update those that changed; returns the key of each by its slug.

    Slugs are those of `slug_key`. One of the site's own with the same slug stays as it is, wherever it stands.
    """
    return _Categories(terms, memory, former, report).bring_in()


class _Categories:
    def __init__(self, terms: Iterable[Term], memory: Memory, former: FormerAddresses, report: Report) -> None:
        self.memory = memory
        self.former = former
        self.report = report
        self.wanted = {slug_key(term.slug): term for term in terms}
        self.slugs = {name: usable_slug(term.slug) for name, term in self.wanted.items()}
        self.parents = _parents(self.wanted)
        self.order, self.circular = parents_first(self.parents)
        self.keys = self._known()
        self.left = memory.recall(CATEGORIES, self.keys.values())
        here = rows(Category, "pk", self.keys.values(), "pk", "path")
        self.paths: dict[int, str] = dict(here)

    def bring_in(self) -> dict[str, int]:
        changed = [name for name, key in self.keys.items() if self._has_changed(name, key)]
        self.report.count(CATEGORIES, Outcome.UNCHANGED, len(self.keys) - len(changed))
        self._make_new()
        # Parents first: whatever stands under whom now, nothing is put under itself.
        for name in self.order:
            if name in changed:
                self._renew(name)
        return self.keys

    def _known(self) -> dict[str, int]:
        """The keys of those that are here: by slug, or by what an earlier import made of the number."""
        slugs = {name: slug or _made_of_name(self.wanted[name]) for name, slug in self.slugs.items()}
        here = dict(rows(Category, "slug", slugs.values(), "slug", "pk"))
        keys = {name: here[slug] for name, slug in slugs.items() if slug in here}
        numbers = {term.id: name for name, term in self.wanted.items() if name not in keys and term.id}
        made = {key: numbers[number] for number, made in self.memory.keys(CATEGORIES, numbers).items() for key in made}
        for (key,) in rows(Category, "pk", made, "pk"):
            # Those that the export names by their slugs are others.
            if key not in keys.values():
                keys[made[key]] = key
        return keys

    def _has_changed(self, name: str, key: int) -> bool:
        return key in self.left and self.left[key].exported != of_term(self.wanted[name])

    def _make_new(self) -> None:
        slugs = set(Category.objects.values_list("slug", flat=True))
        numbers = {key for (key,) in rows(Category, "pk", (term.id for term in self.wanted.values()), "pk")}
        free = count(max([highest_key(Category), *(term.id for term in self.wanted.values())]) + 1)
        made: dict[str, Category] = {}
        for name in self.order:
            if name in self.keys:
                continue
            term = self.wanted[name]
            category = self._category(term, self.slugs[name], slugs)
            slugs.add(category.slug)
            # WordPress's own number, which old addresses name.
            category.pk = term.id if term.id and term.id not in numbers else next(free)
            numbers.add(category.pk)
            self.keys[name] = category.pk
            parent = self._parent(name)
            if term.parent and self.parents[name] is None:
                text = _("Its parent “%s” is not in the export: here it stands at the top.")
                self._note(term, text % plain(term.parent))
            if parent and len(self.paths[parent]) + 1 + len(category.slug) > MAX_PATH_LENGTH:
                self._note(term, _("It stands too deep: here it stands at the top."))
                parent = None
            category.parent_id = parent
            category.path = f"{self.paths[parent]}/{category.slug}" if parent else category.slug
            self.paths[category.pk] = category.path
            made[name] = category
        Category.objects.bulk_create(made.values())
        self.report.count(CATEGORIES, Outcome.IMPORTED, len(made))
        for name, category in made.items():
            self._remember(name, category)

    def _category(self, term: Term, slug: str, taken: set[str]) -> Category:
        name = self._name(term)
        free = numbered(slug or _made_of_name(term), taken.__contains__)
        if free != slug_from_export(term.slug):
            self._note(term, _("Its address cannot be kept: here it is “%s”.") % free)
        return Category(name=name, slug=free, description=plain_lines(term.description))

    def _renew(self, name: str) -> None:
        """Give a stored category what the export says of it now, unless it was changed here too."""
        term = self.wanted[name]
        category = Category.objects.select_related("parent").get(pk=self.keys[name])
        if _left(category) != self.left[category.pk].here:
            reason = _("It was changed in the export and here since the last import: here it stays as it is.")
            self.report.skip(CATEGORIES, term.id, plain(term.name), reason)
            return
        category.name, category.description = self._name(term), plain_lines(term.description)
        before, category.slug = category.slug, self.slugs[name] or category.slug
        key = self._parent(name)
        parent = Category.objects.get(pk=key) if key else None
        if term.parent and self.parents[name] is None:
            # Its parent is not in this export: it stays where it stands.
            parent = category.parent
        if category.fits_under(parent):
            category.parent = parent
        else:
            category.slug = before
            self._note(term, _("It cannot stand where the export has it: here it stays where it is."))
        category.save()
        self.report.count(CATEGORIES, Outcome.UPDATED)
        self._remember(name, category)

    def _parent(self, name: str) -> int | None:
        """The key of the parent by the export; a circle is opened, and that noted."""
        parent = self.parents[name]
        if name in self.circular:
            self._note(self.wanted[name], _("It stands under itself in the export: here it stands at the top."))
            return None
        return self.keys[parent] if parent else None

    def _name(self, term: Term) -> str:
        name = plain(term.name) or term.slug
        if len(name) > _MAX_NAME_LENGTH:
            self._note(term, _("The name is too long and was cut."))
        return name[:_MAX_NAME_LENGTH]

    def _remember(self, name: str, category: Category) -> None:
        term = self.wanted[name]
        self.memory.remember(CATEGORIES, term.id, category.pk, Left(of_term(term), _left(category)))
        self.former.of_category(category, term)

    def _note(self, term: Term, text: str) -> None:
        self.report.note(CATEGORIES, 0, plain(term.name) or term.slug, text)


def _made_of_name(term: Term) -> str:
    """The slug of a category whose own has nothing that can stand in an address."""
    return slugify(plain(term.name) or term.slug)[:MAX_SLUG_LENGTH] or "untitled"


def _left(category: Category) -> str:
    return of_row(category.name, category.slug, category.parent_id, category.description)


def _parents(wanted: dict[str, Term]) -> dict[str, str | None]:
    # The oldest exports give the name of the parent, not its slug, and not written as where it is told.
    by_name = {plain(term.name): slug for slug, term in wanted.items()}
    return {
        slug: (parent if (parent := slug_key(term.parent)) in wanted else by_name.get(plain(term.parent)))
        if term.parent
        else None
        for slug, term in wanted.items()
    }
