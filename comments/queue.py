"""What moderators see of the comments they decide about: the queue, some at a time, and what is known of each."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.utils.translation import gettext

from comments import folding
from comments.blocks import Traces
from comments.models import Block, Comment, CommentQuerySet, Status
from comments.moves import meanwhile

PER_PAGE = 25
# What is shown of a text at first, in signs; a little more is shown whole.
SHOWN_FIRST, SHOWN_WHOLE = 600, 800
# How many hosts of one comment are offered to look for.
MAX_HOSTS = 3
# How many waiting comments are looked through for those that are alike.
MAX_ALIKE = 1_000


@dataclass(slots=True)
class Row:
    """A comment as moderators see it.

    `before`: how many others of its author have which status. `note`: what somebody did to it a moment ago.
    `typed` is what a moderator wrote that could not be stored, `writing` says whether it is a `reply` to the comment
    or its text (`edit`), and `fault` why.
    """

    comment: Comment
    before: Counter[str] = field(default_factory=Counter)
    note: str = ""
    writing: str = ""
    typed: str = ""
    fault: str = ""

    @property
    def text(self) -> tuple[str, str]:
        """What is shown at first, and the rest."""
        whole = self.comment.text
        if len(whole) <= SHOWN_WHOLE:
            return whole, ""
        cut = max(whole.rfind(" ", 0, SHOWN_FIRST), whole.rfind("\n", 0, SHOWN_FIRST))
        cut = cut if cut > SHOWN_FIRST // 2 else SHOWN_FIRST
        return whole[:cut], whole[cut:]

    @property
    def is_first(self) -> bool:
        """Whether nothing else of its author is here."""
        return not self.before.total()

    @property
    def likenesses(self) -> list[tuple[str, str]]:
        """By what to look for comments like this one: words for a link, and its query string."""
        comment = self.comment
        written = folding.linked_hosts(f"{comment.website} {comment.text}")[:MAX_HOSTS]
        # The e-mail address is named by its comment: a query stands in logs and in the browser's history.
        by_email = [(comment.email, urlencode({"kind": Block.Kind.EMAIL, "comment": comment.pk}))]
        found = [(Block.Kind.NAME, comment.name), *((Block.Kind.HOST, host) for host in written)]
        links = [*by_email, *((text, urlencode({"kind": kind, "text": text})) for kind, text in found)]
        return [*(link for link in links if link[0]), (gettext("a word …"), urlencode({"kind": Block.Kind.WORD}))]


@dataclass(slots=True)
class Screen:
    """Some rows of a queue. `after` leads to those that follow; it is empty if these are the last."""

    rows: list[Row]
    after: str = ""


def screen(status: Status, after: str = "") -> Screen:
    """The comments of this status that follow `after`: who waits longest comes first, otherwise the newest.

    Three queries. Raises ValueError if `after` is not of this function's making.
    """
    comments = _for_moderators().filter(status=status)
    oldest_first = status == Status.PENDING
    if after:
        moment, _sep, pk = after.rpartition("_")
        written, number = dt.datetime.fromisoformat(moment), int(pk)
        if written.tzinfo is None or not 0 <= number < 2**63:
            raise ValueError(after)
        way = "gt" if oldest_first else "lt"
        further = {f"created_at__{way}": written}
        comments = comments.filter(Q(**further) | Q(created_at=written, **{f"pk__{way}": number}))
    order = ("created_at", "pk") if oldest_first else ("-created_at", "-pk")
    found = list(comments.order_by(*order)[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    last = shown[-1] if len(found) > PER_PAGE else None
    return Screen(_rows(shown), f"{last.created_at.isoformat()}_{last.pk}" if last else "")


def rows_of(pks: Iterable[int], *, with_notes: bool = False) -> list[Row]:
    """The rows of these comments, in this order, as they are now; those deleted meanwhile are left out."""
    wanted = list(pks)
    found = _for_moderators().in_bulk(wanted)
    rows = _rows([found[pk] for pk in wanted if pk in found])
    notes = meanwhile(found) if with_notes else {}
    for row in rows:
        row.note = notes.get(row.comment.pk, "")
    return rows


def _for_moderators() -> CommentQuerySet:
    return Comment.objects.with_entries().select_related("user", "parent__user")


def _rows(comments: list[Comment]) -> list[Row]:
    """With how many comments of the same author were approved, and were spam; one query.

    The author is who has the same e-mail address, and without one the same name.
    """
    emails = {comment.email for comment in comments if comment.email}
    names = {comment.name for comment in comments if not comment.email and comment.name}
    same = Comment.objects.filter(Q(email__in=emails) | Q(email="", name__in=names)).order_by()
    before: dict[str, Counter[str]] = {}
    for email, name, status, number in same.values_list("email", "name", "status").annotate(Count("pk")):
        before.setdefault(email or name, Counter())[status] += number
    return [Row(comment, _without_itself(comment, before)) for comment in comments]


def _without_itself(comment: Comment, before: dict[str, Counter[str]]) -> Counter[str]:
    counted = Counter(before.get(comment.email or comment.name, {}))
    counted.subtract([comment.status])
    return +counted


def counts() -> dict[str, int]:
    """How many comments wait, are spam and in the trash; one query. The approved may be a million."""
    hidden = Comment.objects.filter(status__in=[Status.PENDING, Status.SPAM, Status.TRASH]).order_by()
    return dict(hidden.values_list("status").annotate(Count("pk")))


@dataclass(frozen=True, slots=True)
class Likeness:
    """What some comments have in common: what a block of this kind and text would find in them."""

    block: Block
    waiting: list[Comment]

    @property
    def seen(self) -> str:
        """The marks of those that wait (comments.moves.seen_in)."""
        return " ".join(f"{comment.pk}:{comment.mark}" for comment in self.waiting)

    @property
    def pks(self) -> str:
        return " ".join(str(comment.pk) for comment in self.waiting)


def alike(kind: str, text: str) -> Likeness:
    """Everything that waits from this author or host, or with this word; one query.

    Looks through the MAX_ALIKE that wait longest. Raises ValidationError if there is nothing to look for.
    """
    block = Block(kind=kind, text=text)
    block.clean_fields(exclude=["key", "start", "verdict", "added_by"])
    block.clean()
    waiting = Comment.objects.filter(status=Status.PENDING).select_related("user").order_by("created_at", "pk")
    return Likeness(block, [comment for comment in waiting[:MAX_ALIKE] if Traces.of(comment).show(block)])
