"""Several people at the same moment. On SQLite writers queue at BEGIN; on PostgreSQL rows are locked one by one."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from django.db import connection
from django.db.models import Q

from blog.models import Post
from blog.site import CommentPolicy, SiteSettings
from comments import privacy
from comments.counting import miscounted
from comments.models import Comment, Decision, Lesson, Status, Token
from comments.moderation import (
    OvertakenError,
    answer,
    approve,
    edit,
    mark_spam,
    restore,
    submit,
    trash,
)
from comments.senders import TooLateError, delete_by_sender, revise_by_sender
from tests.factories import CommentFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], object]) -> None:
    """Do all `works` at the same moment; an error in one is an error of the test."""
    start = threading.Barrier(len(works), timeout=10)
    errors: list[Exception] = []

    def run(work: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            start.wait()
            work()
        except Exception as error:  # noqa: BLE001  (told to the test below)
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert errors == []


def send(post: Post, text: str, parent: Comment | None = None) -> Comment:
    site = SiteSettings(comment_policy=CommentPolicy.OPEN, proof_of_work=False, comments_per_site=0)
    return submit(post, name="Ann", email="ann@example.org", text=text, parent=parent, site=site)


def test_clicks_at_the_same_moment_store_one_comment() -> None:
    post = PostFactory.create()
    texts = [f"Hello {number}" for number in range(10)]
    at_once(*[lambda: [send(post, text) for text in texts]] * 4)
    post.refresh_from_db()
    assert (Comment.objects.count(), post.comment_count) == (10, 10)


def test_everybody_who_decides_counts_what_the_others_did() -> None:
    posts = PostFactory.create_batch(15)
    moderator = UserFactory.create()
    shares = [[CommentFactory.create(post=post, status=Status.PENDING) for post in posts] for _ in range(4)]
    at_once(*[lambda share=share: [approve([comment], moderator) for comment in share] for share in shares])
    assert set(Post.objects.values_list("comment_count", flat=True)) == {4}


def test_moderators_and_readers_do_not_stand_in_each_other_s_way() -> None:
    posts = PostFactory.create_batch(2)
    comments = [CommentFactory.create(post=posts[number % 2], status=Status.PENDING) for number in range(12)]
    moderators = UserFactory.create_batch(4)

    def moderate(number: int) -> None:
        chance = random.Random(number)  # noqa: S311  (an order, not a secret)
        for _ in range(5):
            move = chance.choice([approve, mark_spam, trash, restore])
            move(chance.sample(comments, 8), moderators[number])

    def answer(number: int) -> None:
        for count in range(5):
            parent = comments[(number + count) % len(comments)]
            assert parent.post is not None
            send(parent.post, f"{number} {count}", parent)

    at_once(*[lambda n=n: moderate(n) for n in range(4)], *[lambda n=n: answer(n) for n in range(2)])
    assert list(miscounted()) == []
    for comment in comments:
        stands: str = Status.PENDING
        for decision in Decision.objects.filter(comment=comment).order_by("pk"):
            assert decision.was == stands
            stands = decision.became
        assert stands == Comment.objects.get(pk=comment.pk).status


def test_a_sender_in_two_tabs_and_a_moderator_leave_one_true_state() -> None:
    """Each text is the comment's or kept as a Revision, and what a moderator has decided about is not changed after."""
    site = SiteSettings(comment_policy=CommentPolicy.OPEN)
    posts = PostFactory.create_batch(6)
    comments = [send(post, "Text 0") for post in posts]
    moderator = UserFactory.create()

    def revise(text: str) -> None:
        for comment in comments:
            with suppress(TooLateError, Comment.DoesNotExist):
                revise_by_sender(comment, text, site=site)

    def remove() -> None:
        for comment in comments[:2] * 2:
            with suppress(TooLateError, Comment.DoesNotExist):
                delete_by_sender(comment)

    def answer(number: int) -> None:
        for comment in comments:
            assert comment.post is not None
            send(comment.post, f"Answer {number}", comment)

    at_once(
        lambda: answer(1),
        lambda: answer(2),
        lambda: revise("Text 1"),
        lambda: revise("Text 2"),
        remove,
        remove,
        lambda: mark_spam(comments[::-1], moderator),
    )
    assert list(miscounted()) == []
    assert Comment.objects.filter(text__startswith="Answer").count() == 12
    for comment in Comment.objects.filter(pk__in=[comment.pk for comment in comments]):
        assert comment.status == Status.SPAM
        texts = [*comment.revisions.order_by("pk").values_list("text", flat=True), comment.text]
        assert texts[0] == "Text 0"
        assert len(set(texts)) == len(texts)
    assert set(Comment.objects.values_list("pk", flat=True)) >= {comment.pk for comment in comments[2:]}


