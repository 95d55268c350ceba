"""The comments of an entry in their places."""

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from blog.models import Post
from comments.models import Comment
from comments.models import CommentKind as Kind
from comments.models import CommentStatus as Status
from comments.threads import MAX_DEPTH, Node, thread
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

type Shape = list[tuple[int, "Shape"]]


@pytest.fixture
def post() -> Any:
    return PostFactory.create()


def write(post: Post, parent: Comment | None = None, **more: Any) -> Comment:
    return CommentFactory.create(entry=post, parent=parent, **more)


def shape(nodes: list[Node]) -> Shape:
    """Only for trees as flat as they are shown."""
    return [(node.comment.pk, shape(node.replies)) for node in nodes]


def chain(post: Post, length: int) -> list[Comment]:
    """Each answers the one before it."""
    start = timezone.now()
    comments = Comment.objects.bulk_create(
        Comment(entry=post, name=f"N{number}", status=Status.APPROVED, created_at=start + dt.timedelta(seconds=number))
        for number in range(length)
    )
    for before, comment in pairwise(comments):
        comment.parent = before
    Comment.objects.bulk_update(comments, ["parent"], batch_size=500)
    return comments


class TestPlaces:
    def test_oldest_first_replies_below_what_they_answer(self, post: Post) -> None:
        a, b = write(post), write(post)
        b1, a1, a2 = write(post, b), write(post, a), write(post, a)
        a11 = write(post, a1)
        assert shape(thread(post).roots) == [
            (a.pk, [(a1.pk, [(a11.pk, [])]), (a2.pk, [])]),
            (b.pk, [(b1.pk, [])]),
        ]

    def test_order_is_by_time_not_by_number(self, post: Post) -> None:
        later = write(post, created_at=timezone.now())
        earlier = write(post, created_at=timezone.now() - dt.timedelta(days=1))
        assert [node.comment for node in thread(post).roots] == [earlier, later]

    def test_a_reply_may_be_older_than_what_it_answers(self, post: Post) -> None:
        parent = write(post, created_at=timezone.now())
        reply = write(post, parent, created_at=timezone.now() - dt.timedelta(days=1))
        assert shape(thread(post).roots) == [(parent.pk, [(reply.pk, [])])]

    def test_other_entries_have_their_own(self, post: Post) -> None:
        page = PageFactory.create()
        on_page = CommentFactory.create(entry=page)
        CommentFactory.create()
        assert list(thread(page).nodes) == [on_page.pk]
        assert thread(post).roots == []


class TestWhatIsShown:
    @pytest.mark.parametrize("status", [Status.PENDING, Status.SPAM, Status.TRASH])
    def test_only_what_is_approved(self, status: Status, post: Post) -> None:
        write(post, status=status)
        assert thread(post).nodes == {}

    def test_orphans_move_up_to_the_nearest_comment_that_is_shown(self, post: Post) -> None:
        top = write(post)
        hidden = write(post, write(post, top, status=Status.SPAM), status=Status.PENDING)
        orphan = write(post, hidden)
        other = write(post, write(post, status=Status.TRASH))
        assert shape(thread(post).roots) == [(top.pk, [(orphan.pk, [])]), (other.pk, [])]

    def test_answers_to_a_comment_of_another_entry_stand_by_themselves(self, post: Post) -> None:
        stray = write(post, CommentFactory.create())
        assert shape(thread(post).roots) == [(stray.pk, [])]

    def test_pingbacks_can_be_left_out_and_their_answers_stay(self, post: Post) -> None:
        pingback = write(post, kind=Kind.PINGBACK)
        answer = write(post, pingback)
        assert thread(post).count == 2
        assert shape(thread(post, pingbacks=False).roots) == [(answer.pk, [])]

    @pytest.mark.parametrize("status", [Status.PENDING, Status.SPAM])
    def test_what_waits_is_shown_to_its_sender_in_its_place_and_not_counted(self, status: Status, post: Post) -> None:
        parent = write(post)
        waiting = write(post, parent, status=status)
        write(post, status=Status.PENDING)
        shown = thread(post, own=waiting.pk)
        assert shape(shown.roots) == [(parent.pk, [(waiting.pk, [])])]
        assert shown.nodes[waiting.pk].is_unapproved
        assert not shown.nodes[parent.pk].is_unapproved
        assert shown.count == 1

    def test_what_was_trashed_does_not_wait(self, post: Post) -> None:
        assert thread(post, own=write(post, status=Status.TRASH).pk).nodes == {}

    def test_what_was_approved_meanwhile_does_not_wait(self, post: Post) -> None:
        comment = write(post)
        assert not thread(post, own=comment.pk).nodes[comment.pk].is_unapproved

    def test_a_comment_elsewhere_does_not_wait_here(self, post: Post) -> None:
        assert thread(post, own=CommentFactory.create(status=Status.PENDING).pk).nodes == {}


