"""Preserving the data of an export that Broadside has no use for, so that our exports contain it again.

None of it is shown to anyone, except for tables in texts that refer to them (wordpress.markup.tables). Data that
WordPress collected without readers' knowledge is not preserved: IP addresses and the notes of spam filters. Neither are
form responses, because no one would find them here to answer or erase them.
"""

import datetime as dt
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final
from urllib.parse import unquote

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import ngettext

from comments.models import CommentKind
from comments.personal_data import Erasures
from core.bulk import fetch_rows, insert_rows
from wordpress.importing.attachment_metadata import without_file_metadata
from wordpress.importing.context import ImportContext
from wordpress.importing.enclosures import enclosure_field, files_of_plugins, parse_enclosure
from wordpress.importing.entry_builder import keeps_status, plain_title
from wordpress.importing.ledger import PRESERVED
from wordpress.importing.report import OTHER_TERMS, PAGES, POSTS, Outcome
from wordpress.markup.tables import table_key
from wordpress.models import ImportedItem, PreservedData, fingerprint
from wordpress.wxr.elements import ITEM_DEFAULTS, former_slugs, text_to_html
from wordpress.wxr.extensions import without_extension
from wordpress.wxr.records import (
    CATEGORY,
    DESIRED_SLUG_KEY,
    ENCLOSURE,
    FOOTNOTES,
    OLD_SLUG_KEY,
    TABLE,
    TAG,
    YOAST_NOINDEX,
    Comment,
    Item,
    Meta,
    Term,
    TermRef,
    table_id,
)
from wordpress.wxr.values import plain_line, plain_lines

# See PreservedData.
type Fields = dict[str, Any]

# The limits of one object: characters, and meta fields, terms or comments. WordPress's own objects stay far below.
_MAX_CHARACTERS: Final = 1_000_000
_MAX_COUNT: Final = 1000
# Values that our exports write anyway.
_DEFAULTS: Final = {**ITEM_DEFAULTS, "wp:status": "inherit"}
# The elements of attachments and reusable blocks that have columns here, from which our exports generate them.
_USED_OF_ATTACHMENTS: Final = {
    *("link", "pubDate", "dc:creator", "guid", "wp:post_id", "wp:post_date", "wp:post_date_gmt", "wp:post_parent"),
    *("wp:menu_order", "wp:post_type", "wp:attachment_url"),
}
_USED_OF_BLOCKS: Final = {"content:encoded", "wp:post_id", "wp:post_type", "wp:status"}
_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_UNKNOWN_TIME: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# The prefixes of Akismet's notes about a commenter.
_SPAM_FILTER: Final = ("akismet_", "_akismet")
# A colon and a port may follow an IPv4 address, and a colon may precede it.
_ADDRESS: Final = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]\w)"
    r"|(?<![\w.:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w.:]\w)"
)


def preserve(context: ImportContext, kind: str, owner: str, found: Mapping[int, Fields]) -> None:
    """Store the preserved data of objects. Call this in the transaction that stores the objects, after storing them.

    `kind` is their kind in the report, `owner` the field of PreservedData that refers to them. `found` has the data by
    the objects' IDs.
    """
    for pk, fields in found.items():
        _note_left_out(context, kind, pk, fields)
    rows = fetch_rows(PreservedData, owner, found, owner, "pk", "fields")
    stored = {pk: (row, fields) for pk, row, fields in rows}
    for pk, (_row, fields) in stored.items():
        if "section" in found[pk] and "section" in fields:
            # Keep the section that the first import found. An export with other items may give a different one.
            found[pk]["section"] = fields["section"]
    new = [(pk, fields) for pk, fields in found.items() if fields and pk not in stored]
    others = ("", PreservedData.Kind.PART.value, 0, None)
    columns = (owner, "fields", "site", "kind", "wordpress_id", "key")
    insert_rows(PreservedData, columns, [(*row, *others) for row in new])
    changed = {row: found[pk] for pk, (row, fields) in stored.items() if fields != found[pk]}
    _update(changed)


