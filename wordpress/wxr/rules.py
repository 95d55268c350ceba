"""Rules by which plugins restricted content to some readers, if they are items of an export."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from wordpress.wxr.php_values import PHPValue, parse
from wordpress.wxr.records import CATEGORY, TAG, Item, Meta, TermRef
from wordpress.wxr.values import parse_id, slug_key


class Match(NamedTuple):
    """What items have in common: their ID, that of their parent or of any page above them, a term, or only their type.

    An empty `type` means all types. A term's `value` is its ID or the `slug_key` of its slug or name; if it is empty,
    any term of the taxonomy matches.
    """

    type: str
    subject: Literal["type", "id", "parent", "above", "term"] = "type"
    value: str = ""
    taxonomy: str = ""


class InURL(NamedTuple):
    """Matches items whose URL, from its path on and without percent-encoding, contains or begins with a text."""

    text: str
    at_start: bool
    ignores_case: bool


class AnyOf(NamedTuple):
    """Matches items that any of `matches` or `others` matches: without any, no items."""

    matches: frozenset[Match] = frozenset()
    others: "tuple[Condition, ...]" = ()


class AllOf(NamedTuple):
    """Matches items that all `parts` match."""

    parts: "tuple[Condition, ...]"


class NoneOf(NamedTuple):
    """Matches items that `part` doesn't match."""

    part: "Condition"


type Condition = InURL | AnyOf | AllOf | NoneOf

NOTHING: Final = AnyOf()
EVERYTHING: Final = AnyOf(frozenset([Match("")]))

# Conditions of Content Control: what those with names such as `content_is_child_of_page` are about, and those that a
# post and an unknown visitor never meet.
_SUBJECTS: Final[dict[str, Literal["id", "parent", "above"]]] = {
    "selected": "id",
    "child_of": "parent",
    "ancestor_of": "above",
}
_NEVER_MET: Final = {
    *("content_is_blog_index", "content_is_search_results", "content_is_404_page"),
    *("user_is_logged_in", "user_has_role"),
}
# The characters at the start of a regular expression that every match contains, and what follows them. Nothing follows
# from one with alternatives.
_FIXED: Final = re.compile(r"(\^?)(\.\*|\(\.\*\))?((?:[\w/ %-]|\\[^\w\s])*)(.?)", re.DOTALL)
_ANY_URL: Final = re.compile(r"\^?/?(?:\(?\.[*+]\)?)?/?\$?")
# How many characters of a URL are looked at.
_MAX_URL: Final = 2000


class Rule(NamedTuple):
    """A rule that hid all items that `condition` matches from readers who are not logged in.

    In case of doubt it matches more than the plugin did. `is_complete` is false if the rule may also have hidden other
    items.
    """

    plugin: str
    condition: Condition
    is_complete: bool = True


class ItemFacts(NamedTuple):
    """What conditions ask of an item."""

    matches: frozenset[Match]
    url: str

    @classmethod
    def of(cls, item: Item, above: Iterable[int], term_ids: Callable[[TermRef], Iterable[int]]) -> "ItemFacts":
        """Return the facts about `item`, given the IDs of the pages above it and a function for those of a term."""
        exact = [Match(""), Match("", "id", str(item.id)), Match("", "parent", str(item.parent))]
        exact += [Match("", "above", str(pk)) for pk in above]
        for ref in item.terms:
            values = {"", slug_key(ref.slug), slug_key(ref.name), *map(str, term_ids(ref))}
            exact += [Match("", "term", value, ref.taxonomy) for value in values]
        post_type = item.custom_type or item.type
        return cls(frozenset([*exact, *(match._replace(type=post_type) for match in exact)]), _url(item.link))


def is_met(condition: Condition, facts: ItemFacts) -> bool:
    """Return whether `condition` matches the item with these facts."""
    match condition:
        case AnyOf(matches, others):
            return not matches.isdisjoint(facts.matches) or any(is_met(each, facts) for each in others)
        case AllOf(parts):
            return all(is_met(part, facts) for part in parts)
        case NoneOf(part):
            return not is_met(part, facts)
        case InURL(text, at_start, ignores_case):
            url = facts.url.lower() if ignores_case else facts.url
            return url.startswith(text) if at_start else text in url


def conditions_in(condition: Condition) -> Iterator[Condition]:
    """Yield `condition` and all conditions that it consists of."""
    yield condition
    match condition:
        case AnyOf(_, parts) | AllOf(parts):
            for part in parts:
                yield from conditions_in(part)
        case NoneOf(part):
            yield from conditions_in(part)


def matches_in(condition: Condition) -> Iterator[Match]:
    """Yield everything that `condition` compares items with, except URLs."""
    for part in conditions_in(condition):
        if isinstance(part, AnyOf):
            yield from part.matches