def test_erasing_somebody_while_others_moderate_answer_and_erase_leaves_nothing_of_her() -> None:
    posts = PostFactory.create_batch(3)
    hers = [
        CommentFactory.create(post=posts[number % 3], status=Status.PENDING, email="rosa@example.org", name="Rosa")
        for number in range(12)
    ]
    others = [CommentFactory.create(post=comment.post, parent=comment) for comment in hers]
    moderators = UserFactory.create_batch(2)

    def moderate(number: int) -> None:
        chance = random.Random(number)  # noqa: S311  (an order, not a secret)
        for _ in range(6):
            move = chance.choice([approve, mark_spam, trash, restore])
            move(chance.sample([*hers, *others], 10), moderators[number])

    def answer() -> None:
        for comment in hers:
            assert comment.post is not None
            send(comment.post, f"Answer to {comment.pk}", comment)

    at_once(
        lambda: moderate(0),
        lambda: moderate(1),
        answer,
        lambda: privacy.erase("rosa@example.org", keep_text=True),
        lambda: privacy.erase("rosa@example.org", keep_text=False),
    )
    assert not Comment.objects.filter(Q(email="rosa@example.org") | Q(name="Rosa")).exists()
    assert Comment.objects.filter(text__startswith="Answer to").count() == 12
    assert Comment.objects.filter(pk__in=[comment.pk for comment in others]).count() == 12
    assert list(miscounted()) == []
    learnt = Lesson.objects.values_list("status", flat=True)
    total = Token.objects.filter(text="").first()
    assert (total.ham + total.spam if total else 0) == len(learnt)


def test_of_several_who_saw_the_same_one_decides_and_the_others_are_told() -> None:
    comments = [CommentFactory.create(status=Status.PENDING) for _ in range(6)]
    seen = {comment.pk: comment.mark for comment in comments}
    moderators = UserFactory.create_batch(4)
    overtaken: list[int] = []

    def decide(number: int) -> None:
        move = [approve, mark_spam, trash, mark_spam][number]
        for comment in comments[number:] + comments[:number]:
            overtaken.extend(move([comment], moderators[number], seen).overtaken)

    at_once(*[lambda n=n: decide(n) for n in range(4)])
    assert sorted(overtaken) == sorted([comment.pk for comment in comments] * 3)
    assert Decision.objects.count() == 6


def test_of_several_who_edit_the_same_text_one_does_and_nothing_is_lost() -> None:
    comment = CommentFactory.create(text="Before")
    mark = comment.mark
    moderators = UserFactory.create_batch(4)
    refused: list[int] = []

    def change(number: int) -> None:
        try:
            edit(comment, {"text": f"Text {number}"}, moderators[number], mark=mark)
        except OvertakenError:
            refused.append(number)

    at_once(*[lambda n=n: change(n) for n in range(4)])
    comment.refresh_from_db()
    assert len(refused) == 3
    assert comment.text not in {f"Text {number}" for number in refused}
    assert comment.revisions.get().text == "Before"


def test_of_two_who_answer_the_same_one_is_published() -> None:
    comment = CommentFactory.create(status=Status.PENDING)
    seen = {comment.pk: comment.mark}
    moderators = [UserFactory.create(role="Moderator") for _ in range(3)]
    at_once(*[lambda m=m: answer(comment, f"Thanks, {m.pk}", m, site=SiteSettings(), seen=seen) for m in moderators])
    assert Comment.objects.filter(parent=comment).count() == 1
    assert list(miscounted()) == []
