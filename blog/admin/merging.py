"""Merging concurrent edits: the second person to save a post or page gets the form with both versions merged."""

import datetime as dt
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlencode

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from accounts.models import User
from blog.admin.autosaving import DraftForm
from blog.admin.site_time import SiteTimeInput
from blog.models import Category, Entry, Revision
from blog.models.entry_query import EntryKind
from blog.revisions.comparing import Piece, compare, shorten
from blog.revisions.describing import Difference, as_html, differences
from blog.revisions.merging import merge
from blog.revisions.recording import author_of
from core.text import parse_ids, parse_time, unify_line_ends
from core.versioned_form import Clash, Merge, VersionedForm

_TEXTS: Final = ("title", "source", "excerpt")


@dataclass(frozen=True, slots=True)
class TextClash(Clash):
    """A part of a text that both people changed, and the text before it. What only one version has is marked."""

    before: str = ""

    @property
    def mine_html(self) -> SafeString:
        return self._html(self.theirs, self.mine)

    @property
    def theirs_html(self) -> SafeString:
        return self._html(self.mine, self.theirs)

    def _html(self, other: str, text: str) -> SafeString:
        pieces = [piece for piece in compare(other, text) if piece.kind != "removed"]
        return as_html(shorten([*([Piece("same", self.before)] if self.before else []), *pieces]))


class MergingForm(DraftForm, VersionedForm):
    """The form for an entry, whose texts, tags and categories are merged even if both people changed them.

    The admin sets `user` to the person who is writing.
    """

    user: User

    def is_current(self, version: str) -> bool:
        """Return whether the entry was not saved since then, or has the content again that it had then."""
        # Translations are in the digest as well, and may have been linked without saving the entry.
        opened, stored = (each.rpartition("&digest=") for each in (version, self.initial.get("version", "")))
        return opened[0] == stored[0] or opened[2] == stored[2]

    def merge_with_stored(self, version: str) -> Merge:
        stored = Revision.of(self.instance, by=None)
        base = self._opened(version, stored)
        author = author_of(stored)
        found = Merge(str(author) if author else gettext("Someone else"), is_own=author == self.user)
        if base is not None:
            found.theirs = differences(base, stored)
        for name, form_field in self.fields.items():
            mine = self.submitted_value(name)
            theirs = self.get_initial_for_field(form_field, name)
            if name != "version" and not form_field.disabled and form_field.has_changed(theirs, mine):
                self._merge_field(found, name, mine, theirs, base, stored)
        return found

    def _merge_field(
        self, found: Merge, name: str, mine: Any, theirs: Any, base: Revision | None, stored: Revision
    ) -> None:
        form_field = self.fields[name]
        label = str(self[name].label)
        if base is not None and not form_field.has_changed(_form_value(name, base), mine):
            self.set_submitted(name, theirs)
            return
        if name in _TEXTS:
            before = _text(name, base)
            found.mine.append(Difference(label, shorten(compare(before, unify_line_ends(mine or "")))))
        else:
            found.mine.append(Difference(label, [Piece("same", gettext("changed"))]))
        if base is not None and _value(name, base) == _value(name, stored):
            return
        if name in _TEXTS:
            merged = merge(_text(name, base), unify_line_ends(mine or ""), _text(name, stored))
            self.set_submitted(name, merged.text)
            found.clashes += [
                TextClash(label, overlap.mine, overlap.theirs, overlap.before) for overlap in merged.overlaps
            ]
        elif base is not None and name in ("tags", "categories"):
            self.set_submitted(name, self._merged_set(name, mine, base, stored))
        else:
            in_words = [self.display_value(name, value) for value in (mine, theirs)]
            found.clashes.append(Clash(label, *in_words))

    def _merged_set(self, name: str, mine: Any, base: Revision, stored: Revision) -> Any:
        """Return the stored values, plus those added in this form, minus those removed in it."""
        try:
            chosen = self.fields[name].clean(mine)
        except ValidationError:
            return mine
        chosen_here = set(chosen) if name == "tags" else {category.pk for category in chosen}
        before, theirs = set(base.settings[name]), set(stored.settings[name])
        merged = sorted((theirs | (chosen_here - before)) - (before - chosen_here))
        return ", ".join(merged) if name == "tags" else merged

    def set_submitted(self, name: str, value: Any) -> None:
        super().set_submitted(name, value)
        widget = self.fields[name].widget
        if isinstance(widget, SiteTimeInput):
            time = self.fields[name].prepare_value(value)
            widget.set_submitted(cast("QueryDict", self.data), self.add_prefix(name), time)

    def display_value(self, name: str, value: Any) -> str:
        if name == "password":
            return "•••" if value else ""
        if name in ("tags", "categories"):
            is_submitted = all(isinstance(each, str) for each in value or ())
            try:
                chosen = self.fields[name].clean(value) if is_submitted else value
            except ValidationError:
                return str(value)
            return ", ".join(sorted(str(each) for each in chosen))
        return super().display_value(name, value)

    def _opened(self, version: str, stored: Revision) -> Revision | None:
        """Return the entry's content when its form was opened, or None if it is unknown."""
        time = saved_at(version)
        if time is None:
            return None
        if time == self.instance.modified_at:
            base: Revision | None = copy(stored)
        else:
            revisions = Revision.objects.filter(entry=self.instance.pk, created_at__lte=time)
            base = revisions.order_by("-pk").first()
        if base is not None:
            base.settings = {**base.settings, **_submitted_settings(version, self.instance)}
        return base


def version_of(entry: Entry, categories: Iterable[Category], tags: Iterable[Any]) -> str:
    """Return when an entry was last saved, with the settings that bulk changes set without saving it, and a digest."""
    filed: list[tuple[str, Any]] = [("language", entry.language)]
    filed += [("category", pk) for pk in sorted(category.pk for category in categories)]
    filed += [("tag", name) for name in sorted(tag.name for tag in tags)]
    filed.append(("digest", Revision.of(entry, None, categories=categories, tags=tags).digest))
    return f"{entry.modified_at.isoformat()}?{urlencode(filed)}"


def saved_at(version: str) -> dt.datetime | None:
    """Return the time of saving in a submitted `version`, or None if that is malformed."""
    return parse_time(version.partition("?")[0])


def _submitted_settings(version: str, entry: Entry) -> dict[str, Any]:
    """Return the settings in a submitted `version`, as in a revision, or an empty dict if it has none."""
    values = parse_qs(version.partition("?")[2], keep_blank_values=True)
    if "language" not in values:
        return {}
    filed: dict[str, Any] = {"language": values["language"][0]}
    if entry.kind == EntryKind.POST:
        filed["categories"] = sorted(parse_ids(values.get("category", ())))
        filed["tags"] = sorted(values.get("tag", ()))
    return filed


def _value(name: str, revision: Revision) -> Any:
    """Return the value of a field in a revision, as it is stored."""
    if name in ("title", "source"):
        return unify_line_ends(getattr(revision, name))
    return revision.settings.get(name, revision.settings.get(f"{name}_id"))


def _text(name: str, revision: Revision | None) -> str:
    return unify_line_ends(_value(name, revision) or "") if revision is not None else ""


@dataclass(frozen=True, slots=True)
class _NamedTag:
    name: str


def _form_value(name: str, revision: Revision) -> Any:
    """Return what a form would have shown for a field, with the type that the field expects."""
    value = _value(name, revision)
    if name == "published_at" and value:
        return dt.datetime.fromisoformat(value).replace(microsecond=0)
    return [_NamedTag(tag) for tag in value] if name == "tags" else value