class TestMarks:
    def test_every_second_one_is_shaded_in_the_order_they_are_read(self, post: Post) -> None:
        a, b = write(post), write(post)
        a1 = write(post, a)
        nodes = thread(post).nodes
        assert [nodes[comment.pk].shaded for comment in (a, a1, b)] == [True, False, True]

    def test_the_author_of_the_post_is_marked(self, post: Post) -> None:
        own = write(post, user=post.author)
        others = [write(post), write(post, user=UserFactory.create())]
        nodes = thread(post).nodes
        assert nodes[own.pk].by_post_author
        assert not any(nodes[other.pk].by_post_author for other in others)


class TestDepth:
    def test_what_answers_the_deepest_stands_beside_it_and_says_whom_it_answers(self, post: Post) -> None:
        comments = chain(post, MAX_DEPTH + 2)
        nodes = thread(post).nodes
        assert [nodes[comment.pk].depth for comment in comments] == [1, 2, 3, 4, 5, 5, 5]
        answers = [nodes[comment.pk].reply_to for comment in comments]
        assert [node and node.comment for node in answers] == [None] * 5 + comments[4:6]
        assert [node.comment for node in nodes[comments[3].pk].replies] == comments[4:]

    def test_the_deepest_are_in_order_of_time(self, post: Post) -> None:
        *_, fourth, fifth = chain(post, 5)
        moment = fifth.created_at
        beside = [
            write(post, parent, created_at=moment + dt.timedelta(minutes=number))
            for number, parent in enumerate([fifth, fourth, fifth, fourth], start=1)
        ]
        assert [node.comment for node in thread(post).nodes[fourth.pk].replies] == [fifth, *beside]

    def test_a_thread_of_thousands_is_no_deeper(self, post: Post) -> None:
        chain(post, 3000)
        shown = thread(post)
        assert shown.count == 3000
        assert max(node.depth for node in shown.nodes.values()) == MAX_DEPTH

    def test_a_line_of_thousands_that_are_not_shown_leads_to_the_top(self, post: Post) -> None:
        comments = chain(post, 3000)
        Comment.objects.filter(pk__in=[comment.pk for comment in comments[1:-1]]).update(status=Status.SPAM)
        assert shape(thread(post).roots) == [(comments[0].pk, [(comments[-1].pk, [])])]


class TestCircles:
    """A broken import may hold them; the database refuses only those of one."""

    @pytest.mark.parametrize("length", [2, 3, 8])
    def test_all_comments_of_a_circle_are_shown_once(self, length: int, post: Post) -> None:
        comments = chain(post, length)
        Comment.objects.filter(pk=comments[0].pk).update(parent=comments[-1])
        shown = thread(post)
        assert len(shown.roots) == 1
        ahead, seen = list(shown.roots), []
        while ahead:
            node = ahead.pop()
            seen.append(node.comment.pk)
            ahead += node.replies
        assert sorted(seen) == [comment.pk for comment in comments]

    def test_an_answer_to_a_circle_that_is_not_shown_stands_by_itself(self, post: Post) -> None:
        first, second, answer = chain(post, 3)
        Comment.objects.filter(pk__in=[first.pk, second.pk]).update(status=Status.SPAM)
        Comment.objects.filter(pk=first.pk).update(parent=second)
        assert shape(thread(post).roots) == [(answer.pk, [])]


class TestQueries:
    def test_one_whatever_their_number(self, post: Post, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        for comment in chain(post, 30):
            write(post, comment, user=UserFactory.create(), name="")
        with django_assert_num_queries(1):
            names = [node.comment.author_name for node in thread(post, own=1).nodes.values()]
            assert len(names) == 60