def read_rule(post_type: str, status: str, meta: Meta) -> Rule | None:
    """Return the rule that an item with these meta fields is; None if it is none or was not in use."""
    plugin = _PLUGINS.get(post_type)
    if plugin is None or status != plugin.status:
        return None
    # Of several fields with the same key, WordPress takes the first.
    parts = plugin.read(dict(reversed(meta)))
    known = [part for part in parts if part is not None]
    return Rule(plugin.name, _any_of(known), len(known) == len(parts)) if parts else None


# Each of the following functions returns the conditions of which a rule meets any. None stands for one that is unknown.
type _Parts = list[Condition | None]


def _memberpress(meta: Mapping[str, str]) -> _Parts:
    """Read a rule of MemberPress. Source: its class MeprRule (get_rules, is_locked), version 1.3.36 and later."""
    kind, content = meta.get("_mepr_rules_type", ""), meta.get("_mepr_rules_content", "").strip()
    match kind.split("_", 1):
        case ["partial"]:
            # Shortcodes and blocks in texts refer to it (wordpress.wxr.access).
            return [NOTHING]
        case ["custom"]:
            is_regexp = meta.get("_is_mepr_rules_content_regexp", "") not in {"", "0"}
            return [_regexp(content) if is_regexp else _url_start(content)]
        case ["all"]:
            return [_all_except([""], content)]
        case ["category"]:
            return [_term("", CATEGORY, content)]
        case ["tag"]:
            return [_term("", TAG, content)]
        case ["all", name] if name.startswith("tax_"):
            return [_term("", name.removeprefix("tax_"), content)]
        case ["all", name]:
            # All posts are `all_posts`, but all items of a custom type are `all_` and its name.
            return [_all_except({name, name.removesuffix("s")}, content)]
        case ["single", name]:
            return [_ids(name, "id", [content])]
        case ["parent", name]:
            return [_ids(name, "above", [content])]
        case ["tax", rest] if "||cpt_" in rest:
            taxonomy, _separator, name = rest.partition("||cpt_")
            return [_term(name, taxonomy, content)]
    return [None]


def _paid_member_subscriptions(meta: Mapping[str, str]) -> _Parts:
    """Read the rules of a plan of Paid Member Subscriptions. Source: its add-on Global Content Restriction."""
    parts: _Parts = []
    for key, post_type in meta.items():
        if not key.startswith("pms_content_rule_post_type_") or not post_type:
            continue
        number = key.removeprefix("pms_content_rule_post_type_")
        taxonomies = list(filter(None, meta.get(f"pms_content_rule_taxonomies_{number}", "").split(",")))
        for taxonomy in taxonomies:
            terms = meta.get(f"pms_content_rule_tax_terms_{post_type}_{taxonomy}", "")
            parts += [_term(post_type, taxonomy, term) for term in terms.split(",")]
        if not taxonomies:
            parts.append(_any(Match(post_type)))
    return parts


def _content_control(meta: Mapping[str, str]) -> _Parts:
    """Read a restriction of Content Control. Source: its classes Restriction, Query and Rules, version 2.6."""
    try:
        settings = parse(meta.get("restriction_settings", ""))
    except ValueError:
        return [None]
    if not isinstance(settings, dict):
        return [None]
    query = settings.get("conditions")
    items = query.get("items") if isinstance(query, dict) else None
    # The others are restricted to readers who are not logged in.
    is_for_members = settings.get("userStatus", "logged_in") != "logged_out"
    if not is_for_members or not isinstance(query, dict) or not items:
        return [NOTHING]
    return _query(query)


def _query(query: dict[int | str, PHPValue]) -> _Parts:
    items = query.get("items")
    parts = [_query_item(item) for item in items.values()] if isinstance(items, dict) else []
    if query.get("logicalOperator") == "or" and parts:
        return [part for each in parts for part in each]
    # What is not known can only reduce the items that all parts match.
    known = [_any_of([part for part in each if part]) for each in parts if None not in each]
    return [AllOf(tuple(known)) if known else None if parts else EVERYTHING]


def _query_item(item: PHPValue) -> _Parts:
    if not isinstance(item, dict):
        return [None]
    if item.get("type") == "group" or "query" in item:
        query = item.get("query")
        return _query(query) if isinstance(query, dict) else [None]
    options = item.get("options")
    selected = options.get("selected") if isinstance(options, dict) else None
    values = list(selected.values()) if isinstance(selected, dict) else str(selected or "").split(",")
    condition = _content_control_condition(str(item.get("name", "")), [str(value) for value in values])
    return [NoneOf(condition) if condition and item.get("notOperand") else condition]


