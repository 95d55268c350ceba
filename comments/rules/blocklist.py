"""Matching comments against the blocklist: words, names, e-mail addresses and hosts."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from itertools import batched
from typing import Self

from django.db.models import Q
from django.utils import timezone

from comments import normalisation
from comments.models import Block, Comment, CommentStatus

# The most hosts of one comment that are looked up, those in URLs first.
MAX_HOSTS = 100
# The most words that one query looks up, because databases limit the number of parameters.
MAX_PARAMETERS = 10_000
# How many of the newest comments are searched for matches.
MAX_SEARCHED = 5_000


@dataclass(frozen=True, slots=True)
class Traces:
    """The parts of a comment that are compared with blocks."""

    line: str
    name: str
    email: str
    hosts: frozenset[str]

    @classmethod
    def of(cls, comment: Comment) -> Self:
        email = normalisation.plain_case(comment.email)
        found = normalisation.hosts(f"{comment.website} {email.rpartition('@')[2]} {comment.text}")[:MAX_HOSTS]
        return cls(
            line=normalisation.line(f"{comment.name}\n{comment.website}\n{comment.text}"),
            name=normalisation.line(comment.name).strip(),
            email=email,
            hosts=frozenset(parent for host in found for parent in normalisation.with_parents(host)),
        )

    def match(self, block: Block) -> bool:
        match block.kind:
            case Block.Kind.HOST:
                return block.key in self.hosts
            case Block.Kind.EMAIL:
                return block.key == self.email
            case Block.Kind.NAME:
                return block.key == self.name
        return block.key in self.line


def matching(comment: Comment) -> list[Block]:
    """Return the blocks that match `comment`; one query unless the text has more than MAX_PARAMETERS words."""
    traces = Traces.of(comment)
    others = (
        Q(kind=Block.Kind.HOST, key__in=traces.hosts)
        | Q(kind=Block.Kind.EMAIL, key=traces.email)
        | Q(kind=Block.Kind.NAME, key=traces.name)
    )
    found: dict[int, Block] = {}
    # The empty string ensures one batch, for the others.
    for starts in batched(["", *sorted(normalisation.starts(traces.line))], MAX_PARAMETERS):
        candidates = Block.objects.filter(Q(kind=Block.Kind.WORD, start__in=starts) | others)
        found |= {block.pk: block for block in candidates if traces.match(block)}
    return [found[pk] for pk in sorted(found)]


def count_recent_matches(block: Block, days: int = 90) -> Counter[CommentStatus]:
    """Count the comments of the last `days` days that `block` matches, stored or not, by their current status.

    Searches the newest MAX_SEARCHED comments; one query. Raises ValidationError if the block has nothing to search for.
    """
    block.clean()
    recent = Comment.objects.filter(created_at__gte=timezone.now() - dt.timedelta(days=days))
    newest = recent.only("status", "name", "email", "website", "text").order_by("-created_at", "-pk")[:MAX_SEARCHED]
    return Counter(CommentStatus(comment.status) for comment in newest.iterator() if Traces.of(comment).match(block))
