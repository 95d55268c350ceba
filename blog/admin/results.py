"""The admin's labels for the states of posts and pages and the steps between them, and its messages after a step."""

from collections.abc import Sequence
from typing import Any, Final

from django.utils.html import format_html
from django.utils.translation import gettext, ngettext_lazy, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from blog.editing.workflow import Step, state_of
from blog.models import Entry, Status
from blog.models.entry_query import EntryKind
from core.dates import format_datetime
from core.languages import in_quotes

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
# In some states, the button for a step has a different label.
_LABELS_IN_STATE: Final[dict[tuple[str, Step], Any]] = {
    (Status.DRAFT, Step.SAVE): _("Save draft"),
    (Status.PENDING, Step.UNPUBLISH): _("Move back to drafts"),
    ("scheduled", Step.PUBLISH): _("Publish now"),
}
# Messages about one entry after an action, for each kind of entry: in many languages, the sentence depends on the noun.
_AFTER_ACTION: Final[dict[str, dict[str, Any]]] = {
    Status.PUBLISHED: {EntryKind.POST: _("Post published."), EntryKind.PAGE: _("Page published.")},
    "scheduled": {EntryKind.POST: _("Post scheduled."), EntryKind.PAGE: _("Page scheduled.")},
    "unpublished": {EntryKind.POST: _("Post unpublished."), EntryKind.PAGE: _("Page unpublished.")},
    Status.TRASH: {EntryKind.POST: _("Post moved to the trash."), EntryKind.PAGE: _("Page moved to the trash.")},
    "restored": {EntryKind.POST: _("Post restored as a draft."), EntryKind.PAGE: _("Page restored as a draft.")},
    "edited": {EntryKind.POST: _("Post changed."), EntryKind.PAGE: _("Page changed.")},
    "language": {
        EntryKind.POST: _("The language of one post was set."),
        EntryKind.PAGE: _("The language of one page was set."),
    },
    "refused": {
        EntryKind.POST: _("One post was not changed: it is in the trash, or you don't have permission to change it."),
        EntryKind.PAGE: _("One page was not changed: it is in the trash, or you don't have permission to change it."),
    },
}
# Messages about one entry after a step.
_AFTER_STEP: Final[dict[Step, dict[str, Any]]] = {
    Step.SAVE: {EntryKind.POST: _("Post updated."), EntryKind.PAGE: _("Page updated.")},
    Step.SUBMIT: dict.fromkeys(EntryKind.values, _("Submitted for review.")),
    Step.RETURN: dict.fromkeys(EntryKind.values, _("Returned to the author.")),
    Step.PUBLISH_PRIVATELY: {
        EntryKind.POST: _("Post published privately. Only you and the editors see it."),
        EntryKind.PAGE: _("Page published privately. Only you and the editors see it."),
    },
    Step.UNPUBLISH: dict.fromkeys(EntryKind.values, _("Moved back to drafts.")),
    Step.PUBLISH: _AFTER_ACTION[Status.PUBLISHED],
    # The time may have come while the entry was being saved.
    Step.SCHEDULE: _AFTER_ACTION[Status.PUBLISHED],
    Step.TRASH: _AFTER_ACTION[Status.TRASH],
    Step.RESTORE: _AFTER_ACTION["restored"],
}
# Messages about several entries after an action.
_AFTER_ACTION_ON_SEVERAL: Final[dict[str, dict[str, Any]]] = {
    Status.PUBLISHED: {
        EntryKind.POST: ngettext_lazy("%(count)d post published.", "%(count)d posts published.", "count"),
        EntryKind.PAGE: ngettext_lazy("%(count)d page published.", "%(count)d pages published.", "count"),
    },
    "scheduled": {
        EntryKind.POST: ngettext_lazy("%(count)d post scheduled.", "%(count)d posts scheduled.", "count"),
        EntryKind.PAGE: ngettext_lazy("%(count)d page scheduled.", "%(count)d pages scheduled.", "count"),
    },
    "unpublished": {
        EntryKind.POST: ngettext_lazy("%(count)d post unpublished.", "%(count)d posts unpublished.", "count"),
        EntryKind.PAGE: ngettext_lazy("%(count)d page unpublished.", "%(count)d pages unpublished.", "count"),
    },
    Status.TRASH: {
        EntryKind.POST: ngettext_lazy(
            "%(count)d post moved to the trash.", "%(count)d posts moved to the trash.", "count"
        ),
        EntryKind.PAGE: ngettext_lazy(
            "%(count)d page moved to the trash.", "%(count)d pages moved to the trash.", "count"
        ),
    },
    "restored": {
        EntryKind.POST: ngettext_lazy(
            "%(count)d post restored as a draft.", "%(count)d posts restored as drafts.", "count"
        ),
        EntryKind.PAGE: ngettext_lazy(
            "%(count)d page restored as a draft.", "%(count)d pages restored as drafts.", "count"
        ),
    },
    "edited": {
        EntryKind.POST: ngettext_lazy("%(count)d post changed.", "%(count)d posts changed.", "count"),
        EntryKind.PAGE: ngettext_lazy("%(count)d page changed.", "%(count)d pages changed.", "count"),
    },
    "undone": {
        EntryKind.POST: ngettext_lazy("Undone for %(count)d post.", "Undone for %(count)d posts.", "count"),
        EntryKind.PAGE: ngettext_lazy("Undone for %(count)d page.", "Undone for %(count)d pages.", "count"),
    },
    "language": {
        EntryKind.POST: ngettext_lazy(
            "The language of %(count)d post was set.", "The language of %(count)d posts was set.", "count"
        ),
        EntryKind.PAGE: ngettext_lazy(
            "The language of %(count)d page was set.", "The language of %(count)d pages was set.", "count"
        ),
    },
    "refused": {
        EntryKind.POST: ngettext_lazy(
            "%(count)d post was not changed: it is in the trash, or you don't have permission to change it.",
            "%(count)d posts were not changed: they are in the trash, or you don't have permission to change them.",
            "count",
        ),
        EntryKind.PAGE: ngettext_lazy(
            "%(count)d page was not changed: it is in the trash, or you don't have permission to change it.",
            "%(count)d pages were not changed: they are in the trash, or you don't have permission to change them.",
            "count",
        ),
    },
}


