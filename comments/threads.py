"""The comments on an entry as readers see them: in threads, oldest first, split into pages if there are many.

The first page, with the oldest comments, has the URL of the entry itself; the others are `ENTRY/comment-page-2/`, as in
WordPress. (Its default is the newest page at the entry's URL, where links to older comments break.)
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import batched

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest

from blog.models import Entry
from comments import sender_links
from comments.models import Comment, CommentKind, CommentQuerySet, CommentSettings, CommentStatus, Revision
from core.prepared import Parameter, Prepared
from core.text import parse_id

# The query parameter for a reply to a comment. The name is WordPress's.
REPLY_TO = "replytocom"
# Replies to a comment at this depth are shown next to it, with a note that names the author they reply to.
MAX_DEPTH = 5

# The fields that a comment's place in the thread depends on, and those that readers see. Of thousands of comments, most
# of which are on other pages, only the place is read, as plain values: objects would take ten times the memory.
_PLACE_FIELDS = ("pk", "parent_id", "kind", "status")
type _Place = tuple[int, int | None, str, str]
_USER_FIELDS = ("user__username", "user__display_name", "user__is_staff", "user__is_active")
# The e-mail address is only used for the avatar.
_SHOWN_FIELDS = (*_PLACE_FIELDS, "entry", "created_at", "name", "email", "website", "html", *_USER_FIELDS)


@dataclass(slots=True, eq=False)
class Node:
    """A comment in its place. `reply_to` is the comment it replies to, if its place does not show that.

    `comment` is only set on the page that is shown.
    """

    pk: int
    is_unapproved: bool = False
    comment: Comment = field(init=False)
    depth: int = 1
    shaded: bool = False
    by_post_author: bool = False
    by_staff: bool = False
    # Written by the reader.
    is_own: bool = False
    reply_to: "Node | None" = None
    replies: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Thread:
    """A page of the comments on an entry.

    `nodes` are those on this page, by ID. `count` covers all pages, without the reader's own unapproved comment.
    """

    roots: list[Node]
    nodes: dict[int, Node]
    count: int
    page_number: int = 1
    page_count: int = 1


def comments_per_page(entry: Entry, settings: CommentSettings) -> int:
    """Return how many threads are on a page; 0 for all.

    An entry with a password has only one page, because links to others would be locked.
    """
    return 0 if entry.password else settings.comments_per_page


def page_url(entry: Entry, page_number: int) -> str:
    """Return the URL of a page of comments on `entry`."""
    url = entry.get_absolute_url()
    return url if page_number == 1 else f"{url}comment-page-{page_number}/"


def thread_for(request: HttpRequest, entry: Entry, settings: CommentSettings, *, page_number: int = 1) -> Thread:
    """Return a page of the comments on `entry`, or the page of the comment being replied to or just submitted."""
    focus = parse_id(request.GET.get(REPLY_TO, "")) or parse_id(request.GET.get(sender_links.PK, ""))
    own = sender_links.from_request(request)
    return thread(entry, settings, page_number=page_number, focus=focus or None, own=own)


def reply_target(request: HttpRequest, comments: Thread) -> Comment | None:
    """Return the comment that the reader wants to reply to: named in the URL or, on an unlocked page, in a form."""
    pk = parse_id(request.GET.get(REPLY_TO, "")) or parse_id(request.POST.get(REPLY_TO, ""))
    node = comments.nodes.get(pk)
    return node.comment if node is not None and not node.is_unapproved else None


def thread(
    entry: Entry, settings: CommentSettings, *, page_number: int = 1, focus: int | None = None, own: int | None = None
) -> Thread:
    """Return a page of the approved comments on `entry`, including the reader's `own` one, approved or not.

    Top-level comments are counted from the oldest, each with its replies, so new comments never move existing ones. The
    page is that of the comment `focus` if it is shown, otherwise `page_number`; past the last page it is empty. One
    query, or two if there are several pages.

    A reply to a comment that is not shown moves up to the nearest ancestor that is. Threads may have any depth, so
    nothing here recurses.
    """
    in_pages = 0 < comments_per_page(entry, settings) < entry.comment_count
    ids = [] if own is None else [own]
    # If there are several pages, only the texts of one are read.
    comments = {} if in_pages else {comment.pk: comment for comment in _comments(entry.pk, *ids)}
    places = _places(entry.pk, *ids) if in_pages else [_place(comment) for comment in comments.values()]
    pages, nodes = _arrange_pages(entry, settings, own, places)
    if focus is not None:
        page_number = _page_of(focus, pages) or page_number
    roots = pages[page_number - 1] if page_number <= len(pages) else []
    shown = {node.pk: node for node in walk(roots)}
    if in_pages:
        comments = _read(entry, shown, own)
    if not shown.keys() <= comments.keys():
        # A comment was removed between the two queries.
        return thread(entry, settings, page_number=page_number, focus=focus, own=own)
    for index, node in enumerate(walk(roots)):
        comment = node.comment = comments[node.pk]
        node.shaded = index % 2 == 0
        node.is_own = comment.pk == own
        node.by_post_author = comment.user_id is not None and comment.user_id == entry.author_id
        node.by_staff = comment.user is not None and comment.user.is_staff and comment.user.is_active
    count = sum(not node.is_unapproved for node in nodes.values())
    return Thread(roots, shown, count, page_number, len(pages))


def find_page_number(comment: Comment, settings: CommentSettings) -> int | None:
    """Return which page of its entry's comments this one is on; None if readers do not see it. One query."""
    pages, _nodes = _arrange_pages(comment.entry, settings, None, _places(comment.entry.pk))
    return _page_of(comment.pk, pages)