def preserve_unknown(context: ImportContext, objects: Iterable[Item | Term]) -> dict[str, Outcome]:
    """Store items or terms of types that are unknown here, with everything that they contain.

    Return what happened to each, by its key.
    """
    outcomes: dict[str, Outcome] = {}
    for kind, group in groupby(objects, _kind):
        found = {key_of(each): each for each in group}
        rows = fetch_rows(PreservedData, "key", found, "key", "pk", "fields", kind=kind, site=context.site)
        stored = {key: (row, fields) for key, row, fields in rows}
        erasures = Erasures()
        fields = {key: _complete_fields(each, erasures) for key, each in found.items()}
        for key, each in found.items():
            _note_left_out(context, each.type if isinstance(each, Item) else OTHER_TERMS, each.id, fields[key])
        new = [
            PreservedData(site=context.site, kind=kind, wordpress_id=each.id, key=key, fields=fields[key])
            for key, each in found.items()
            if key not in stored and fields[key]
        ]
        for row in PreservedData.objects.bulk_create(new):
            context.ledger.add(PRESERVED, row.wordpress_id, row.pk)
        changed = {key: row for key, (row, before) in stored.items() if before != fields[key]}
        _update({row: fields[key] for key, row in changed.items()})
        outcomes |= dict.fromkeys(found, Outcome.UNCHANGED) | dict.fromkeys(changed, Outcome.UPDATED)
        outcomes |= dict.fromkeys((str(row.key) for row in new), Outcome.IMPORTED)
    return outcomes


def preserved_items() -> QuerySet[PreservedData]:
    """Return the preserved items except those that a later import turned into entries. Undoing it brings them back."""
    same = {"site": OuterRef("site"), "wordpress_id": OuterRef("wordpress_id")}
    entries = ImportedItem.objects.filter(kind__in=[POSTS, PAGES], wordpress_id__gt=0, **same)
    return PreservedData.objects.filter(~Exists(entries), kind=PreservedData.Kind.ITEM)


def entry_fields(item: Item) -> Fields:
    """Return the data of a post or page to preserve."""
    elements = dict(_not_default(item.elements))
    exact = item.extension.texts if item.extension else {}
    if "title" not in exact and item.title != text_to_html(plain_title(item.title)):
        elements["title"] = item.title
    if "excerpt" not in exact and item.excerpt != text_to_html(plain_lines(item.excerpt)):
        elements["excerpt:encoded"] = item.excerpt
    if item.status and not keeps_status(item):
        elements["wp:status"] = item.status
    if not item.slug and item.status in {"draft", "pending"}:
        # WordPress gives drafts a slug when they are published. Here pages and posts with a date get one at once.
        elements["wp:post_name"] = ""
    if item.custom_type:
        elements["wp:post_type"] = item.custom_type
    is_post = item.type == "post"
    if is_post and item.menu_order:
        elements["wp:menu_order"] = str(item.menu_order)
    if not is_post and item.sticky:
        elements["wp:is_sticky"] = "1"
    terms = (ref for ref in item.terms if not is_post or ref.taxonomy not in {CATEGORY, TAG})
    meta = tuple(_entry_meta(item))
    # Data of plugins may come from readers, such as the topics of a forum.
    return _fields(elements.items(), terms, _without_private(meta) if item.custom_type else meta)


def _entry_meta(item: Item) -> Iterator[tuple[str, str]]:
    """Yield the meta fields of a post or page that our exports would not generate themselves."""
    # Only our own exports list legacy URLs, and they derive these slugs from those of posts.
    former = former_slugs(map(unquote, item.legacy_urls), item.slug) if item.type == "post" else {}
    # Without its own field, an enclosure with the same values would be taken for the file of a plugin.
    of_plugins = {file for _key, file in files_of_plugins(item.meta)}
    for key, value in item.meta:
        enclosure = parse_enclosure(value) if key == ENCLOSURE and item.type == "post" else None
        is_enclosure = enclosure and enclosure not in of_plugins and enclosure_field(enclosure) == value
        is_made = key == DESIRED_SLUG_KEY or is_enclosure
        if key == OLD_SLUG_KEY:
            is_made = value in former
        elif key == FOOTNOTES:
            is_made = _is_our_json(value)
        elif key == YOAST_NOINDEX:
            is_made = value == "1"
        if not is_made:
            yield key, value


def _is_our_json(value: str) -> bool:
    """Return whether `value` is JSON as Python writes it. WordPress's JSON has no spaces."""
    try:
        return json.dumps(json.loads(value), ensure_ascii=False) == value
    except (ValueError, RecursionError):
        return False


def comment_fields(comment: Comment) -> Fields:
    """Return the data of a comment to preserve."""
    elements = {"wp:comment_type": comment.type} if comment.type not in CommentKind else {}
    return _fields(elements.items(), meta=_without_private(comment.meta))


def term_fields(term: Term) -> Fields:
    """Return the data of a category or tag to preserve."""
    return _fields(term.elements, meta=term.meta)


def attachment_fields(item: Item, erasures: Erasures) -> Fields:
    """Return the data of a file's item to preserve, including its comments."""
    raw = {name: text for name, text in item.elements if name not in _USED_OF_ATTACHMENTS}
    plain = {"title": plain_line, "excerpt:encoded": plain_lines, "content:encoded": plain_lines}
    exact = item.extension.texts if item.extension else {}
    for name, parse in plain.items():
        own_name = {"excerpt:encoded": "caption", "content:encoded": "description"}.get(name, name)
        if name in raw and (own_name in exact or raw[name] == text_to_html(parse(raw[name]))):
            del raw[name]
    comments = _comments(item.comments, erasures)
    return _fields(_not_default(raw.items()), item.terms, without_file_metadata(item.meta), comments)


