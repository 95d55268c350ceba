"""The posts and pages that only some readers could see because of something else in the export.

Their categories, tags or other terms may be restricted. Rules of plugins, which are items, may restrict any content.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext as _

from blog.models import Category, Redirect
from core.languages import in_quotes, separator
from tags.models import Tag, TagAlias
from wordpress.importing.report import CATEGORIES, TAGS
from wordpress.importing.terms import ExportedTerms
from wordpress.models import ImportedItem, PreservedData
from wordpress.wxr.access import plugin_of_rule, restricts_term
from wordpress.wxr.records import CATEGORY, TAG, Item, Term
from wordpress.wxr.values import plain_line, slug_key

# How many rules of a plugin a warning names, and how many characters of their titles.
_MAX_RULES: Final = 10
_MAX_TITLE: Final = 100
# Where the meta fields of categories and tags are (wordpress.importing.preserved).
_META: Final = "preserved__fields__meta"
_HAS_META: Final = Q(preserved__fields__has_key="meta")


class Restrictions:
    """The restricted terms of an export and those below them, which several plugins restrict too, and plugins' rules.

    Several definitions of a term may differ, as in an export that was cut into files. Any of them can restrict it.
    """

    def __init__(self) -> None:
        # The keys of the terms, which are hashes.
        self._terms: set[int] = set()
        # The titles of the first rules of each plugin.
        self._rules: defaultdict[str, list[str]] = defaultdict(list)

    def add_term(self, term: Term) -> None:
        """Add a term if it is restricted, or is below one that was added."""
        if _is_restricted(term.meta) or (term.parent and _by_slug(term.taxonomy, term.parent) in self._terms):
            self._terms.update(_keys(term))

    def add_children(self, terms: Iterable[Term]) -> None:
        """Add the terms that came before those above them. Call this after all terms were added."""
        children: defaultdict[int, list[int]] = defaultdict(list)
        for term in terms if self._terms else ():
            if term.parent:
                children[_by_slug(term.taxonomy, term.parent)] += _keys(term)
        waiting = list(self._terms)
        while waiting:
            found = children.pop(waiting.pop(), [])
            self._terms.update(found)
            waiting += found

    def add_stored(self, site: str, terms: ExportedTerms) -> None:
        """Add the terms that only earlier exports of the site defined: an export of some posts may define none."""
        for taxonomy, slug, slugs in _stored(site):
            if not terms.is_defined(taxonomy, slug):
                self._terms.update(_by_slug(taxonomy, each) for each in slugs)
        self.add_children(terms)

    def add_rule(self, item: Item) -> None:
        """Remember an item for the warning if it is a rule of a plugin. Such rules are not applied."""
        if plugin := plugin_of_rule(item.type, item.status, (key for key, _value in item.meta)):
            titles = self._rules[plugin]
            if len(titles) <= _MAX_RULES:
                titles.append(in_quotes(plain_line(item.title)[:_MAX_TITLE]) if len(titles) < _MAX_RULES else "…")

    def warnings(self) -> Iterator[str]:
        """Yield a warning for each plugin whose rules are in the export."""
        text = _(
            "On the old site, rules of the plugin %(plugin)s restricted content to some readers: %(rules)s. They can't "
            "be applied here, so this content becomes public. To prevent that, make it private in WordPress and export "
            "again, or make it private here before others can open this site."
        )
        for plugin, titles in sorted(self._rules.items()):
            yield text % {"plugin": plugin, "rules": separator().join(titles)}

    def apply(self, item: Item) -> Item:
        """Return `item` as restricted if one of its terms is."""
        is_restricted = bool(self._terms) and any(
            (_by_slug(ref.taxonomy, ref.slug) if ref.slug else _by_name(ref.taxonomy, ref.name)) in self._terms
            for ref in item.terms
        )
        return item._replace(is_restricted=True) if is_restricted else item


def _keys(term: Term) -> tuple[int, int]:
    """Return the keys of a term by its slug and by its name, which items may give without the slug."""
    return _by_slug(term.taxonomy, term.slug), _by_name(term.taxonomy, term.name)


def _by_slug(taxonomy: str, slug: str) -> int:
    return hash((taxonomy, "slug", slug_key(slug)))


def _by_name(taxonomy: str, name: str) -> int:
    return hash((taxonomy, "name", name))


def _stored(site: str) -> Iterator[tuple[str, str, Iterable[str]]]:
    """Yield the taxonomy and slug of each restricted term here, and all slugs of the terms whose posts it restricts.

    An export has the slugs that the terms had before they were changed here.
    """
    pks = ImportedItem.objects.filter(site=site).values("object_pk")
    categories = Category.objects.filter(pk__in=pks.filter(kind=CATEGORIES))
    for slug, path, meta in categories.filter(_HAS_META).values_list("slug", "path", _META):
        if _is_restricted(meta):
            below = Category.objects.below(path)
            former = Redirect.objects.filter(category__in=below).values_list("path", flat=True)
            slugs = [*below.values_list("slug", flat=True), *(url.rstrip("/").rpartition("/")[2] for url in former)]
            yield CATEGORY, slug, slugs
    tags = Tag.objects.filter(pk__in=pks.filter(kind=TAGS))
    for slug, meta in tags.filter(_HAS_META).values_list("slug", _META):
        if _is_restricted(meta):
            yield TAG, slug, [slug, *TagAlias.objects.filter(tag__slug=slug).values_list("slug", flat=True)]
    others = PreservedData.objects.filter(kind=PreservedData.Kind.TERM, site=site, fields__has_key="meta")
    for elements, meta in others.values_list("fields__elements", "fields__meta"):
        if _is_restricted(meta):
            yield elements.get("wp:term_taxonomy", ""), (slug := elements.get("wp:term_slug", "")), [slug]


def _is_restricted(meta: Iterable[Sequence[str]]) -> bool:
    return any(restricts_term(key, value) for key, value in meta)