def walk(roots: Iterable[Node]) -> Iterator[Node]:
    """Yield `roots` and everything below them in reading order."""
    stack = list(reversed(list(roots)))
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(node.replies)


def _arrange_pages(
    entry: Entry, settings: CommentSettings, own: int | None, places: Sequence[_Place]
) -> tuple[list[list[Node]], dict[int, Node]]:
    """Return the top-level nodes of each page, and all nodes that are shown, by ID."""
    nodes = {
        pk: Node(pk, is_unapproved=status != CommentStatus.APPROVED)
        for pk, _parent, kind, status in places
        if _is_shown(kind, status, settings, is_own=pk == own)
    }
    roots = _arrange(nodes, {pk: parent for pk, parent, _kind, _status in places})
    pages = [list(page) for page in batched(roots, comments_per_page(entry, settings) or max(1, len(roots)))]
    # There is always a page, even if it is empty.
    return pages or [[]], nodes


@Prepared
def _comments(entry: Parameter, *own: Parameter) -> CommentQuerySet:
    return _with_shown_fields(_of_thread(entry, *own))


@Prepared[_Place]
def _places(entry: Parameter, *own: Parameter) -> "QuerySet[Comment, _Place]":
    return _of_thread(entry, *own).values_list(*_PLACE_FIELDS)


def _place(comment: Comment) -> _Place:
    return comment.pk, comment.parent_id, comment.kind, comment.status


def _of_thread(entry: Parameter, *own: Parameter) -> CommentQuerySet:
    """Return the approved comments, the reader's own, and all that have replies, because they connect the others."""
    condition = Q(status=CommentStatus.APPROVED) | Q(Exists(Comment.objects.filter(parent=OuterRef("pk"))))
    for pk in own:
        condition |= Q(pk=pk)
    return Comment.objects.filter(condition, entry=entry).order_by("created_at", "pk")


def _with_shown_fields(comments: CommentQuerySet) -> CommentQuerySet:
    changes = Revision.objects.filter(comment=OuterRef("pk")).order_by("-replaced_at")
    edited_at, edited_by = (Subquery(changes.values(field)[:1]) for field in ("replaced_at", "by"))
    return comments.select_related("user").only(*_SHOWN_FIELDS).annotate(edited_at=edited_at, edited_by=edited_by)


def _read(entry: Entry, pks: Iterable[int], own: int | None) -> dict[int, Comment]:
    """Return those of these comments that are still shown, by ID."""
    shown = Comment.objects.on(entry).filter(Q(status=CommentStatus.APPROVED) | Q(pk=own))
    return _with_shown_fields(shown).in_bulk(list(pks))


def _is_shown(kind: str, status: str, settings: CommentSettings, *, is_own: bool) -> bool:
    if is_own:
        # Its author must not learn whether it is spam or pending.
        return status != CommentStatus.TRASH
    is_wanted = settings.show_pingbacks or kind == CommentKind.COMMENT
    return is_wanted and status == CommentStatus.APPROVED


def _arrange(nodes: dict[int, Node], parents: dict[int, int | None]) -> list[Node]:
    """Put each node below its nearest ancestor that is shown, at most MAX_DEPTH deep, and return the top-level ones.

    `nodes` are in order of age, and so are all replies.
    """
    children: dict[int | None, list[Node]] = defaultdict(list)
    for pk, node in nodes.items():
        children[_nearest_shown(pk, parents, nodes)].append(node)
    shown_below: dict[int, Node | None] = {}
    # All nodes follow the real roots, because comments that reply to each other in a cycle have no root.
    for root in [*children[None], *nodes.values()]:
        if root.pk in shown_below:
            continue
        shown_below[root.pk] = None
        stack = [root]
        while stack:
            node = stack.pop()
            parent = shown_below[node.pk] if node.depth == MAX_DEPTH else None
            for child in children[node.pk]:
                if child.pk not in shown_below:
                    shown_below[child.pk] = parent or node
                    child.reply_to = node if parent else None
                    child.depth = (parent or node).depth + 1
                    stack.append(child)
    roots: list[Node] = []
    for pk, node in nodes.items():
        above = shown_below[pk]
        (above.replies if above else roots).append(node)
    return roots


def _nearest_shown(pk: int, parents: dict[int, int | None], nodes: dict[int, Node]) -> int | None:
    """Return the ID of the nearest ancestor that is shown; None if there is none or the ancestors form a cycle."""
    visited = {pk}
    ancestor = parents[pk]
    while ancestor is not None and ancestor not in nodes and ancestor not in visited:
        visited.add(ancestor)
        ancestor = parents.get(ancestor)
    return ancestor if ancestor in nodes else None


def _page_of(pk: int, pages: list[list[Node]]) -> int | None:
    numbers = (number for number, roots in enumerate(pages, 1) if any(node.pk == pk for node in walk(roots)))
    return next(numbers, None)
