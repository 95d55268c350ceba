"""The comments of an entry as readers see them: in threads, oldest first."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q

from blog.models import Page, Post
from comments.models import Comment, Kind, Status

# What answers a comment at this depth stands beside it, saying whom it answers.
MAX_DEPTH = 5

_SHOWN = ("kind", "status", "parent", "name", "website", "html", "created_at", "user__username", "user__display_name")


@dataclass(slots=True, eq=False)
class Node:
    """A comment in its place. `answers` is the one it replies to, where the place alone does not tell."""

    comment: Comment
    depth: int = 1
    shaded: bool = False
    by_post_author: bool = False
    waiting: bool = False
    answers: Comment | None = None
    replies: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Thread:
    """All that is shown below an entry. `count` leaves out the comment that waits."""

    roots: list[Node]
    nodes: dict[int, Node]
    count: int


def thread(entry: Post | Page, *, pingbacks: bool = True, waiting: int | None = None) -> Thread:
    """The approved comments of `entry`, and the one of key `waiting` for the eyes of its sender; one query.

    A reply to a comment that is not shown moves up to the nearest one that is. Threads may be of any depth,
    so nothing here recurses.
    """
    comments = _read(entry, waiting)
    nodes = {comment.pk: Node(comment) for comment in comments if _is_shown(comment, pingbacks, waiting)}
    parents = {comment.pk: comment.parent_id for comment in comments}
    children: dict[int | None, list[Node]] = defaultdict(list)
    for pk, node in nodes.items():
        children[_nearest_shown(pk, parents, nodes)].append(node)
        node.waiting = node.comment.status != Status.APPROVED
        node.by_post_author = node.comment.user_id is not None and node.comment.user_id == entry.author_id
    roots = _arrange(nodes, children)
    _shade(roots)
    return Thread(roots, nodes, count=sum(not node.waiting for node in nodes.values()))


def _read(entry: Post | Page, waiting: int | None) -> list[Comment]:
    """Oldest first: what is approved, what waits, and what has replies, through which a line goes up."""
    wanted = Q(status=Status.APPROVED) | Q(Exists(Comment.objects.filter(parent=OuterRef("pk"))))
    if waiting is not None:
        wanted |= Q(pk=waiting)
    comments = Comment.objects.on(entry).filter(wanted).order_by("created_at", "pk")
    return list(comments.select_related("user").only("post", "page", *_SHOWN))


def _is_shown(comment: Comment, pingbacks: bool, waiting: int | None) -> bool:
    if comment.pk == waiting:
        # Its sender is not told what was thought of it, only that it waits.
        return comment.status != Status.TRASH
    return comment.status == Status.APPROVED and (pingbacks or comment.kind == Kind.COMMENT)


def _nearest_shown(pk: int, parents: dict[int, int | None], nodes: dict[int, Node]) -> int | None:
    """The key of the nearest ancestor that is shown; None if there is none or the line goes round in a circle."""
    passed = {pk}
    above = parents[pk]
    while above is not None and above not in nodes:
        if above in passed:
            return None
        passed.add(above)
        above = parents.get(above)
    return above


def _arrange(nodes: dict[int, Node], children: dict[int | None, list[Node]]) -> list[Node]:
    """Hang each node below its parent, down to the greatest depth; returns those at the top."""
    roots: list[Node] = []
    placed: set[int] = set()
    # After the true roots every node again: those that answer each other in a circle have no root.
    for root in [*children[None], *nodes.values()]:
        if root.comment.pk in placed:
            continue
        roots.append(root)
        placed.add(root.comment.pk)
        # A node, and the one among whose replies it stands.
        ahead = [(root, root)]
        while ahead:
            node, above = ahead.pop()
            for child in children[node.comment.pk]:
                if child.comment.pk in placed:
                    continue
                placed.add(child.comment.pk)
                child.answers = node.comment if node.depth == MAX_DEPTH else None
                home = above if node.depth == MAX_DEPTH else node
                child.depth = home.depth + 1
                home.replies.append(child)
                ahead.append((child, home))
    for node in nodes.values():
        node.replies.sort(key=_age)
    return roots


def _age(node: Node) -> tuple[Any, int]:
    return node.comment.created_at, node.comment.pk


def _shade(roots: list[Node]) -> None:
    """Every second one, from the first, in the order they are read."""
    ahead = list(reversed(roots))
    shaded = True
    while ahead:
        node = ahead.pop()
        node.shaded = shaded
        shaded = not shaded
        ahead += reversed(node.replies)
