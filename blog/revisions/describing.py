"""The differences between two revisions, for display."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext

from accounts.models import User
from blog.models import Category, Entry, Page, Revision, Status
from blog.models.revision import SETTINGS
from blog.rendering.markups import markups
from blog.revisions.comparing import Piece, compare, shorten
from core.dates import format_datetime
from media.models import Picture


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of an entry that differs, such as its title, and how."""

    label: str
    pieces: Sequence[Piece]

    @property
    def html(self) -> SafeString:
        return as_html(self.pieces)


def differences(before: Revision, after: Revision) -> list[Difference]:
    """Return what `after` changed in `before`. Takes a query for each differing setting that refers to an object."""
    found = []
    for name in ("title", "source"):
        found += _difference(name, compare(getattr(before, name), getattr(after, name)))
    found += _difference("markup", _replaced(_markup_label(before.markup), _markup_label(after.markup)))
    for name in (*SETTINGS, "translations", "categories", "tags"):
        # A setting may be newer than a revision, and pages have no tags.
        if not (name in before.settings and name in after.settings):
            continue
        old, new = before.settings[name], after.settings[name]
        if old == new:
            continue
        if name == "excerpt":
            pieces = compare(old, new)
        elif name == "password":
            # It is for readers who were given it, and must not be displayed.
            pieces = _replaced(
                "•••" if old else "", gettext("••• (a different one)") if old and new else "•••" * bool(new)
            )
        else:
            pieces = _replaced(_display_value(name, old), _display_value(name, new))
        found += _difference(name, pieces)
    return found


def as_html(pieces: Sequence[Piece]) -> SafeString:
    """Mark additions and removals with elements, and with words for screen readers, so that they need no colour."""
    marks = {"added": ("ins", gettext("added:")), "removed": ("del", gettext("removed:"))}
    parts = []
    for piece in pieces:
        if piece.kind in marks:
            tag, label = marks[piece.kind]
            form = '<{0}><span class="visually-hidden">[{1} </span>{2}<span class="visually-hidden">]</span></{0}>'
            parts.append(format_html(form, tag, label, piece.text))
        else:
            parts.append(format_html(' <span class="gap">[{}]</span> ' if piece.kind == "gap" else "{}", piece.text))
    # The element contains nothing but the text, because its spaces and line breaks are displayed.
    inner = format_html_join("", "{}", ((part,) for part in parts))
    return format_html('<div class="pieces" dir="auto">{}</div>', inner)


def label_of(name: str) -> str:
    """Return the form's label for this field or setting."""
    if name in (labels := {"tags": gettext("tags"), "translations": gettext("translations")}):
        return capfirst(labels[name])
    return capfirst(str(getattr(Entry._meta.get_field(name.removesuffix("_id")), "verbose_name", name)))


def _difference(name: str, pieces: Sequence[Piece]) -> list[Difference]:
    return [Difference(label_of(name), shorten(pieces))] if any(piece.kind != "same" for piece in pieces) else []


def _replaced(old: str, new: str) -> list[Piece]:
    if old == new:
        return []
    removed = [Piece("removed", old)] if old else []
    space = [Piece("same", " ")] if old and new else []
    return [*removed, *space, *([Piece("added", new)] if new else [])]


def _markup_label(name: str) -> str:
    markup = markups.get(name)
    return markup.label if markup else name


def _name(model: Any, pk: int) -> str:
    found = model._default_manager.filter(pk=pk).first()
    return str(found) if found else gettext("(deleted)")


def _category_names(pks: list[int]) -> str:
    names = sorted(Category.objects.filter(pk__in=pks).values_list("name", flat=True), key=str.casefold)
    return ", ".join([*names, *([gettext("(deleted)")] * (len(pks) - len(names)))])


def _translation_names(pks: list[int]) -> str:
    """Return the languages of these entries, with the titles that everyone who sees the revision may see."""
    columns = ("kind", "title", "password", "language", "status", "published_at")
    entries = Entry.objects.filter(pk__in=pks).only(*columns).order_by("language")
    return ", ".join(
        f"{entry} ({entry.language_name})" if entry.is_public else str(entry.language_name) for entry in entries
    )


_FORMATS: Final[dict[str, Callable[[Any], str]]] = {
    "status": lambda value: str(Status(value).label),
    "published_at": lambda value: format_datetime(dt.datetime.fromisoformat(value)),
    "author_id": partial(_name, User),
    "featured_picture_id": partial(_name, Picture),
    "parent_id": partial(_name, Page),
    "categories": _category_names,
    "translations": _translation_names,
    "tags": lambda names: ", ".join(sorted(names, key=str.casefold)),
}


def _display_value(name: str, value: Any) -> str:
    """Return the value of a setting for display; empty if it has none."""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value is None or value == "":
        return ""
    return _FORMATS.get(name, str)(value)
