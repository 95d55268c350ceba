"""What the admin says after posts and pages were saved, published, unpublished, moved to the trash or restored."""

from collections.abc import Sequence
from typing import Any, Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from blog.models import Entry, EntryKind, Status

# For one entry that was saved.
_SAVED: Final[dict[str, dict[str, Any]]] = {
    EntryKind.POST: {
        "updated": _("Post updated."),
        Status.DRAFT: _("Draft saved."),
        Status.PENDING: _("Post submitted for review."),
        Status.PRIVATE: _("Post published privately."),
    },
    EntryKind.PAGE: {
        "updated": _("Page updated."),
        Status.DRAFT: _("Draft saved."),
        Status.PENDING: _("Page submitted for review."),
        Status.PRIVATE: _("Page published privately."),
    },
}
# For any number of entries.
_CHANGED: Final[dict[str, dict[str, Any]]] = {
    EntryKind.POST: {
        Status.PUBLISHED: ngettext_lazy("Post published.", "%d posts published."),
        "scheduled": ngettext_lazy("Post scheduled.", "%d posts scheduled."),
        "unpublished": ngettext_lazy("Post unpublished.", "%d posts unpublished."),
        Status.TRASH: ngettext_lazy("Post moved to the trash.", "%d posts moved to the trash."),
        "restored": ngettext_lazy("Post restored as a draft.", "%d posts restored as drafts."),
        "refused": ngettext_lazy(
            "One post was not changed: it is in the trash, or you don't have permission to change it.",
            "%d posts were not changed: they are in the trash, or you don't have permission to change them.",
        ),
    },
    EntryKind.PAGE: {
        Status.PUBLISHED: ngettext_lazy("Page published.", "%d pages published."),
        "scheduled": ngettext_lazy("Page scheduled.", "%d pages scheduled."),
        "unpublished": ngettext_lazy("Page unpublished.", "%d pages unpublished."),
        Status.TRASH: ngettext_lazy("Page moved to the trash.", "%d pages moved to the trash."),
        "restored": ngettext_lazy("Page restored as a draft.", "%d pages restored as drafts."),
        "refused": ngettext_lazy(
            "One page was not changed: it is in the trash, or you don't have permission to change it.",
            "%d pages were not changed: they are in the trash, or you don't have permission to change them.",
        ),
    },
}
_VIEW: Final[dict[str, Any]] = {EntryKind.POST: _("View post"), EntryKind.PAGE: _("View page")}
_PREVIEW: Final[dict[str, Any]] = {EntryKind.POST: _("Preview post"), EntryKind.PAGE: _("Preview page")}


def state_of(entry: Entry) -> str:
    """Return the entry's status, or `scheduled`."""
    return "scheduled" if entry.is_scheduled else entry.status


def saved_message(entry: Entry, previous_state: str | None = None) -> SafeString:
    """Return the message after `entry` was saved. `previous_state` is None for a new entry."""
    state = state_of(entry)
    result = "updated" if state == previous_state and state != Status.DRAFT else state
    return _with_link(_SAVED[entry.kind].get(result) or _CHANGED[entry.kind][result] % 1, entry)


def changed_message(result: str, entries: Sequence[Entry]) -> SafeString | str:
    """Return the message after an action on `entries`, of which there is at least one."""
    text = _CHANGED[entries[0].kind][result] % len(entries)
    return _with_link(text, entries[0]) if len(entries) == 1 else str(text)


def _with_link(text: Any, entry: Entry) -> SafeString:
    if entry.is_public:
        url, label = entry.get_absolute_url(), _VIEW[entry.kind]
    else:
        url, label = entry.get_preview_url(), _PREVIEW[entry.kind]
    return format_html('{} <a href="{}">{}</a>', text, url, label)
