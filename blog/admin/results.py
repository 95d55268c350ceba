"""What the admin says after posts and pages were saved, published, unpublished, moved to the trash or restored."""

from collections.abc import Sequence
from typing import Any, Final

from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from blog.models import Entry, Status

# `name` is “post” or “page”, in the plural if there are several. Only single entries are saved.
_MESSAGES: Final[dict[str, Any]] = {
    "updated": _("%(name)s updated."),
    Status.DRAFT: _("Draft saved."),
    Status.PENDING: _("%(name)s submitted for review."),
    Status.PRIVATE: _("%(name)s published privately."),
    Status.PUBLISHED: ngettext_lazy("%(name)s published.", "%(count)d %(name)s published.", "count"),
    "scheduled": ngettext_lazy("%(name)s scheduled.", "%(count)d %(name)s scheduled.", "count"),
    "unpublished": ngettext_lazy("%(name)s unpublished.", "%(count)d %(name)s unpublished.", "count"),
    Status.TRASH: ngettext_lazy("%(name)s moved to the trash.", "%(count)d %(name)s moved to the trash.", "count"),
    "restored": ngettext_lazy("%(name)s restored as a draft.", "%(count)d %(name)s restored as drafts.", "count"),
    "refused": ngettext_lazy(
        "One %(name)s was not changed: it is in the trash, or you don't have permission to change it.",
        "%(count)d %(name)s were not changed: they are in the trash, or you don't have permission to change them.",
        "count",
    ),
}


def state_of(entry: Entry) -> str:
    """Return the entry's status, or `scheduled`."""
    return "scheduled" if entry.is_scheduled else entry.status


def saved_message(entry: Entry, previous_state: str | None = None) -> str:
    """Return the message after `entry` was saved. `previous_state` is None for a new entry."""
    state = state_of(entry)
    return result_message("updated" if state == previous_state and state != Status.DRAFT else state, [entry])


def result_message(result: str, entries: Sequence[Entry]) -> str:
    """Return the message about at least one entry, with a link if there is only one."""
    entry, meta, count = entries[0], entries[0]._meta, len(entries)
    name = meta.verbose_name if count == 1 else meta.verbose_name_plural
    text = capfirst(_MESSAGES[result] % {"count": count, "name": name})
    if count > 1:
        return text
    label = gettext("View %(name)s") if entry.is_public else gettext("Preview %(name)s")
    url = entry.get_absolute_url() if entry.is_public else entry.get_preview_url()
    return format_html('{} <a href="{}">{}</a>', text, url, label % {"name": name})
