"""The first cell of a row in the lists of posts and pages. A template would take ten times as long."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from blog.admin.results import state_label
from blog.editing.workflow import state_of
from blog.models import Entry, Post, Status
from blog.permissions import Anyone, may_delete, may_edit, may_restore

_MAX_TAGS: Final = 4


@dataclass(frozen=True, slots=True)
class TitleCells:
    """What the cells of a list share. The `url` of the list is followed by the ID of an entry and an action.

    `query` is the part of a URL, from `?`, that leads back to the same list.
    """

    user: Anyone
    may_add: bool
    url: str
    query: str

    def html(self, entry: Any, *, picture_url: str, editing: str) -> SafeString:
        """Return the picture, title, state, tags and actions of `entry`. `editing` says who else has it open."""
        picture = f'<img src="{escape(picture_url)}" alt="" width="56" height="56" loading="lazy" decoding="async"'
        language = f' lang="{escape(entry.language)}"' if entry.language else ""
        parts = [
            f'<div class="entry-cell tree-{min((entry.path or "").count("/"), 5)}">\n',
            f'{picture} class="entry-picture">\n' if picture_url else '<span class="entry-picture"></span>\n',
            f'<div class="entry-words">\n<a class="entry-title" href="{escape(self._url(entry, "change"))}" dir="auto"',
            f'{language}>{escape(str(entry))}</a>\n<p class="entry-state">\n',
            f'<span class="state state-{state_of(entry)}">{state_label(entry)}</span>\n',
            f'<span class="entry-editing">{escape(editing)}</span>\n' if editing else "",
            _notes(entry.open_notes) if entry.open_notes else "",
            f'<span class="entry-sticky">{gettext("Pinned")}</span>\n' if entry.sticky else "",
            self._tags(entry) if isinstance(entry, Post) else "",
            '</p>\n<p class="entry-actions">\n',
            *(self._actions_in_trash(entry) if entry.status == Status.TRASH else self._actions(entry)),
            "</p>\n</div>\n</div>",
        ]
        return mark_safe("".join(parts))  # noqa: S308  # every value is escaped, or a translation

    def _actions(self, entry: Entry) -> Iterator[str]:
        title = {"entry": entry}
        is_editable = may_edit(self.user, entry)
        if is_editable:
            label = gettext("Quick edit: %(entry)s") % title
            yield _link(self._url(entry, "quick"), gettext("Quick edit"), label, "quick-link")
        if entry.is_public:
            yield _link(entry.get_absolute_url(), gettext("View"), gettext("View: %(entry)s") % title)
        else:
            yield _link(entry.get_preview_url(), gettext("Preview"), gettext("Preview: %(entry)s") % title)
        if self.may_add:
            label = gettext("Duplicate: %(entry)s") % title
            yield _button(self._url(entry, "duplicate"), gettext("Duplicate"), label)
        if is_editable:
            label = gettext("Move to trash: %(entry)s") % title
            yield _button(self._url(entry, "trash"), gettext("Move to trash"), label, "row-moves row-danger")

    def _actions_in_trash(self, entry: Entry) -> Iterator[str]:
        if may_restore(self.user, entry):
            label = gettext("Restore as a draft: %(entry)s") % {"entry": entry}
            yield _button(self._url(entry, "restore"), gettext("Restore as draft"), label, "row-moves")
        if may_delete(self.user, entry):
            label = gettext("Delete permanently: %(entry)s") % {"entry": entry}
            yield _link(self._url(entry, "delete"), gettext("Delete permanently…"), label, "row-danger")

    def _tags(self, post: Post) -> str:
        tags = post.sorted_tags
        if not tags:
            return ""
        links = [f'<a href="?tag={tag.pk}"><bdi>#{escape(str(tag))}</bdi></a>' for tag in tags[:_MAX_TAGS]]
        more = f"\n+{len(tags) - _MAX_TAGS}" if len(tags) > _MAX_TAGS else ""
        label = f'<span class="visually-hidden">{gettext("Tags:")}</span>'
        return f'<span class="entry-tags">{label}\n{"".join(links)}{more}\n</span>\n'

    def _url(self, entry: Entry, action: str) -> str:
        return f"{self.url}{entry.pk}/{action}/{self.query}"


def _link(url: str, text: str, label: str, css_class: str = "") -> str:
    """Return a link whose `label` names the entry, for screen readers."""
    attribute = f' class="{css_class}"' if css_class else ""
    return f'<a href="{escape(url)}" aria-label="{escape(label)}"{attribute}>{text}</a>\n'


def _button(url: str, text: str, label: str, css_class: str = "") -> str:
    """Return a button that submits the form of the list to `url`. Its `label` names the entry."""
    attributes = f'class="row-button {css_class}" formaction="{escape(url)}" aria-label="{escape(label)}"'
    return f'<button type="submit" {attributes}>{text}</button>\n'


def _notes(count: int) -> str:
    text = ngettext("%(count)s open note", "%(count)s open notes", count) % {"count": count}
    return f'<span class="entry-notes">{text}</span>\n'