def step_label(step: Step, state: str) -> Any:
    """Return the label of `step` for an entry in this state (blog.editing.workflow.state_of)."""
    return _LABELS_IN_STATE.get((state, step), _LABELS[step])


def state_label(entry: Entry) -> str:
    """Return the entry's status for display, with the time if it is scheduled."""
    if entry.published_at and entry.is_scheduled:
        return gettext("Scheduled for %(time)s") % {"time": format_datetime(entry.published_at)}
    return str(Status(entry.status).label)


def state_sentence(entry: Entry | None) -> str:
    """Return a sentence about the status of a stored entry; None is one that was never saved."""
    if entry is None:
        return gettext("Not saved yet")
    time = format_datetime(entry.published_at) if entry.published_at else ""
    match state_of(entry):
        case "scheduled":
            return gettext("Scheduled for %(time)s") % {"time": time}
        case Status.PUBLISHED:
            return gettext("Published %(time)s") % {"time": time}
        case Status.PRIVATE:
            return gettext("Published privately")
        case Status.TRASH:
            return gettext("In the trash")
        case state:
            return str(Status(state).label)


def step_message(step: Step, entry: Entry, *, is_hidden: bool = False) -> str:
    """Return a message about what happened to the stored `entry`, with a link to it.

    `is_hidden` says that readers saw it before, and no longer do.
    """
    state = state_of(entry)
    if state == "scheduled" and entry.published_at:
        text = gettext("Scheduled for %(time)s.") % {"time": format_datetime(entry.published_at)}
        if is_hidden:
            text = f"{text} {gettext('Until then, readers no longer see it.')}"
    elif step == Step.SAVE and state == Status.DRAFT:
        text = gettext("Draft saved.")
    else:
        text = str(_AFTER_STEP[step][entry.kind])
    return _with_link(text, entry)


def action_message(action: str, entries: Sequence[Entry]) -> str:
    """Return the message about at least one entry, with a link if there is only one."""
    entry, count = entries[0], len(entries)
    if count == 1:
        is_undone = action == "undone"
        done = gettext("Undone: %s.") % in_quotes(entry) if is_undone else str(_AFTER_ACTION[action][entry.kind])
        return _with_link(done, entry)
    text: str = _AFTER_ACTION_ON_SEVERAL[action][entry.kind] % {"count": count}
    return f"{text} {_some_titles(entries)}" if action == "refused" else text


def overtaken_message(entries: Sequence[Entry]) -> str:
    """Return the message about entries that undo has left alone, because someone has changed them since."""
    return gettext("Not undone, because of later changes: %(titles)s") % {"titles": _some_titles(entries)}


def _with_link(text: str, entry: Entry) -> str:
    """Return `text` with a link to the entry's public page, or else to its preview."""
    if entry.kind == EntryKind.POST:
        label = gettext("View post") if entry.is_public else gettext("Preview post")
    else:
        label = gettext("View page") if entry.is_public else gettext("Preview page")
    return format_html('{} <a href="{}">{}</a>', text, entry.site_url, label)


def _some_titles(entries: Sequence[Entry]) -> str:
    """Return the titles of the entries in quotation marks, or of the first five."""
    named = ", ".join(in_quotes(entry) for entry in entries[:5])
    return f"{named} …" if len(entries) > 5 else f"{named}."
