"""The decisions as the admin offers them, and the words for what came of one."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from comments import moderation
from comments.models import Comment, Decision, Revision, Status
from comments.moderation import Outcome, Seen

type Lazy = Any


@dataclass(frozen=True, slots=True)
class Move:
    """A decision as the admin offers it: its words on a button, in the list of actions and after it is done."""

    decide: Callable[[Iterable[Comment], User, Seen | None], Outcome]
    button: Lazy
    action: Lazy
    changed: Lazy
    unchanged: Lazy
    offered_for: tuple[Status, ...]


MOVES = {
    "approve": Move(
        moderation.approve,
        _("Approve"),
        _("Approve"),
        ngettext_lazy("%(n)d comment approved.", "%(n)d comments approved.", "n"),
        ngettext_lazy("%(n)d was approved already.", "%(n)d were approved already.", "n"),
        (Status.PENDING, Status.SPAM, Status.TRASH),
    ),
    "spam": Move(
        moderation.mark_spam,
        _("Spam"),
        _("Mark as spam"),
        ngettext_lazy("%(n)d comment marked as spam.", "%(n)d comments marked as spam.", "n"),
        ngettext_lazy("%(n)d was spam already.", "%(n)d were spam already.", "n"),
        (Status.PENDING, Status.APPROVED),
    ),
    "trash": Move(
        moderation.trash,
        _("Trash"),
        _("Move to trash"),
        ngettext_lazy("%(n)d comment moved to the trash.", "%(n)d comments moved to the trash.", "n"),
        ngettext_lazy("%(n)d was in the trash already.", "%(n)d were in the trash already.", "n"),
        (Status.PENDING, Status.APPROVED, Status.SPAM),
    ),
    "restore": Move(
        moderation.restore,
        _("Restore"),
        _("Restore from spam and trash"),
        ngettext_lazy("%(n)d comment put back to where it was.", "%(n)d comments put back to where they were.", "n"),
        ngettext_lazy("%(n)d was not in spam or trash.", "%(n)d were not in spam or trash.", "n"),
        (Status.SPAM, Status.TRASH),
    ),
}

UNDONE = (
    ngettext_lazy("%(n)d comment is back where it was.", "%(n)d comments are back where they were.", "n"),
    ngettext_lazy(
        "%(n)d was left as it is: somebody has decided about it since.",
        "%(n)d were left as they are: somebody has decided about them since.",
        "n",
    ),
)


def seen_in(data: QueryDict) -> dict[int, str]:
    """What the moderator saw who sent this form: fields `seen` with `KEY:MARK` of one comment, or of several."""
    pairs = (pair.partition(":") for field in data.getlist("seen") for pair in field.split())
    return {int(pk): mark for pk, _colon, mark in pairs if pk.isascii() and pk.isdigit() and len(pk) < 19}


def told(outcome: Outcome, changed: Lazy, unchanged: Lazy) -> str:
    """What came of a decision in one or more sentences: of how many comments, and what others did meanwhile."""
    numbers = ((changed, outcome.changed), (unchanged, outcome.unchanged))
    sentences = [words % {"n": number} for words, number in numbers if number]
    if outcome.overtaken:
        quicker = " ".join(dict.fromkeys(meanwhile(outcome.overtaken).values()))
        sentences.append(gettext("Somebody was quicker, so nothing was overwritten: %(what)s") % {"what": quicker})
    return " ".join(sentences) or gettext("There was nothing to decide.")


def meanwhile(pks: Iterable[int]) -> dict[int, str]:
    """What somebody did last to each of these comments: "Anna approved it 20 seconds ago." Two queries."""
    wanted = list(pks)
    if not wanted:
        return {}
    words: dict[int, str] = {}
    latest: dict[int, Decision | Revision] = {}
    for decision in Decision.objects.filter(comment__in=wanted).select_related("moderator").order_by("made_at", "pk"):
        latest[decision.comment_id] = decision
    for revision in Revision.objects.filter(comment__in=wanted).select_related("by").order_by("replaced_at", "pk"):
        before = latest.get(revision.comment_id)
        if not isinstance(before, Decision) or before.made_at < revision.replaced_at:
            latest[revision.comment_id] = revision
    for pk in wanted:
        words[pk] = _said(latest.get(pk))
    return words


def _said(last: Decision | Revision | None) -> str:
    if isinstance(last, Decision):
        somebody = last.moderator or gettext("Somebody")
        words = _DECIDED[Status(last.became)]
        return words % {"who": somebody, "time": since(last.made_at)}
    if last is not None:
        somebody = last.by or gettext("Its sender")
        return gettext("%(who)s changed the text %(time)s ago.") % {"who": somebody, "time": since(last.replaced_at)}
    return gettext("Somebody has changed it.")


_DECIDED = {
    Status.APPROVED: _("%(who)s approved it %(time)s ago."),
    Status.PENDING: _("%(who)s put it back into the queue %(time)s ago."),
    Status.SPAM: _("%(who)s marked it as spam %(time)s ago."),
    Status.TRASH: _("%(who)s moved it to the trash %(time)s ago."),
}


def since(moment: dt.datetime) -> str:
    """How long ago it was, in the largest unit: "20 seconds", "3 hours"."""
    seconds = max(1, int((timezone.now() - moment).total_seconds()))
    if seconds < 60:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    return timesince(moment, depth=1)
