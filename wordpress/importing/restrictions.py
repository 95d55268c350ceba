"""The posts and pages that only some readers could see because of something else in the export.

Their categories, tags or other terms may be restricted. Rules of plugins (wordpress.importing.plugin_rules) may
restrict any content.
"""

from collections import defaultdict
from collections.abc import Iterable

from wordpress.importing.plugin_rules import PluginRules
from wordpress.importing.stored_terms import is_restricted, restricted_terms
from wordpress.importing.terms import ExportedTerms, hash_of_ref, hashes_of
from wordpress.wxr.records import Item, Term, TermRef


class Restrictions:
    """The restricted terms of an export and those below them, which several plugins restrict too, and plugins' rules.

    Several definitions of a term may differ, as in an export that was cut into files. Any of them can restrict it.
    """

    def __init__(self) -> None:
        # The keys of the terms, which are hashes.
        self._terms: set[int] = set()
        self.rules = PluginRules()

    def add_term(self, term: Term) -> None:
        """Add a term if it is restricted, or is below one that was added."""
        if is_restricted(term.meta) or (term.parent and _hash_of_parent(term) in self._terms):
            self._terms.update(hashes_of(term))

    def complete(self, terms: Iterable[Term]) -> None:
        """Add what came before the terms that it depends on. Call this after all terms and items were added."""
        self.rules.resolve_terms(terms)
        children: defaultdict[int, list[int]] = defaultdict(list)
        for term in terms if self._terms else ():
            if term.parent:
                children[_hash_of_parent(term)] += hashes_of(term)
        waiting = list(self._terms)
        while waiting:
            found = children.pop(waiting.pop(), [])
            self._terms.update(found)
            waiting += found

    def add_stored(self, site: str, terms: ExportedTerms) -> None:
        """Add the terms and rules that only earlier exports of the site had: an export of some posts may have none."""
        for taxonomy, slug, slugs in restricted_terms(site):
            if not terms.is_defined(taxonomy, slug):
                self._terms.update(hash_of_ref(TermRef(taxonomy, each, "")) for each in slugs)
        self.rules.add_stored(site, terms)
        self.complete(terms)

    def apply(self, item: Item) -> Item:
        """Return `item` as restricted if one of its terms or a rule of a plugin restricts it."""
        return self.apply_rules(self.apply_terms(item))

    def apply_terms(self, item: Item) -> Item:
        """Return `item` as restricted if one of its terms is."""
        if item.has_final_status or not self._terms:
            return item
        is_restricted = any(hash_of_ref(ref) in self._terms for ref in item.terms)
        return item._replace(is_restricted=True) if is_restricted else item

    def apply_rules(self, item: Item) -> Item:
        """Return `item` as restricted if a rule of a plugin restricts it."""
        plugin = "" if item.has_final_status else self.rules.plugin_restricting(item)
        return item._replace(is_restricted=True, restricted_by=plugin) if plugin else item


def _hash_of_parent(term: Term) -> int:
    return hash_of_ref(TermRef(term.taxonomy, term.parent, ""))
