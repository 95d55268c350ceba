"""The moderation queue: a page of comments at a time, and what is known about each."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.utils.translation import gettext

from comments import normalisation
from comments.models import Block, Comment, CommentQuerySet, CommentStatus
from comments.moderation.actions import latest_changes
from comments.rules.blocklist import Traces

PER_PAGE = 25
# How many characters of a text are shown at first. A text that is only a little longer is shown in full.
EXCERPT_LENGTH, MAX_FULL_LENGTH = 600, 800
# How many hosts of one comment there are links for, to find similar comments.
MAX_HOSTS = 3
# How many pending comments are searched for similar ones.
MAX_SEARCHED = 1_000


@dataclass(slots=True)
class Row:
    """A comment as moderators see it.

    `author_counts` counts the other comments of its author by status. `note` says what someone has just done to it.
    `draft` is what a moderator wrote that could not be saved, `draft_kind` whether it was a `reply` or an `edit`, and
    `error` why it could not be saved.
    """

    comment: Comment
    author_counts: Counter[str] = field(default_factory=Counter)
    note: str = ""
    draft_kind: str = ""
    draft: str = ""
    error: str = ""

    @property
    def text(self) -> tuple[str, str]:
        """What is shown at first, and the rest."""
        text = self.comment.text
        if len(text) <= MAX_FULL_LENGTH:
            return text, ""
        cut = max(text.rfind(" ", 0, EXCERPT_LENGTH), text.rfind("\n", 0, EXCERPT_LENGTH))
        cut = cut if cut > EXCERPT_LENGTH // 2 else EXCERPT_LENGTH
        return text[:cut], text[cut:]

    @property
    def is_first(self) -> bool:
        """Whether its author has no other comments here."""
        return not self.author_counts.total()

    @property
    def similar_links(self) -> list[tuple[str, str]]:
        """The label and query string of each link to similar comments."""
        comment = self.comment
        hosts = normalisation.linked_hosts(f"{comment.website} {comment.text}")[:MAX_HOSTS]
        found = [(Block.Kind.NAME, comment.name), *((Block.Kind.HOST, host) for host in hosts)]
        links = [
            # The ID stands for the e-mail address, because URLs end up in logs and in the browser's history.
            (comment.email, urlencode({"kind": Block.Kind.EMAIL, "comment": comment.pk})),
            *((text, urlencode({"kind": kind, "text": text})) for kind, text in found),
        ]
        return [*(link for link in links if link[0]), (gettext("a word…"), urlencode({"kind": Block.Kind.WORD}))]


@dataclass(slots=True)
class QueuePage:
    """Some rows of a queue. `after` is the cursor of the next page; empty on the last one."""

    rows: list[Row]
    after: str = ""


def queue_page(status: CommentStatus, after: str = "") -> QueuePage:
    """Return the page of comments with this status after the cursor `after`. Three queries.

    Pending comments are sorted oldest first, all others newest first. Raises ValueError if the cursor is invalid.
    """
    comments = _for_moderators().filter(status=status)
    oldest_first = status == CommentStatus.PENDING
    if after:
        timestamp, _sep, last_pk = after.rpartition("_")
        created_at, pk = dt.datetime.fromisoformat(timestamp), int(last_pk)
        if created_at.tzinfo is None or not 0 <= pk < 2**63:
            raise ValueError(after)
        lookup = "gt" if oldest_first else "lt"
        comments = comments.filter(
            Q(**{f"created_at__{lookup}": created_at}) | Q(created_at=created_at, **{f"pk__{lookup}": pk})
        )
    order = ("created_at", "pk") if oldest_first else ("-created_at", "-pk")
    found = list(comments.order_by(*order)[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    last = shown[-1] if len(found) > PER_PAGE else None
    return QueuePage(_rows(shown), f"{last.created_at.isoformat()}_{last.pk}" if last else "")


def rows_of(pks: Iterable[int], *, with_notes: bool = False) -> list[Row]:
    """Return the rows of these comments as they are now, in this order, without those that were deleted."""
    wanted = list(pks)
    found = _for_moderators().in_bulk(wanted)
    rows = _rows([found[pk] for pk in wanted if pk in found])
    notes = latest_changes(found) if with_notes else {}
    for row in rows:
        row.note = notes.get(row.comment.pk, "")
    return rows


def _for_moderators() -> CommentQuerySet:
    return Comment.objects.with_entries().select_related("user", "parent__user")


def _rows(comments: list[Comment]) -> list[Row]:
    """Count the comments of each author by status, in one query.

    Comments have the same author if they have the same e-mail address or, without one, the same name.
    """
    emails = {comment.email for comment in comments if comment.email}
    names = {comment.name for comment in comments if not comment.email and comment.name}
    same = Comment.objects.filter(Q(email__in=emails) | Q(email="", name__in=names)).order_by()
    counts: dict[str, Counter[str]] = {}
    for email, name, status, count in same.values_list("email", "name", "status").annotate(Count("pk")):
        counts.setdefault(email or name, Counter())[status] += count
    return [Row(comment, _without_itself(comment, counts)) for comment in comments]


def _without_itself(comment: Comment, counts: dict[str, Counter[str]]) -> Counter[str]:
    others = Counter(counts.get(comment.email or comment.name, {}))
    others.subtract([comment.status])
    return +others


def counts() -> dict[str, int]:
    """Count the comments that are pending, spam or in the trash; one query. There may be a million approved ones."""
    hidden = Comment.objects.filter(status__in=[CommentStatus.PENDING, CommentStatus.SPAM, CommentStatus.TRASH])
    return dict(hidden.order_by().values_list("status").annotate(Count("pk")))


@dataclass(frozen=True, slots=True)
class SimilarComments:
    """The pending comments that a block of some kind and text would match."""

    block: Block
    comments: list[Comment]

    @property
    def seen(self) -> str:
        """The marks of the comments (comments.moderation.actions.read_seen)."""
        return " ".join(f"{comment.pk}:{comment.mark}" for comment in self.comments)

    @property
    def pks(self) -> str:
        return " ".join(str(comment.pk) for comment in self.comments)


def find_similar(kind: str, text: str) -> SimilarComments:
    """Find all pending comments from this author or host, or with this word; one query.

    Searches the oldest MAX_SEARCHED. Raises ValidationError if `text` contains nothing to search for.
    """
    block = Block(kind=kind, text=text)
    block.clean_fields(exclude=["key", "start", "verdict", "added_by"])
    block.clean()
    pending = Comment.objects.filter(status=CommentStatus.PENDING).select_related("user").order_by("created_at", "pk")
    return SimilarComments(block, [one for one in pending[:MAX_SEARCHED] if Traces.of(one).match(block)])