def _content_control_condition(name: str, selected: list[str]) -> Condition | None:
    """Return the condition with this name, as far as it is about the pages of posts and about unknown visitors."""
    if name == "entire_site":
        return EVERYTHING
    is_archive = name.endswith("_archive") or name.startswith(("content_is_selected_tax_", "content_is_tax_"))
    if is_archive or name in _NEVER_MET:
        return NOTHING
    if found := re.fullmatch(r"content_is_(selected|child_of|ancestor_of)_(.+)", name, re.DOTALL):
        # An ancestor is one of those that are selected, not the item.
        return _ids(found[2], _SUBJECTS[found[1]], selected)
    if name == "content_is_front_page" or name.endswith("_with_template"):
        return None
    if found := re.fullmatch(r"content_is_(.+?)(?:_with_(.+))?", name, re.DOTALL):
        post_type, taxonomy = found[1], found[2]
        if taxonomy == "id":
            return _ids(post_type, "id", selected)
        if taxonomy:
            terms = list(filter(None, selected)) or [""]
            return _any_of([_term(post_type, taxonomy, term) for term in terms])
        return _any(Match(post_type))
    return None


def _unknown(meta: Mapping[str, str]) -> _Parts:
    """Read a rule of a plugin that keeps what it restricts elsewhere."""
    return [None]


class _Plugin(NamedTuple):
    """A plugin, the status of its rules while they are in use, and the function that reads them."""

    name: str
    status: str
    read: Callable[[Mapping[str, str]], _Parts]


# By the type of the items. WooCommerce Memberships keeps the rules of its plans in a setting, Advanced Access Manager
# the readers that a policy applies to, and Membership 2 which parts of its rules are in use.
_PLUGINS: Final = {
    "aam_policy": _Plugin("Advanced Access Manager", "publish", _unknown),
    "cc_restriction": _Plugin("Content Control", "publish", _content_control),
    "memberpressrule": _Plugin("MemberPress", "publish", _memberpress),
    "ms_membership": _Plugin("Membership 2", "private", _unknown),
    "pms-subscription": _Plugin("Paid Member Subscriptions", "active", _paid_member_subscriptions),
    "wc_membership_plan": _Plugin("WooCommerce Memberships", "publish", _unknown),
}
RULE_TYPES: Final = tuple(_PLUGINS)


def _any(*matches: Match) -> AnyOf:
    return AnyOf(frozenset(matches))


def _any_of(parts: list[Condition]) -> Condition:
    """Return the condition that any of `parts` matches, with all that can be found by a look-up in one set."""
    matches: set[Match] = set()
    others: list[Condition] = []
    for part in parts:
        if isinstance(part, AnyOf):
            matches |= part.matches
            others += part.others
        else:
            others.append(part)
    return AnyOf(frozenset(matches), tuple(others))


def _ids(post_type: str, subject: Literal["id", "parent", "above"], values: Iterable[str]) -> Condition | None:
    """Return the condition that an ID is one of `values`; None if none of them is an ID."""
    ids = {parse_id(value) for value in values} - {0}
    return _any(*(Match(post_type, subject, str(pk)) for pk in ids)) if ids else None


def _term(post_type: str, taxonomy: str, value: str) -> Condition:
    """Return the condition that an item is filed under a term, given by its ID, slug or name."""
    return _any(Match(post_type, "term", str(parse_id(value) or slug_key(value.strip())), taxonomy))


def _all_except(types: Iterable[str], ids: str) -> Condition:
    """Return the condition for all items of these types except those with these IDs, which are separated by commas."""
    exceptions = {parse_id(value) for value in ids.split(",")} - {0}
    of_types = _any(*map(Match, types))
    return AllOf((of_types, NoneOf(_any(*(Match("", "id", str(pk)) for pk in exceptions))))) if exceptions else of_types


def _regexp(regexp: str) -> Condition | None:
    """Return a condition for at least the URLs that a regular expression matches; None if there may be any.

    The expression itself is never tried, because it may take for ever.
    """
    if _ANY_URL.fullmatch(regexp):
        return EVERYTHING
    found = _FIXED.match(regexp)
    if found is None or "|" in regexp:
        return None
    start, anything, fixed, following = found.groups()
    text = re.sub(r"\\(.)", r"\1", fixed)
    if following in {"?", "*", "{"}:
        # The last character is optional. It may be a part of another one that is percent-encoded.
        text = text.partition("%")[0] if "%" in text else text[:-1]
    text = unquote(text)
    return InURL(text.lower(), bool(start) and not anything, ignores_case=True) if text.strip("/ ") else None


def _url_start(text: str) -> Condition | None:
    return InURL(unquote(text), at_start=True, ignores_case=False) if text else None


def _url(link: str) -> str:
    """Return a link without its host, and without percent-encoding."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    return unquote(f"{parts.path}?{parts.query}" if parts.query else parts.path)[:_MAX_URL]
