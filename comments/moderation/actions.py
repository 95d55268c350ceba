"""The decisions as the admin offers them, and the messages about their results."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from comments.models import Comment, CommentStatus, Decision, Revision
from comments.moderation import decisions
from comments.moderation.decisions import DecisionResult, Seen
from core.dates import time_since
from core.text import parse_id

type Lazy = Any


@dataclass(frozen=True, slots=True)
class ModerationAction:
    """A decision with its labels on a button and in the list of bulk actions, and the messages about its result."""

    decide: Callable[[Iterable[Comment], User, Seen | None], DecisionResult]
    button: Lazy
    description: Lazy
    changed: Lazy
    unchanged: Lazy
    offered_for: tuple[CommentStatus, ...]


ACTIONS = {
    "approve": ModerationAction(
        decisions.approve,
        _("Approve"),
        _("Approve"),
        ngettext_lazy("%(n)d comment approved.", "%(n)d comments approved.", "n"),
        ngettext_lazy("%(n)d was already approved.", "%(n)d were already approved.", "n"),
        (CommentStatus.PENDING, CommentStatus.SPAM, CommentStatus.TRASH),
    ),
    "unapprove": ModerationAction(
        decisions.unapprove,
        _("Unapprove"),
        _("Unapprove"),
        ngettext_lazy("%(n)d comment moved back to pending.", "%(n)d comments moved back to pending.", "n"),
        ngettext_lazy("%(n)d was not approved.", "%(n)d were not approved.", "n"),
        (CommentStatus.APPROVED,),
    ),
    "spam": ModerationAction(
        decisions.mark_spam,
        _("Spam"),
        _("Mark as spam"),
        ngettext_lazy("%(n)d comment marked as spam.", "%(n)d comments marked as spam.", "n"),
        ngettext_lazy("%(n)d was already spam.", "%(n)d were already spam.", "n"),
        (CommentStatus.PENDING, CommentStatus.APPROVED),
    ),
    "trash": ModerationAction(
        decisions.trash,
        _("Trash"),
        _("Move to trash"),
        ngettext_lazy("%(n)d comment moved to the trash.", "%(n)d comments moved to the trash.", "n"),
        ngettext_lazy("%(n)d was already in the trash.", "%(n)d were already in the trash.", "n"),
        (CommentStatus.PENDING, CommentStatus.APPROVED, CommentStatus.SPAM),
    ),
    "restore": ModerationAction(
        decisions.restore,
        _("Restore"),
        _("Restore from spam or trash"),
        ngettext_lazy("%(n)d comment restored.", "%(n)d comments restored.", "n"),
        ngettext_lazy("%(n)d was not in spam or trash.", "%(n)d were not in spam or trash.", "n"),
        (CommentStatus.SPAM, CommentStatus.TRASH),
    ),
}

UNDO_MESSAGES = (
    ngettext_lazy("Undone for %(n)d comment.", "Undone for %(n)d comments.", "n"),
    ngettext_lazy(
        "%(n)d was left alone because someone has changed its status since.",
        "%(n)d were left alone because someone has changed their status since.",
        "n",
    ),
)


def read_seen(data: QueryDict) -> dict[int, str]:
    """Return what the moderator saw, from the `seen` fields of a form. Each contains one or more `ID:MARK`."""
    pairs = (pair.partition(":") for field in data.getlist("seen") for pair in field.split())
    return {pk: mark for text, _colon, mark in pairs if (pk := parse_id(text))}


def result_message(result: DecisionResult, changed: Lazy, unchanged: Lazy) -> str:
    """Return one or more sentences about a decision: how many comments it changed, and what others did first."""
    counts = ((changed, result.changed), (unchanged, result.unchanged))
    sentences = [message % {"n": count} for message, count in counts if count]
    if result.overtaken:
        sentences.append(gettext("Someone else changed this first, so nothing was overwritten."))
        sentences += dict.fromkeys(latest_changes(result.overtaken).values())
    return " ".join(sentences) or gettext("No comments were changed.")


_DECIDED: dict[str, Lazy] = {
    CommentStatus.APPROVED: _("%(who)s approved it %(time)s ago."),
    CommentStatus.PENDING: _("%(who)s moved it back to pending %(time)s ago."),
    CommentStatus.SPAM: _("%(who)s marked it as spam %(time)s ago."),
    CommentStatus.TRASH: _("%(who)s moved it to the trash %(time)s ago."),
}


def latest_changes(pks: Collection[int]) -> dict[int, str]:
    """Return what was last done to each of these comments: "Anna approved it 20 seconds ago." Two queries."""
    revisions = Revision.objects.filter(comment__in=pks).select_related("by").order_by("pk")
    decisions = Decision.objects.filter(comment__in=pks).select_related("moderator").order_by("pk")
    revised = gettext("%(who)s changed the text %(time)s ago.")
    author, someone = gettext("Its author"), gettext("Someone")
    changes = [(each.replaced_at, each.comment_id, revised, each.by or author) for each in revisions]
    changes += [(each.made_at, each.comment_id, _DECIDED[each.became], each.moderator or someone) for each in decisions]
    changes.sort(key=itemgetter(0))
    latest = {pk: message % {"who": who, "time": time_since(time, depth=1)} for time, pk, message, who in changes}
    return {pk: latest.get(pk, gettext("Someone has changed it.")) for pk in pks}
