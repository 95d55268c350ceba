"""Redirects that editors of the old blog kept with Safe Redirect Manager or WPCOM Legacy Redirector, as items."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from django.db.models import Model
from django.utils.translation import gettext as _

from blog.appearance.menus import Item as MenuItem
from blog.models import Category, Entry
from wordpress.importing.batches import write_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.link_targets import LinkTargets
from wordpress.importing.menus import ENTRY, ExportedLink
from wordpress.importing.redirects import add_missing_redirects
from wordpress.wxr.records import LEGACY_REDIRECT, REDIRECT_RULE, Item
from wordpress.wxr.values import plain_line

# In a path that a rule applies to, this stands for anything.
_WILDCARD: Final = "*"
_MAX_SHOWN: Final = 200


class _Rule(NamedTuple):
    """A redirect from a path, or from all paths that match if it is a pattern, to a link."""

    item: Item
    path: str
    to: ExportedLink
    is_pattern: bool


def import_redirect_rules(context: ImportContext) -> None:
    """Redirect the paths of rules that lead to an entry or category here. Note the others."""
    write_batches(context, _rules(context), partial(_import, context))


def _rules(context: ImportContext) -> Iterator[_Rule]:
    for item in context.spool.skipped:
        if item.status == "publish" and item.type == REDIRECT_RULE:
            meta = {key.removeprefix(f"_{REDIRECT_RULE}_"): value.strip() for key, value in item.meta}
            path = meta.get("from", "")
            is_pattern = meta.get("from_regex") == "1" or _WILDCARD in path
            yield _Rule(item, path, ExportedLink("", url=meta.get("to", "")), is_pattern)
        elif item.status == "publish" and item.type == LEGACY_REDIRECT:
            kind = ENTRY if item.parent else ""
            to = ExportedLink("", kind, target=item.parent, url=item.excerpt.strip())
            yield _Rule(item, plain_line(item.title), to, is_pattern=False)


def _import(context: ImportContext, rules: Sequence[_Rule]) -> None:
    targets = LinkTargets(context, [rule.to for rule in rules])
    objects = _objects(targets, rules)
    found: list[tuple[str, Model]] = []
    for rule in rules:
        target = objects.get(rule.to)
        if target and not rule.is_pattern and (path := targets.own_path(rule.path)):
            found.append((path, target))
        else:
            names = {"old": rule.path[:_MAX_SHOWN], "new": (rule.to.url or f"/?p={rule.to.target}")[:_MAX_SHOWN]}
            text = _(
                "It redirected %(old)s to %(new)s. It was not imported, because only single URLs can be redirected "
                "here, and only to a post, page or category of this site."
            )
            context.report.note(rule.item.type, rule.item.id, plain_line(rule.item.title), text % names)
    context.ledger.add_redirects(add_missing_redirects(found))


def _objects(targets: LinkTargets, rules: Sequence[_Rule]) -> dict[ExportedLink, Model]:
    """Return the entries and categories here that the rules lead to. The texts of entries are deferred."""
    items = {rule.to: item for rule in rules for item in targets.items_of(rule.to)}
    entries = Entry.objects.without_texts().in_bulk(_ids(items, "blog:post", "blog:page"))
    categories = Category.objects.in_bulk(_ids(items, "blog:category"))
    by_kind = {"blog:post": entries, "blog:page": entries, "blog:category": categories}
    found = {link: by_kind.get(item.get("kind", ""), {}).get(item.get("id")) for link, item in items.items()}
    return {link: target for link, target in found.items() if target is not None}


def _ids(items: Mapping[ExportedLink, MenuItem], *kinds: str) -> list[int]:
    return [item["id"] for item in items.values() if item.get("kind") in kinds]
