"""What the admin calls the states of posts and pages and the steps between them, and what it says after a step."""

from collections.abc import Sequence
from typing import Any, Final

from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext_lazy, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from blog.models import Entry, Status
from blog.workflow import Step, state_of
from core.dates import format_datetime

_LABELS: Final[dict[Step, Any]] = {
    Step.SAVE: _("Update"),
    Step.SUBMIT: _("Submit for review"),
    Step.RETURN: _("Return to author"),
    Step.PUBLISH: pgettext_lazy("button", "Publish"),
    Step.SCHEDULE: pgettext_lazy("button", "Schedule"),
    Step.PUBLISH_PRIVATELY: _("Publish privately"),
    Step.UNPUBLISH: _("Unpublish"),
    Step.TRASH: _("Move to trash"),
    Step.RESTORE: _("Restore as draft"),
}
# In some states a button does the same under another name.
_LABELS_IN_STATE: Final[dict[tuple[str, Step], Any]] = {
    (Status.DRAFT, Step.SAVE): _("Save draft"),
    (Status.PENDING, Step.UNPUBLISH): _("Move back to drafts"),
    ("scheduled", Step.PUBLISH): _("Publish now"),
}
# What is said about one entry after a step. `name` is “post” or “page”.
_AFTER_STEP: Final[dict[Step, Any]] = {
    Step.SAVE: _("%(name)s updated."),
    Step.SUBMIT: _("Submitted for review."),
    Step.RETURN: _("Returned to the author."),
    Step.PUBLISH: _("%(name)s published."),
    Step.PUBLISH_PRIVATELY: _("%(name)s published privately. Only you and the editors see it."),
    Step.UNPUBLISH: _("Moved back to drafts."),
    Step.TRASH: _("%(name)s moved to the trash."),
    Step.RESTORE: _("%(name)s restored as a draft."),
}
# What is said about any number, by what was done. `name` is “post” or “page”, or their plural.
_AFTER_ACTION: Final[dict[str, Any]] = {
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


def step_label(step: Step, state: str) -> Any:
    """Return what is done with an entry in this state (blog.workflow.state_of) by taking `step`."""
    return _LABELS_IN_STATE.get((state, step), _LABELS[step])


def state_label(entry: Entry) -> str:
    """Return its status in words, with the time if it is scheduled."""
    if entry.published_at and entry.is_scheduled:
        return gettext("Scheduled for %(time)s") % {"time": format_datetime(entry.published_at)}
    return entry.get_status_display()


def step_message(step: Step, entry: Entry) -> str:
    """Return what happened to `entry`, which is stored, with a link to it."""
    state = state_of(entry)
    if state == "scheduled" and entry.published_at:
        text = gettext("Scheduled for %(time)s.") % {"time": format_datetime(entry.published_at)}
    elif step == Step.SAVE and state == Status.DRAFT:
        text = gettext("Draft saved.")
    else:
        text = capfirst(_AFTER_STEP[step] % {"name": entry._meta.verbose_name})
    return _with_link(text, entry)


def action_message(action: str, entries: Sequence[Entry]) -> str:
    """Return the message about at least one entry, with a link if there is only one."""
    entry, meta, count = entries[0], entries[0]._meta, len(entries)
    name = meta.verbose_name if count == 1 else meta.verbose_name_plural
    text: str = capfirst(_AFTER_ACTION[action] % {"count": count, "name": name})
    if count > 1:
        return f"{text} {_some_titles(entries)}" if action == "refused" else text
    return _with_link(text, entry)


def _with_link(text: str, entry: Entry) -> str:
    """Return `text` with a link to the page that readers see, or to its preview."""
    label = gettext("View %(name)s") if entry.is_public else gettext("Preview %(name)s")
    url = entry.get_absolute_url() if entry.is_public else entry.get_preview_url()
    return format_html('{} <a href="{}">{}</a>', text, url, label % {"name": entry._meta.verbose_name})


def _some_titles(entries: Sequence[Entry]) -> str:
    """Return the titles of the entries in quotation marks, or of the first five."""
    named = ", ".join(gettext("“%(title)s”") % {"title": entry} for entry in entries[:5])
    return f"{named} …" if len(entries) > 5 else f"{named}."
