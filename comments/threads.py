"""The comments of an entry as readers see them: in threads, oldest first, long ones in pages."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery

from accounts.models import User
from blog.models import Page, Post
from comments.models import Comment, CommentQuerySet, Kind, Revision, Status

# What answers a comment at this depth stands beside it, saying whom it answers.
MAX_DEPTH = 5

# What its place in the thread follows from, and what readers see of it.
_PLACE = ("post", "page", "parent", "kind", "status", "created_at")
_USER = ("user__username", "user__display_name", "user__is_staff", "user__is_active")
# The e-mail address is for the pattern of the avatar and goes nowhere else.
_SHOWN = (*_PLACE, "name", "email", "website", "html", *_USER)


@dataclass(slots=True, eq=False)
class Node:
    """A comment in its place. `answers` is the one it replies to, where the place alone does not tell.

    `is_own`: whoever looks at the page has written it.
    """

    comment: Comment
    depth: int = 1
    shaded: bool = False
    by_post_author: bool = False
    by_staff: bool = False
    waiting: bool = False
    is_own: bool = False
    answers: "Node | None" = None
    replies: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Thread:
    """What is shown below an entry: page `number` of `pages`.

    `nodes` are those on this page. `count` is of all pages, without the comment that waits.
    """

    roots: list[Node]
    nodes: dict[int, Node]
    count: int
    number: int = 1
    pages: int = 1


def thread(
    entry: Post | Page,
    *,
    pingbacks: bool = True,
    per_page: int = 0,
    number: int = 1,
    focus: int | None = None,
    waiting: int | None = None,
) -> Thread:
    """The approved comments of `entry`, and the one of key `waiting` for the eyes of its sender.

    A page has `per_page` comments at the top (0: all) with their replies, counted from the oldest: what is new
    never moves what is there. It is the page of the comment of key `focus` if that is shown, or else `number`;
    past the last one it is empty. One query, or two if there are several pages.

    A reply to a comment that is not shown moves up to the nearest one that is. Threads may be of any depth,
    so nothing here recurses.
    """
    in_pages = 0 < per_page < entry.comment_count
    # Of a long thread the texts of one page are read, not of all.
    comments = _read(entry, waiting, light=in_pages)
    nodes = {comment.pk: Node(comment) for comment in comments if _is_shown(comment, pingbacks, waiting)}
    pages = _pages(_arranged(nodes, {comment.pk: comment.parent_id for comment in comments}), per_page)
    if focus is not None:
        number = _number_of(focus, pages) or number
    roots = pages[number - 1] if number <= len(pages) else []
    here = {node.comment.pk: node for node in walk(roots)}
    if in_pages and not _fill(entry, here, waiting):
        # Somebody took one away between the two queries.
        return thread(entry, pingbacks=pingbacks, per_page=per_page, number=number, focus=focus, waiting=waiting)
    for place, node in enumerate(walk(roots)):
        _mark(node, entry, waiting)
        node.shaded = place % 2 == 0
    count = sum(node.comment.status == Status.APPROVED for node in nodes.values())
    return Thread(roots, here, count, number, len(pages))


def page_number(entry: Post | Page, pk: int, *, pingbacks: bool = True, per_page: int = 0) -> int | None:
    """The page of the thread on which the comment of this key stands; None if readers do not see it. One query."""
    comments = _read(entry, None, light=True)
    nodes = {comment.pk: Node(comment) for comment in comments if _is_shown(comment, pingbacks, None)}
    roots = _arranged(nodes, {comment.pk: comment.parent_id for comment in comments})
    return _number_of(pk, _pages(roots, per_page))


def walk(roots: Iterable[Node]) -> Iterator[Node]:
    """`roots` and all below them in the order they are read."""
    ahead = list(reversed(list(roots)))
    while ahead:
        node = ahead.pop()
        yield node
        ahead += reversed(node.replies)


def _read(entry: Post | Page, waiting: int | None, *, light: bool) -> list[Comment]:
    """Oldest first: what is approved, what waits, and what has replies, through which a line goes up."""
    wanted = Q(status=Status.APPROVED) | Q(Exists(Comment.objects.filter(parent=OuterRef("pk"))))
    if waiting is not None:
        wanted |= Q(pk=waiting)
    comments = Comment.objects.on(entry).filter(wanted).order_by("created_at", "pk")
    return list(comments.only(*_PLACE) if light else _whole(comments))


def _whole(comments: CommentQuerySet) -> CommentQuerySet:
    changes = Revision.objects.filter(comment=OuterRef("pk")).order_by("-replaced_at")
    edited_at, edited_by = (Subquery(changes.values(field)[:1]) for field in ("replaced_at", "by"))
    return comments.select_related("user").only(*_SHOWN).annotate(edited_at=edited_at, edited_by=edited_by)


def _fill(entry: Post | Page, nodes: dict[int, Node], waiting: int | None) -> bool:
    """Give `nodes` their comments with all that is shown. Whether each was found."""
    shown = Comment.objects.on(entry).filter(Q(status=Status.APPROVED) | Q(pk=waiting))
    found = _whole(shown).in_bulk(list(nodes))
    for pk, comment in found.items():
        nodes[pk].comment = comment
    return len(found) == len(nodes)


def _is_shown(comment: Comment, pingbacks: bool, waiting: int | None) -> bool:
    if comment.pk == waiting:
        # Its sender is not told what was thought of it, only that it waits.
        return comment.status != Status.TRASH
    return comment.status == Status.APPROVED and (pingbacks or comment.kind == Kind.COMMENT)


def _mark(node: Node, entry: Post | Page, waiting: int | None) -> None:
    comment = node.comment
    node.is_own = comment.pk == waiting
    node.waiting = comment.status != Status.APPROVED
    node.by_post_author = comment.user_id is not None and comment.user_id == entry.author_id
    node.by_staff = _is_on_the_staff(comment.user)


def _is_on_the_staff(user: User | None) -> bool:
    return user is not None and user.is_staff and user.is_active


def _arranged(nodes: dict[int, Node], parents: dict[int, int | None]) -> list[Node]:
    """Hang each node below the nearest that is shown, down to the greatest depth; returns those at the top."""
    children: dict[int | None, list[Node]] = defaultdict(list)
    for pk, node in nodes.items():
        children[_nearest_shown(pk, parents, nodes)].append(node)
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
                child.answers = node if node.depth == MAX_DEPTH else None
                home = above if node.depth == MAX_DEPTH else node
                child.depth = home.depth + 1
                home.replies.append(child)
                ahead.append((child, home))
    for node in nodes.values():
        node.replies.sort(key=_age)
    return sorted(roots, key=_age)


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


def _age(node: Node) -> tuple[Any, int]:
    return node.comment.created_at, node.comment.pk


def _pages(roots: list[Node], per_page: int) -> list[list[Node]]:
    """At least one page, be it empty."""
    if not per_page:
        return [roots]
    return [roots[start : start + per_page] for start in range(0, len(roots), per_page)] or [[]]


def _number_of(pk: int, pages: list[list[Node]]) -> int | None:
    for number, roots in enumerate(pages, start=1):
        if any(node.comment.pk == pk for node in walk(roots)):
            return number
    return None
