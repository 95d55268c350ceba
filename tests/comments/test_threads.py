"""Threads: the place of each comment on an entry."""

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from blog.models import Post
from comments import threads
from comments.models import Comment, CommentSettings
from comments.models import CommentKind as Kind
from comments.models import CommentStatus as Status
from comments.threads import MAX_DEPTH, Node, Thread
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

type Shape = list[tuple[int, "Shape"]]


@pytest.fixture
def post() -> Any:
    return PostFactory.create()


def write(post: Post, parent: Comment | None = None, **more: Any) -> Comment:
    return CommentFactory.create(entry=post, parent=parent, **more)


def thread(post: Post, own: int | None = None, **settings: Any) -> Thread:
    return threads.thread(post, CommentSettings(comments_per_page=0, **settings), own=own)


def shape(nodes: list[Node]) -> Shape:
    """Return the tree of IDs. Recursive, because shown threads are not deep."""
    return [(node.comment.pk, shape(node.replies)) for node in nodes]


def chain(post: Post, length: int) -> list[Comment]:
    """Create comments that each reply to the previous one."""
    start = timezone.now()
    comments = Comment.objects.bulk_create(
        Comment(entry=post, name=f"N{index}", status=Status.APPROVED, created_at=start + dt.timedelta(seconds=index))
        for index in range(length)
    )
    for before, comment in pairwise(comments):
        comment.parent = before
    Comment.objects.bulk_update(comments, ["parent"], batch_size=500)
    return comments


class TestPlaces:
    def test_oldest_first_with_replies_below_their_parents(self, post: Post) -> None:
        a, b = write(post), write(post)
        b1, a1, a2 = write(post, b), write(post, a), write(post, a)
        a11 = write(post, a1)
        assert shape(thread(post).roots) == [
            (a.pk, [(a1.pk, [(a11.pk, [])]), (a2.pk, [])]),
            (b.pk, [(b1.pk, [])]),
        ]

    def test_they_are_sorted_by_date_not_by_id(self, post: Post) -> None:
        later = write(post, created_at=timezone.now())
        earlier = write(post, created_at=timezone.now() - dt.timedelta(days=1))
        assert [node.comment for node in thread(post).roots] == [earlier, later]

    def test_a_reply_may_be_older_than_its_parent(self, post: Post) -> None:
        parent = write(post, created_at=timezone.now())
        reply = write(post, parent, created_at=timezone.now() - dt.timedelta(days=1))
        assert shape(thread(post).roots) == [(parent.pk, [(reply.pk, [])])]

    def test_each_entry_has_its_own_thread(self, post: Post) -> None:
        page = PageFactory.create()
        on_page = CommentFactory.create(entry=page)
        CommentFactory.create()
        assert list(thread(page).nodes) == [on_page.pk]
        assert thread(post).roots == []


class TestVisibility:
    @pytest.mark.parametrize("status", [Status.PENDING, Status.SPAM, Status.TRASH])
    def test_only_approved_comments_are_shown(self, status: Status, post: Post) -> None:
        write(post, status=status)
        assert thread(post).nodes == {}

    def test_replies_to_hidden_comments_move_up_to_the_nearest_visible_ancestor(self, post: Post) -> None:
        top = write(post)
        hidden = write(post, write(post, top, status=Status.SPAM), status=Status.PENDING)
        orphan = write(post, hidden)
        other = write(post, write(post, status=Status.TRASH))
        assert shape(thread(post).roots) == [(top.pk, [(orphan.pk, [])]), (other.pk, [])]

    def test_replies_to_comments_on_other_entries_are_top_level(self, post: Post) -> None:
        stray = write(post, CommentFactory.create())
        assert shape(thread(post).roots) == [(stray.pk, [])]

    def test_pingbacks_can_be_hidden_and_replies_to_them_stay(self, post: Post) -> None:
        pingback = write(post, kind=Kind.PINGBACK)
        reply = write(post, pingback)
        assert thread(post).count == 2
        assert shape(thread(post, show_pingbacks=False).roots) == [(reply.pk, [])]

    @pytest.mark.parametrize("status", [Status.PENDING, Status.SPAM])
    def test_authors_see_their_unapproved_comment_in_its_place_and_it_is_not_counted(
        self, status: Status, post: Post
    ) -> None:
        parent = write(post)
        pending = write(post, parent, status=status)
        write(post, status=Status.PENDING)
        shown = thread(post, own=pending.pk)
        assert shape(shown.roots) == [(parent.pk, [(pending.pk, [])])]
        assert shown.nodes[pending.pk].is_unapproved
        assert not shown.nodes[parent.pk].is_unapproved
        assert shown.count == 1

    def test_authors_do_not_see_their_trashed_comment(self, post: Post) -> None:
        assert thread(post, own=write(post, status=Status.TRASH).pk).nodes == {}

    def test_the_authors_comment_may_have_been_approved_in_the_meantime(self, post: Post) -> None:
        comment = write(post)
        assert not thread(post, own=comment.pk).nodes[comment.pk].is_unapproved

    def test_unapproved_comments_on_other_entries_are_not_shown(self, post: Post) -> None:
        assert thread(post, own=CommentFactory.create(status=Status.PENDING).pk).nodes == {}


