"""Footnotes and reusable blocks, which posts from the block editor refer to by ID instead of containing them.

WordPress stores the footnotes of a post as JSON in its meta field `footnotes`, and reusable blocks as posts of their
own. Here, both are fragments, which are looked up whenever a text of their site is rendered or exported.
"""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from itertools import product
from typing import Any, Final, cast

from django.db import transaction
from django.db.models import Q
from django.tasks import task
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from blog.models import Entry
from blog.rendering import MAX_SOURCE_LENGTH
from blog.rendering.tree import clean_text
from blog.rerendering import RerenderResult, rerender
from core.bulk import fetch_rows
from core.tasks import TaskKind
from wordpress.models import Fragment, FragmentKind, ImportedItem, ReusableBlock
from wordpress.wxr.values import parse_json

NOTE, BLOCK = FragmentKind.FOOTNOTE, FragmentKind.BLOCK

# After an edit, up to this many entries are rendered while the editor waits. If there are more, a worker does it.
MAX_RENDERED_AT_ONCE: Final = 100
# Reusable blocks can contain others. The limit also stops blocks that contain themselves.
MAX_DEPTH: Final = 3
_FOOTNOTE_MARKER = re.compile(r"""\bdata-fn=["']([^"'<>\s]{1,64})["']""")
# A block that a reference may change if it has a name, up to the next block: its attributes, and its first element with
# what follows.
_PART: Final = re.compile(
    r"<!--\s+wp:(?:button|heading|image|paragraph)\s+(?P<attributes>\{(?:[^<>}]|\}(?!\s+-->))*+\})\s+-->"
    r"(?P<before>(?:(?!<!--).)*?)<(?P<tag>a|h[1-6]|img|p)\b(?P<rest>[^<>]*>)(?P<content>(?:(?!<!--).)*)",
    re.DOTALL,
)
# The comment of a block that is hidden from readers, by WordPress or by the plugin Block Visibility, contains this.
# WordPress 7.0 can also hide blocks on screens of some sizes. Those that are hidden on all of them are never seen.
HIDDEN = re.compile(
    r'"blockVisibility":(?:false|\{"viewport":\{(?:"(?:mobile|tablet|desktop)":false,?){3}\}\})|"hideBlock":true'
)
_BLOCK_REFERENCE = re.compile(r"""<!--\s+wp:(?:core/)?block\s+\{"ref":([0-9]{1,18})\b[^<>]{0,2000}-->""")


@dataclass(frozen=True, slots=True)
class Origin:
    """The site that a text came from (None if unknown), and the ID that it had there (0 if unknown)."""

    site: str | None = None
    wordpress_id: int = 0


def origin_of(subject: object) -> Origin:
    """Return the origin of an entry, which is looked up lazily, or `subject` itself if an import passed an origin."""
    if isinstance(subject, Origin):
        return subject
    if isinstance(subject, Entry) and subject.pk:
        items = ImportedItem.objects.filter(kind=subject.kind, object_pk=subject.pk).values_list("site", "wordpress_id")
        return cast("Origin", SimpleLazyObject(lambda: Origin(*(items.first() or ()))))
    return Origin()


def find_fragments(kind: FragmentKind, names: Iterable[str], site: str | None) -> dict[str, str]:
    """Return texts by name, from the fragments of `site` or without a site; if `site` is None, from the oldest ones."""
    of_site: dict[str, Any] = {} if site is None else {"site__in": {site, ""}}
    rows = fetch_rows(Fragment, "name", names, "site", "pk", "name", "text", kind=kind, **of_site)
    # The last row for a name counts, which is that of the site itself, otherwise the one with the lowest key.
    return {name: text for *_key, name, text in sorted(rows, key=lambda row: (row[0] == site, -row[1]))}


def count_blocks(source: str) -> Counter[str]:
    """Return how often `source` shows each reusable block, by ID."""
    return Counter(_BLOCK_REFERENCE.findall(source)) if "<!-- wp:" in source else Counter()


def expand_blocks(source: str, origin: Origin) -> str:
    """Replace the references to known reusable blocks with their texts, unless the source would become too long."""
    for _depth in range(MAX_DEPTH):
        counts = count_blocks(source)
        known = find_fragments(BLOCK, counts, origin.site) if counts else {}
        added = sum(len(text) * counts[name] for name, text in known.items())
        if not known or len(source) + added > MAX_SOURCE_LENGTH:
            break
        source = _BLOCK_REFERENCE.sub(partial(_expand, known), source)
    return source


