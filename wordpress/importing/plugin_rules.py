"""Which posts and pages rules of plugins restricted to some readers (wordpress.wxr.rules)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from django.utils.translation import gettext as _

from blog.models import Page
from core.languages import in_quotes, separator
from wordpress.importing.ledger import MISSING_PARENTS
from wordpress.importing.report import PAGES
from wordpress.importing.stored_terms import stored_terms
from wordpress.importing.terms import hash_of_ref, hashes_of
from wordpress.models import ImportedItem, PreservedData
from wordpress.wxr.records import Item, Meta, Term, TermRef
from wordpress.wxr.rules import (
    EVERYTHING,
    RULE_TYPES,
    AnyOf,
    Condition,
    ItemFacts,
    Match,
    conditions_in,
    is_met,
    matches_in,
    read_rule,
)
from wordpress.wxr.values import parse_id, plain_line

# How many rules of a plugin a warning names, and how many characters of their titles.
_MAX_NAMED: Final = 10
_MAX_TITLE: Final = 100
# How many conditions are tried one by one. No real site has nearly as many.
_MAX_CONDITIONS: Final = 1000
# How many stored rules are in memory at a time.
_CHUNK: Final = 100
# How many pages above a page are looked at. No real one has nearly as many.
_MAX_DEPTH: Final = 100

# A term of a taxonomy, by its ID as rules give it.
type _TermID = tuple[str, int]


class PluginRules:
    """The rules of plugins in an export and in earlier ones of the site, in any order.

    Nearly all are found by look-ups, however many there are.
    """

    def __init__(self) -> None:
        # The types and IDs of the items of this export that are rules, in use or not.
        self._seen: set[tuple[str, int]] = set()
        # The plugins of the rules: by what one look-up finds, and with conditions that have to be tried.
        self._plugins: dict[Match, str] = {}
        self._conditions: list[tuple[Condition, str]] = []
        self._condition_count = 0
        # The first titles of each plugin's rules: of all, and of those that may have restricted more than is known.
        self._titles: defaultdict[str, list[str]] = defaultdict(list)
        self._incomplete: defaultdict[str, list[str]] = defaultdict(list)
        # The IDs of terms in the rules that stand for no known term yet, with the plugin and title of a rule.
        self._unknown_terms: dict[_TermID, tuple[str, str]] = {}
        # These IDs by the hashes of the terms' taxonomies with their slugs or names.
        self._term_ids: defaultdict[int, set[int]] = defaultdict(set)
        # The IDs of pages and of those above them, and whether any rule asks for them.
        self._parents: dict[int, int] = {}
        self._needs_parents = False
        # Whether the export contains anything that rules apply to.
        self._is_needed = False

    def add(self, item: Item) -> None:
        """Add an item of the export if it is a rule, or a page, because rules may be about those below it."""
        self._is_needed |= not item.has_final_status
        if item.type == "page" and item.recorded_id:
            self._parents[item.recorded_id] = item.parent
        if item.type in RULE_TYPES:
            self._seen.add((item.type, item.id))
            self._add_rule(item.type, item.status, item.title, item.meta)

    def add_stored(self, site: str, terms: Iterable[Term]) -> None:
        """Add the rules that only earlier exports of the site contained, and what rules need of these exports.

        `terms` are those of this export.
        """
        of_rules = {"fields__elements__wp:post_type__in": RULE_TYPES}
        rows = PreservedData.objects.filter(kind=PreservedData.Kind.ITEM, site=site, **of_rules)
        for wordpress_id, fields in rows.order_by("pk").values_list("wordpress_id", "fields").iterator(_CHUNK):
            elements = fields["elements"]
            # Other programs export no IDs.
            if not wordpress_id or (elements["wp:post_type"], wordpress_id) not in self._seen:
                meta = tuple((key, value) for key, value in fields.get("meta", ()))
                status, title = elements.get("wp:status", ""), elements.get("title", "")
                self._add_rule(elements["wp:post_type"], status, title, meta)
        self.resolve_terms(terms)
        for term in stored_terms(site, list(self._unknown_terms)):
            self._resolve(term)
        if self._needs_parents:
            for pk, parent in _stored_parents(site):
                self._parents.setdefault(pk, parent)

    def resolve_terms(self, terms: Iterable[Term]) -> None:
        """Find the terms that rules give by their IDs. `terms` are all those of the export."""
        for term in terms if self._unknown_terms else ():
            if (term.taxonomy, term.id) in self._unknown_terms:
                self._resolve(term)

    def plugin_restricting(self, item: Item) -> str:
        """Return the plugin one of whose rules restricted `item`; empty if none did."""
        if not (self._plugins or self._conditions):
            return ""
        facts = ItemFacts.of(item, self._above(item), self._ids_of)
        found = {self._plugins[match] for match in facts.matches if match in self._plugins}
        found |= {plugin for condition, plugin in self._conditions if is_met(condition, facts)}
        return min(found, default="")

    def warnings(self) -> Iterator[str]:
        """Yield warnings for each plugin whose rules are in the exports. The most important come first."""
        if not self._is_needed:
            return
        text = _(
            "On the old site, rules of the plugin %(plugin)s restricted content to some readers: %(rules)s. The export "
            "doesn't say exactly what they restricted, so some of it may become public. To prevent that, make it "
            "private in WordPress and export again, or make it private here before others can open this site."
        )
        incomplete = {plugin: list(titles) for plugin, titles in self._incomplete.items()}
        for plugin, title in dict.fromkeys(self._unknown_terms.values()):
            _add_title(incomplete.setdefault(plugin, []), title)
        for plugin, titles in sorted(incomplete.items()):
            yield text % {"plugin": plugin, "rules": separator().join(titles)}
        text = _(
            "On the old site, rules of the plugin %(plugin)s restricted content to some readers: %(rules)s. Posts and "
            "pages that they restricted become private here. The report lists them. Publish those that everyone may "
            "read."
        )
        for plugin, titles in sorted(self._titles.items()):
            yield text % {"plugin": plugin, "rules": separator().join(titles)}

    def _add_rule(self, post_type: str, status: str, title: str, meta: Meta) -> None:
        rule = read_rule(post_type, status, meta)
        if rule is None:
            return
        title = in_quotes(plain_line(title)[:_MAX_TITLE])
        matches = list(matches_in(rule.condition))
        if not rule.is_complete:
            _add_title(self._incomplete[rule.plugin], title)
        if matches or rule.condition != AnyOf():
            _add_title(self._titles[rule.plugin], title)
        for match in matches:
            self._needs_parents |= match.subject == "above"
            if match.subject == "term" and (pk := parse_id(match.value)):
                self._unknown_terms.setdefault((match.taxonomy, pk), (rule.plugin, title))
        self._index(rule.condition, rule.plugin)

    def _index(self, condition: Condition, plugin: str) -> None:
        if isinstance(condition, AnyOf):
            self._plugins.update(dict.fromkeys(condition.matches, plugin))
            for other in condition.others:
                self._index(other, plugin)
            return
        self._condition_count += sum(1 for _condition in conditions_in(condition))
        if self._condition_count <= _MAX_CONDITIONS:
            self._conditions.append((condition, plugin))
        else:
            # In case of doubt, nothing becomes public.
            self._plugins.update(dict.fromkeys(EVERYTHING.matches, plugin))

    def _resolve(self, term: Term) -> None:
        self._unknown_terms.pop((term.taxonomy, term.id), None)
        for key in hashes_of(term):
            self._term_ids[key].add(term.id)

    def _ids_of(self, ref: TermRef) -> Iterable[int]:
        return self._term_ids.get(hash_of_ref(ref), ())

    def _above(self, item: Item) -> list[int]:
        """Return the IDs of the pages above `item`, if any rule asks for them."""
        above: list[int] = []
        pk = item.parent if self._needs_parents else 0
        while pk and pk not in above and len(above) < _MAX_DEPTH:
            above.append(pk)
            pk = self._parents.get(pk, 0)
        return above


def _add_title(titles: list[str], title: str) -> None:
    if len(titles) <= _MAX_NAMED:
        titles.append(title if len(titles) < _MAX_NAMED else "…")


def _stored_parents(site: str) -> Iterator[tuple[int, int]]:
    """Yield the exported IDs of each page here and of the one above it, for pages that came from the site."""
    rows = ImportedItem.objects.filter(site=site, kind=PAGES).values_list("object_pk", "wordpress_id")
    ids = dict(rows.order_by())
    for pk, parent in Page.objects.exclude(parent=None).order_by().values_list("pk", "parent"):
        if pk in ids and parent in ids:
            yield ids[pk], ids[parent]
    missing = ImportedItem.objects.filter(site=site, kind=MISSING_PARENTS).values_list("object_pk", "wordpress_id")
    yield from ((ids[pk], parent) for pk, parent in missing.order_by() if pk in ids)