class TestFlags:
    def test_every_second_comment_in_reading_order_is_shaded(self, post: Post) -> None:
        a, b = write(post), write(post)
        a1 = write(post, a)
        nodes = thread(post).nodes
        assert [nodes[comment.pk].shaded for comment in (a, a1, b)] == [True, False, True]

    def test_comments_by_the_author_of_the_post_are_marked(self, post: Post) -> None:
        own = write(post, user=post.author)
        others = [write(post), write(post, user=UserFactory.create())]
        nodes = thread(post).nodes
        assert nodes[own.pk].by_post_author
        assert not any(nodes[other.pk].by_post_author for other in others)


class TestDepth:
    def test_replies_to_the_deepest_comments_are_next_to_them_and_say_whom_they_reply_to(self, post: Post) -> None:
        comments = chain(post, MAX_DEPTH + 2)
        nodes = thread(post).nodes
        assert [nodes[comment.pk].depth for comment in comments] == [1, 2, 3, 4, 5, 5, 5]
        reply_targets = [nodes[comment.pk].reply_to for comment in comments]
        assert [node and node.comment for node in reply_targets] == [None] * 5 + comments[4:6]
        assert [node.comment for node in nodes[comments[3].pk].replies] == comments[4:]

    def test_the_deepest_comments_are_sorted_by_date(self, post: Post) -> None:
        *_, fourth, fifth = chain(post, 5)
        siblings = [
            write(post, parent, created_at=fifth.created_at + dt.timedelta(minutes=minutes))
            for minutes, parent in enumerate([fifth, fourth, fifth, fourth], start=1)
        ]
        assert [node.comment for node in thread(post).nodes[fourth.pk].replies] == [fifth, *siblings]

    def test_thousands_of_nested_replies_are_no_deeper(self, post: Post) -> None:
        chain(post, 3000)
        shown = thread(post)
        assert shown.count == 3000
        assert max(node.depth for node in shown.nodes.values()) == MAX_DEPTH

    def test_replies_move_up_past_thousands_of_hidden_comments(self, post: Post) -> None:
        comments = chain(post, 3000)
        Comment.objects.filter(pk__in=[comment.pk for comment in comments[1:-1]]).update(status=Status.SPAM)
        assert shape(thread(post).roots) == [(comments[0].pk, [(comments[-1].pk, [])])]


class TestCircles:
    """Imports may contain circles. The database only refuses comments that reply to themselves."""

    @pytest.mark.parametrize("length", [2, 3, 8])
    def test_all_comments_in_a_circle_are_shown_once(self, length: int, post: Post) -> None:
        comments = chain(post, length)
        Comment.objects.filter(pk=comments[0].pk).update(parent=comments[-1])
        shown = thread(post)
        assert len(shown.roots) == 1
        unvisited, seen = list(shown.roots), []
        while unvisited:
            node = unvisited.pop()
            seen.append(node.comment.pk)
            unvisited += node.replies
        assert sorted(seen) == [comment.pk for comment in comments]

    def test_a_reply_to_a_hidden_circle_is_top_level(self, post: Post) -> None:
        first, second, reply = chain(post, 3)
        Comment.objects.filter(pk__in=[first.pk, second.pk]).update(status=Status.SPAM)
        Comment.objects.filter(pk=first.pk).update(parent=second)
        assert shape(thread(post).roots) == [(reply.pk, [])]


class TestQueries:
    def test_a_thread_needs_one_query(self, post: Post, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        for comment in chain(post, 30):
            write(post, comment, user=UserFactory.create(), name="")
        with django_assert_num_queries(1):
            names = [node.comment.author_name for node in thread(post, own=1).nodes.values()]
            assert len(names) == 60