def _expand(known: Mapping[str, str], reference: re.Match[str]) -> str:
    """Return the text of a block that is known and was not hidden, otherwise the reference to it."""
    if HIDDEN.search(reference[0]) or reference[1] not in known:
        return reference[0]
    return _with_overrides(known[reference[1]], reference[0])


def _with_overrides(block: str, reference: str) -> str:
    """Return the text of a reusable block with the contents that a reference to it gives to parts with these names.

    Since WordPress 6.6, as in `<!-- wp:block {"ref":30,"content":{"Greeting":{"content":"Hello"}}} /-->`.
    """
    values: dict[str, Any] = parse_json(reference[reference.index("{") : reference.rindex("}") + 1], {})
    contents = values.get("content")
    return _PART.sub(partial(_change, contents), block) if isinstance(contents, dict) else block


def _change(contents: dict[str, Any], part: re.Match[str]) -> str:
    attributes: dict[str, Any] = parse_json(part["attributes"], {})
    metadata = attributes.get("metadata")
    changes = contents.get(str(metadata.get("name"))) if isinstance(metadata, dict) else None
    if not isinstance(changes, dict):
        return part[0]
    texts = {name: clean_text(value) for name, value in changes.items() if isinstance(value, str)}
    tag, rest, content = part["tag"], part["rest"], part["content"]
    for name, attribute in (("alt", "alt"), ("url", "src" if tag == "img" else "href")):
        if name in texts:
            rest = re.sub(rf'\s{attribute}="[^"]*"', "", rest)
            rest = f' {attribute}="{escape(texts[name])}"{rest}'
    shown = texts.get("content", texts.get("text"))
    if shown is not None and tag != "img":
        end = f"</{tag}>"
        content = f"{shown}{end}{content.rpartition(end)[2]}"
    return part[0][: part.start("tag") - part.start()] + tag + rest + content


def replace_block_ids(source: str, new_ids: Mapping[str, str]) -> str:
    """Replace the IDs of reusable blocks. `new_ids` maps old IDs to new ones."""
    return _BLOCK_REFERENCE.sub(lambda ref: ref[0].replace(ref[1], new_ids.get(ref[1], ref[1]), 1), source)


def footnotes_field(source: str, origin: Origin) -> str:
    """Return the meta field with the footnotes of `source`, as WordPress writes it; empty if it has none."""
    footnotes = [{"content": text, "id": name} for name, text in find_footnotes(source, origin).items()]
    return json.dumps(footnotes, ensure_ascii=False) if footnotes else ""


def find_footnotes(source: str, origin: Origin) -> dict[str, str]:
    """Return the texts of the known footnotes of `source` by ID, in order."""
    names = dict.fromkeys(_FOOTNOTE_MARKER.findall(source)) if "data-fn=" in source else {}
    known = find_fragments(NOTE, names, origin.site) if names else {}
    return {name: known[name] for name in names if name in known}


def save_block(block: ReusableBlock) -> int:
    """Save `block` and return how many entries may show it. They are rerendered after the transaction commits."""
    with transaction.atomic():
        stored = Fragment.objects.select_for_update().get(pk=block.pk)
        # This tells the next import that the block was edited here.
        block.exported = stored.exported or stored.fingerprint
        block.save()
        count = Entry.objects.filter(_entries_showing(stored)).count()
        render = rerender_entries.call if count <= MAX_RENDERED_AT_ONCE else rerender_entries.enqueue
        transaction.on_commit(partial(render, block.pk))
    return count


@TaskKind(_("Rendering texts with a changed block"), time_limit=dt.timedelta(hours=6))
@task()
def rerender_entries(pk: int) -> None:
    """Rerender the entries that show a block."""
    rerender(Entry.objects.filter(_entries_showing(Fragment.objects.get(pk=pk))), RerenderResult())


def _entries_showing(block: Fragment) -> Q:
    """Match the entries, of any site, that may show a block with this ID, on its own or inside another block."""
    names = {block.name}
    for _depth in range(MAX_DEPTH - 1):
        containing = Fragment.objects.filter(_refers_to("text", names), kind=BLOCK, site=block.site)
        names |= set(containing.values_list("name", flat=True))
    return _refers_to("source", names)


def _refers_to(field: str, names: set[str]) -> Q:
    references = (f'block {{"ref":{name}{following}' for name, following in product(sorted(names), "}, "))
    return Q(*((f"{field}__contains", reference) for reference in references), _connector=Q.OR)
