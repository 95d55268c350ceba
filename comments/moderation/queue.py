"""The moderation queue: a page of comments at a time, each with what moderators need to decide."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.utils.translation import gettext

from comments import normalisation
from comments.models import Block, Comment, CommentQuerySet, CommentStatus
from comments.moderation.actions import latest_changes
from comments.rules.blocklist import matches

PER_PAGE = 25
# How many characters of a text are shown at first. A text that is only a little longer is shown in full.
EXCERPT_LENGTH, MAX_FULL_LENGTH = 600, 800
# How many hosts of one comment get a link to similar comments.
MAX_HOSTS = 3
# How many pending comments are searched for similar ones.
MAX_SEARCHED = 5_000
# The statuses whose comments are counted: not the approved ones, which may be a million.
COUNTED = (CommentStatus.PENDING, CommentStatus.SPAM, CommentStatus.TRASH)


@dataclass(slots=True)
class QueueRow:
    """A comment as moderators see it.

    `author_counts` counts its author's other comments by status. `note` says what someone has just done to it.
    `draft` is a moderator's text that could not be saved, `draft_kind` whether it is a `reply` or an `edit`, and
    `error` why it could not be saved.
    """

    comment: Comment
    author_counts: Counter[str]
    note: str = ""
    draft_kind: str = ""
    draft: str = ""
    error: str = ""

    @property
    def text(self) -> tuple[str, str]:
        """The part that is shown at first, and the rest."""
        text = self.comment.text
        if len(text) <= MAX_FULL_LENGTH:
            return text, ""
        cut = max(text.rfind(" ", 0, EXCERPT_LENGTH), text.rfind("\n", 0, EXCERPT_LENGTH))
        cut = cut if cut > EXCERPT_LENGTH // 2 else EXCERPT_LENGTH
        return text[:cut], text[cut:]

    @property
    def similar_links(self) -> list[tuple[str, str]]:
        """The label and query string of each link to similar comments."""
        name, kinds = self.comment.name, Block.Kind
        hosts = normalisation.linked_hosts(f"{self.comment.website} {self.comment.text}")[:MAX_HOSTS]
        queries: list[tuple[str, dict[str, Any]]] = [
            # By the ID of the comment, because an address in a URL ends up in logs and browser histories.
            (self.comment.email, {"kind": kinds.EMAIL, "comment": self.comment.pk}),
            (name, {"kind": kinds.NAME, "text": name}),
            *((host, {"kind": kinds.HOST, "text": host}) for host in hosts),
            (gettext("a word…"), {"kind": kinds.WORD}),
        ]
        return [(label, urlencode(query)) for label, query in queries if label]


def queue_page(status: CommentStatus, after: str = "") -> tuple[list[QueueRow], str]:
    """Return the page of comments with this status after the cursor `after`, and the cursor of the next page, if any.

    Pending comments are sorted oldest first, all others newest first. Three queries. Raises ValueError if the cursor
    is invalid.
    """
    comments = _for_moderators().filter(status=status)
    oldest_first = status == CommentStatus.PENDING
    if after:
        timestamp, _sep, last_pk = after.rpartition("_")
        created_at, pk = dt.datetime.fromisoformat(timestamp), int(last_pk)
        if created_at.tzinfo is None or not 0 <= pk < 2**63:
            raise ValueError(after)
        lookup = "gt" if oldest_first else "lt"
        same_time = Q(created_at=created_at, **{f"pk__{lookup}": pk})
        comments = comments.filter(Q(**{f"created_at__{lookup}": created_at}) | same_time)
    order = ("created_at", "pk") if oldest_first else ("-created_at", "-pk")
    page = list(comments.order_by(*order)[: PER_PAGE + 1])
    shown = page[:PER_PAGE]
    has_more = len(page) > PER_PAGE
    return _rows(shown), f"{shown[-1].created_at.isoformat()}_{shown[-1].pk}" if has_more else ""


def rows_of(pks: Sequence[int], *, with_notes: bool = False) -> list[QueueRow]:
    """Return the rows of these comments as they are now, in this order, without those that were deleted."""
    stored = _for_moderators().in_bulk(pks)
    rows = _rows([stored[pk] for pk in pks if pk in stored])
    notes = latest_changes(stored) if with_notes else {}
    for row in rows:
        row.note = notes.get(row.comment.pk, "")
    return rows


def _for_moderators() -> CommentQuerySet:
    return Comment.objects.with_entries().select_related("user", "parent__user")


def _rows(comments: list[Comment]) -> list[QueueRow]:
    """Return rows for `comments`, with each author's other comments counted by status. One query.

    Comments have the same author if they have the same e-mail address or, without one, the same name.
    """
    emails = {comment.email for comment in comments if comment.email}
    names = {comment.name for comment in comments if not comment.email and comment.name}
    same = Comment.objects.filter(Q(email__in=emails) | Q(email="", name__in=names)).order_by()
    counts = defaultdict[str, Counter[str]](Counter)
    for email, name, status, count in same.values_list("email", "name", "status").annotate(count=Count("*")):
        counts[email or name][status] += count
    # Subtracting a Counter drops the counts that are no longer positive.
    return [
        QueueRow(comment, counts[comment.email or comment.name] - Counter([comment.status])) for comment in comments
    ]


def counts() -> dict[str, int]:
    """Count the comments with each of the statuses `COUNTED`; one query."""
    hidden = Comment.objects.filter(status__in=COUNTED)
    return dict(hidden.order_by().values_list("status").annotate(count=Count("*")))


def find_similar(kind: str, text: str) -> tuple[Block, list[Comment]]:
    """Find all pending comments from this author or host, or with this word, and the block that would match them.

    Searches the oldest MAX_SEARCHED in one query. Raises ValidationError if `text` contains nothing to search for.
    """
    block = Block(kind=kind, text=text)
    block.clean_fields(exclude=["key", "start", "verdict", "added_by"])
    block.clean()
    pending = Comment.objects.filter(status=CommentStatus.PENDING).select_related("user").order_by("created_at", "pk")
    return block, [comment for comment in pending[:MAX_SEARCHED] if matches(block, comment)]