def block_fields(item: Item, erasures: Erasures) -> Fields:
    """Return the data of a reusable block to preserve."""
    raw = {name: text for name, text in item.elements if name not in _USED_OF_BLOCKS}
    if raw.get("title") == text_to_html(plain_line(item.title)):
        del raw["title"]
    return _fields(raw.items(), item.terms, item.meta, _comments(item.comments, erasures))


def _note_left_out(context: ImportContext, kind: str, id: int, fields: Fields) -> None:  # noqa: A002  # WordPress's name for it
    if count := fields.get("left_out", 0):
        text = ngettext(
            "%d of its fields is too large or exceeds the limit, and is not kept. Keep the export if you need it.",
            "%d of its fields are too large or exceed the limit, and are not kept. Keep the export if you need them.",
            count,
        )
        context.report.note(kind, id, str(fields.get("elements", {}).get("title", "")), text % count)


def _update(changed: Mapping[int, Fields]) -> None:
    rows = [PreservedData(pk=row, fields=fields) for row, fields in changed.items() if fields]
    PreservedData.objects.bulk_update(rows, ["fields"], batch_size=100)
    PreservedData.objects.filter(pk__in=[row for row, fields in changed.items() if not fields]).delete()


def _kind(each: Item | Term) -> PreservedData.Kind:
    return PreservedData.Kind.TERM if isinstance(each, Term) else PreservedData.Kind.ITEM


def key_of(each: Item | Term) -> str:
    """Return a key that identifies a preserved item or term among those of its site."""
    if isinstance(each, Term):
        return fingerprint(each.taxonomy, each.slug or each.name)
    if each.type == TABLE and (name := table_id(each)):
        return table_key(name)
    # Programs that export no IDs may leave out GUIDs too.
    return fingerprint(each.type, *((each.id,) if each.id else (each.guid, each.slug, each.title, each.date)))


def _complete_fields(each: Item | Term, erasures: Erasures) -> Fields:
    if isinstance(each, Term):
        return _fields(each.elements, meta=each.meta)
    meta = without_file_metadata(_without_private(each.meta))
    fields = _fields(each.elements, each.terms, meta, _comments(each.comments, erasures))
    return {} if _is_about_erased(each, fields, erasures) else fields


def _fields(
    elements: Iterable[tuple[str, str]],
    terms: Iterable[TermRef] = (),
    meta: Iterable[tuple[str, str]] = (),
    comments: Iterable[Fields] = (),
) -> Fields:
    """Return the fields that are not empty, within the limits of one object."""
    found: dict[str, Iterable[Any]] = {
        "elements": map(list, elements),
        "terms": map(list, terms),
        "meta": map(list, without_extension(tuple(meta))),
        "comments": comments,
    }
    fields: Fields = {}
    characters = 0
    for name, values in found.items():
        for value in values:
            size = len(json.dumps(value))
            if characters + size <= _MAX_CHARACTERS and len(fields.get(name, ())) < _MAX_COUNT:
                characters += size
                fields.setdefault(name, []).append(value)
            else:
                fields["left_out"] = fields.get("left_out", 0) + 1
    if "elements" in fields:
        fields["elements"] = dict(fields["elements"])
    return fields


def _is_about_erased(item: Item, fields: Fields, erasures: Erasures) -> bool:
    """Return whether an item contains the e-mail address of a person who was erased here after it was written."""
    addresses = set(_EMAIL.findall(json.dumps(fields, ensure_ascii=False)))
    return any(erasures.of(address, item.published_at or _UNKNOWN_TIME) for address in addresses)


def _comments(comments: Iterable[Comment], erasures: Erasures) -> Iterator[Fields]:
    """Yield the data of comments whose authors were not erased here."""
    for comment in comments:
        if not erasures.of(comment.email, comment.written_at or _UNKNOWN_TIME):
            yield _fields(comment.elements, meta=_without_private(comment.meta))


def _not_default(elements: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, text in elements if _DEFAULTS.get(name) != text.strip())


def _without_private(meta: Meta) -> Meta:
    """Return the meta fields without those of spam filters and those containing an IP address."""
    return tuple((key, value) for key, value in meta if not key.startswith(_SPAM_FILTER) and not _has_address(value))


def _has_address(text: str) -> bool:
    return any(map(_is_address, _ADDRESS.findall(text)))


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False
