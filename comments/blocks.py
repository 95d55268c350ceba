"""What moderators have blocked, found in a comment: words, names, e-mail addresses and hosts."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from itertools import batched
from typing import Self

from django.db.models import Q
from django.utils import timezone

from comments import folding
from comments.models import Block, Comment, Status

# How many different hosts of one comment are looked up; those in web addresses come first.
MAX_HOSTS = 100
# How many words are looked up at once: no database takes endless many.
MAX_LOOKED_UP = 10_000
# How many of the newest comments are looked through before an entry is saved.
LOOKED_THROUGH = 5_000


@dataclass(frozen=True, slots=True)
class Traces:
    """What of a comment is compared with the blocks."""

    line: str
    name: str
    email: str
    hosts: frozenset[str]

    @classmethod
    def of(cls, comment: Comment) -> Self:
        email = folding.plain_case(comment.email)
        said = folding.hosts(f"{comment.website} {email.rpartition('@')[2]} {comment.text}")[:MAX_HOSTS]
        return cls(
            line=folding.line(f"{comment.name}\n{comment.website}\n{comment.text}"),
            name=folding.line(comment.name).strip(),
            email=email,
            hosts=frozenset(parent for host in said for parent in folding.with_parents(host)),
        )

    def show(self, block: Block) -> bool:
        """Whether `block` applies."""
        match block.kind:
            case Block.Kind.HOST:
                return block.key in self.hosts
            case Block.Kind.EMAIL:
                return block.key == self.email
            case Block.Kind.NAME:
                return block.key == self.name
        return block.key in self.line


def matching(comment: Comment) -> list[Block]:
    """The blocks that apply to `comment`; one query, however many there are, unless the text is huge and Chinese."""
    traces = Traces.of(comment)
    others = (
        Q(kind=Block.Kind.HOST, key__in=traces.hosts)
        | Q(kind=Block.Kind.EMAIL, key=traces.email)
        | Q(kind=Block.Kind.NAME, key=traces.name)
    )
    found: dict[int, Block] = {}
    # At least once, for the others.
    for some in batched(["", *sorted(folding.starts(traces.line))], MAX_LOOKED_UP):
        candidates = Block.objects.filter(Q(kind=Block.Kind.WORD, start__in=some) | others)
        found |= {block.pk: block for block in candidates if traces.show(block)}
    return [found[pk] for pk in sorted(found)]


def caught_in_last(block: Block, days: int = 90) -> Counter[Status]:
    """How many comments of the last `days` an entry would have caught, by the status they have now.

    `block` need not be stored. Looks through the newest LOOKED_THROUGH comments at most; one query.
    Raises ValidationError if there is nothing to look for in it.
    """
    block.clean()
    recent = Comment.objects.filter(created_at__gte=timezone.now() - dt.timedelta(days=days))
    newest = recent.only("status", "name", "email", "website", "text").order_by("-created_at", "-pk")[:LOOKED_THROUGH]
    return Counter(Status(comment.status) for comment in newest.iterator() if Traces.of(comment).show(block))
