"""What is said about entries after something was done with them."""

from collections.abc import Sequence
from typing import Any, Final

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from blog.models import Entry, Status

# By their new state, or by what was done. `name` is “post” or “page”, or their plural.
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
    "edited": ngettext_lazy("%(name)s changed.", "%(count)d %(name)s changed.", "count"),
    "untrashed": ngettext_lazy(
        "%(name)s taken back out of the trash.", "%(count)d %(name)s taken back out of the trash.", "count"
    ),
    "language": ngettext_lazy(
        "The language of one %(name)s was set.", "The language of %(count)d %(name)s was set.", "count"
    ),
    "refused": ngettext_lazy(
        "One %(name)s was not changed: it is in the trash, or you don't have permission to change it.",
        "%(count)d %(name)s were not changed: they are in the trash, or you don't have permission to change them.",
        "count",
    ),
}


def _some_titles(entries: Sequence[Entry]) -> str:
    """Return the titles of the entries in quotation marks, or of the first five."""
    named = ", ".join(gettext("“%(title)s”") % {"title": entry} for entry in entries[:5])
    return f"{named} …" if len(entries) > 5 else f"{named}."


def state_of(entry: Entry) -> str:
    """Return its status, or `scheduled`."""
    return "scheduled" if entry.is_scheduled else entry.status


def state_label(entry: Entry) -> str:
    """Return its status in words, with the time if it is scheduled."""
    if entry.published_at and entry.is_scheduled:
        time = date_format(localtime(entry.published_at), "DATETIME_FORMAT")
        return gettext("Scheduled for %(time)s") % {"time": time}
    return entry.get_status_display()


def edit_url(entry: Entry) -> str:
    """Return the URL of its form in the admin."""
    return reverse(f"admin:blog_{entry.kind}_change", args=[entry.pk])


def result_message(result: str, entries: Sequence[Entry]) -> str:
    """Return the message about at least one entry, with a link if there is only one."""
    entry, meta, count = entries[0], entries[0]._meta, len(entries)
    name = meta.verbose_name if count == 1 else meta.verbose_name_plural
    text: str = capfirst(_MESSAGES[result] % {"count": count, "name": name})
    if count > 1:
        return f"{text} {_some_titles(entries)}" if result == "refused" else text
    label = gettext("View %(name)s") if entry.is_public else gettext("Preview %(name)s")
    url = entry.get_absolute_url() if entry.is_public else entry.get_preview_url()
    return format_html('{} <a href="{}">{}</a>', text, url, label % {"name": name})
