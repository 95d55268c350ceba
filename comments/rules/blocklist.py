"""Matching comments against the blocklist: words, names, e-mail addresses and hosts."""

import datetime as dt
from collections import Counter
from itertools import batched
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from comments import normalisation
from comments.models import Block, Comment, CommentStatus
from core.prepared import Parameter, Prepared

# The most hosts of one comment that are looked up, those in URLs first.
MAX_HOSTS = 100
# The most words that one query looks up, because databases limit the number of parameters.
MAX_PARAMETERS = 10_000
# How many of the newest comments are searched for matches.
MAX_SEARCHED = 5_000
# The kinds whose key must be equal to a searched value.
_WHOLE = (Block.Kind.HOST, Block.Kind.EMAIL, Block.Kind.NAME)


def _searched(comment: Comment, kind: str) -> Any:
    """Return what must contain the key of a block of this kind: a line of text for words, otherwise a set."""
    match kind:
        case Block.Kind.WORD:
            return normalisation.line(f"{comment.name}\n{comment.website}\n{comment.text}")
        case Block.Kind.NAME:
            return {normalisation.line(comment.name).strip()}
        case Block.Kind.EMAIL:
            return {normalisation.plain_case(comment.email)}
    domain = normalisation.plain_case(comment.email).rpartition("@")[2]
    hosts = normalisation.hosts(f"{comment.website} {domain} {comment.text}")[:MAX_HOSTS]
    return {parent for host in hosts for parent in normalisation.with_parents(host)}


@Prepared
def _candidates(starts: list[Parameter], *keys: list[Parameter]) -> QuerySet[Block]:
    condition = Q(kind=Block.Kind.WORD, start__in=starts)
    for kind, its_keys in zip(_WHOLE, keys, strict=True):
        condition |= Q(kind=kind, key__in=its_keys)
    return Block.objects.filter(condition)


def matches(block: Block, comment: Comment) -> bool:
    return block.key in _searched(comment, block.kind)


def matching(comment: Comment) -> list[Block]:
    """Return the blocks that match `comment`; one query unless the text has more than MAX_PARAMETERS words."""
    searched = {kind.value: _searched(comment, kind) for kind in Block.Kind}
    others = [sorted(searched[kind]) for kind in _WHOLE]
    found: dict[int, Block] = {}
    # The empty string ensures that there is a batch, which the other kinds need.
    for starts in batched(["", *sorted(normalisation.starts(searched[Block.Kind.WORD]))], MAX_PARAMETERS):
        found |= {block.pk: block for block in _candidates(list(starts), *others) if block.key in searched[block.kind]}
    return [found[pk] for pk in sorted(found)]


def count_recent_matches(block: Block) -> Counter[CommentStatus]:
    """Count the comments of the last 90 days that `block` matches, saved or not, by their current status.

    Searches the newest MAX_SEARCHED comments; one query. Raises ValidationError if the block has nothing to search for.
    """
    block.clean()
    recent = Comment.objects.filter(created_at__gte=timezone.now() - dt.timedelta(days=90))
    newest = recent.only("status", "name", "email", "website", "text").order_by("-created_at", "-pk")[:MAX_SEARCHED]
    return Counter(CommentStatus(comment.status) for comment in newest.iterator() if matches(block, comment))
