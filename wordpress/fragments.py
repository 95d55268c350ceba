"""Texts that bodies of the block editor name and do not hold: footnotes, and blocks that many bodies share.

WordPress keeps the footnotes of an entry as JSON in its meta field `footnotes`, and shared ("reusable") blocks as
items of their own. Both are stored here, and found by their names whenever a body is rendered or exported: those of
the blog that the body came from.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any, Final

from django.utils.translation import gettext as _

from blog.rendering import MAX_SOURCE_LENGTH
from wordpress.lookups import rows
from wordpress.memory import of_row
from wordpress.models import Fragment
from wordpress.origins import Origin
from wordpress.plain import plain
from wordpress.records import FOOTNOTES, Item
from wordpress.reports import COMMENTS, Outcome, Report

NOTE, BLOCK = Fragment.Kind.NOTE, Fragment.Kind.BLOCK

_MAX_NAME_LENGTH: Final = 64
_MAX_TITLE_LENGTH: Final = 200
# A shared block may hold others; a block that holds itself ends here too.
MAX_DEPTH: Final = 3
_NOTE_MARK = re.compile(r"""\bdata-fn=["']([^"'<>\s]{1,64})["']""")
_SHARED = re.compile(r"""<!--\s+wp:(?:core/)?block\s+\{"ref":([0-9]{1,18})\b[^<>]{0,2000}-->""")


def stored(kind: Fragment.Kind, names: Iterable[str], site: str | None) -> dict[str, str]:
    """The texts of this kind that `site` has, by name; of which no site is known, or `site` is None, the first."""
    which: dict[str, Any] = {} if site is None else {"site__in": {site, ""}}
    found = rows(Fragment, "name", names, "site", "pk", "name", "text", kind=kind, **which)
    # Of several the last counts.
    return {name: text for *_which, name, text in sorted(found, key=lambda row: (row[0] == site, -row[1]))}


# In bodies


def notes_named(source: str) -> list[str]:
    """The names of the footnotes that `source` marks, in its order."""
    return list(dict.fromkeys(_NOTE_MARK.findall(source))) if "data-fn=" in source else []


def blocks_named(source: str) -> Counter[str]:
    """The numbers of the blocks that `source` shows, and how often."""
    return Counter(_SHARED.findall(source)) if "<!-- wp:" in source else Counter()


def with_shared_blocks(source: str, origin: Origin) -> str:
    """`source`, from `origin`, with shared blocks where it shows them, as far as they are known and not too much."""
    for _depth in range(MAX_DEPTH):
        named = blocks_named(source)
        known = stored(BLOCK, named, origin.site) if named else {}
        added = sum(len(text) * named[name] for name, text in known.items())
        if not known or len(source) + added > MAX_SOURCE_LENGTH:
            break
        source = _SHARED.sub(lambda block, known=known: known.get(block[1], block[0]), source)  # type: ignore[misc]  # bound at once
    return source


def with_block_numbers(source: str, numbers: Mapping[str, str]) -> str:
    """`source` with other `numbers`, by those they had, in place of those of blocks that it shows."""

    def renumbered(block: re.Match[str]) -> str:
        return block[0].replace(block[1], numbers.get(block[1], block[1]), 1)

    return _SHARED.sub(renumbered, source) if numbers else source


def list_of_notes(source: str, typographic: Callable[[str], str], origin: Origin) -> str:
    """What stands for the block of footnotes, as in Markdown; nothing if none of them is known."""
    names = notes_named(source)
    known = stored(NOTE, names, origin.site) if names else {}
    if not known:
        return ""
    items = "".join(
        f'<li id="{escape(name)}" class="footnote-item">{typographic(known[name])}'
        f' <a href="#{escape(name)}-link" class="footnote-backref">↩︎</a></li>'
        for name in names
        if name in known
    )
    return f'<section class="footnotes"><ol class="footnotes-list">{items}</ol></section>'


# In exports


def bring_in_notes(item: Item, site: str, report: Report) -> None:
    """Store the footnotes of `item`, of `site`. What its field says otherwise is noted."""
    field = next((value for key, value in item.meta if key == FOOTNOTES), "").strip()
    if not field:
        return
    notes = _notes(field)
    if notes is None:
        text = _("Its footnotes cannot be read: they stand in the export, in the custom field “footnotes”.")
        report.note(item.type, item.id, plain(item.title), text)
        return
    _store(NOTE, site, {name: ("", text) for name, text in notes.items()})


def bring_in_block(item: Item, site: str, report: Report) -> None:
    """Store a shared block of `site`, and count it and its comments."""
    if item.status != "publish" or item.password or not item.id:
        report.skip(item.type, item.id, plain(item.title), _("It was not public, so no text showed it."))
    elif len(item.content) > MAX_SOURCE_LENGTH:
        report.skip(item.type, item.id, plain(item.title), _("It is too long."))
    else:
        title = plain(item.title)[:_MAX_TITLE_LENGTH]
        outcome = _store(BLOCK, site, {str(item.id): (title, item.content)})
        if outcome == Outcome.SKIPPED:
            text = _("It was changed in the export and here since the last import: here it stays as it is.")
            report.skip(item.type, item.id, title, text)
        else:
            report.count(item.type, outcome)
        if outcome == Outcome.UPDATED:
            report.note(item.type, item.id, title, _("Run `manage.py rerender`: texts show it as it was until then."))
    for comment in item.comments:
        report.skip(COMMENTS, comment.id, plain(comment.author), _("It answers a part of other texts."))


def notes_field(source: str, origin: Origin) -> str:
    """The meta field for the footnotes that `source` marks, as WordPress writes it; empty if it marks none."""
    names = notes_named(source)
    known = stored(NOTE, names, origin.site) if names else {}
    notes = [{"content": known[name], "id": name} for name in names if name in known]
    return json.dumps(notes, ensure_ascii=False) if notes else ""


def _notes(field: str) -> dict[str, str] | None:
    """Footnotes by their names; None if `field` is not what WordPress writes."""
    try:
        values: Any = json.loads(field)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list):
        return None
    notes = {}
    for value in values:
        name, text = (value.get("id"), value.get("content")) if isinstance(value, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(text, str) or not 0 < len(name) <= _MAX_NAME_LENGTH:
            return None
        if "\0" in name + text or len(text) > MAX_SOURCE_LENGTH or not _is_text(name + text):
            return None
        notes[name] = text
    return notes


def _is_text(text: str) -> bool:
    """Whether it can be stored: JSON can name half a letter."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _store(kind: Fragment.Kind, site: str, texts: Mapping[str, tuple[str, str]]) -> Outcome:
    """Keep titles and texts of `site` by their names; says what became of them, of several the last that is news."""
    outcome = Outcome.UNCHANGED
    columns = ("name", "title", "text", "exported")
    own = {name: rest for name, *rest in rows(Fragment, "name", texts, *columns, kind=kind, site=site)}
    for pk, name, *rest in rows(Fragment, "name", texts, "pk", *columns, kind=kind, site=""):
        if name not in own and texts[name] == tuple(rest[:2]):
            # What came when sites were not remembered yet is theirs who say the same.
            Fragment.objects.filter(pk=pk).update(site=site)
            own[name] = rest
    news = []
    for name, (title, text) in texts.items():
        said = of_row(title, text)
        *here, exported = own.get(name, ("", "", ""))
        if exported == said:
            continue
        if name not in own:
            outcome = Outcome.IMPORTED
        elif here == [title, text]:
            # It is so here already: only what the export said is new.
            pass
        elif exported and of_row(*here) != exported:
            outcome = Outcome.SKIPPED
            continue
        else:
            outcome = Outcome.UPDATED
        news.append(Fragment(kind=kind, site=site, name=name, title=title, text=text, exported=said))
    Fragment.objects.bulk_create(
        news,
        update_conflicts=True,
        unique_fields=["kind", "name", "site"],
        update_fields=["title", "text", "exported"],
    )
    return outcome
