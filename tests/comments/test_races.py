"""Several people at the same moment. On SQLite writers queue at BEGIN; on PostgreSQL rows are locked one by one."""

import random
from contextlib import suppress

import pytest
from django.db.models import Q

from blog.models import Entry, Post
from comments import personal_data
from comments.models import Comment, CommentPolicy, CommentSettings, Decision, Lesson, Token
from comments.models import CommentStatus as Status
from comments.moderation.counting import miscounted
from comments.moderation.decisions import OvertakenError, approve, edit, mark_spam, reply, restore, trash
from comments.moderation.self_service import TooLateError, delete_own, revise
from comments.moderation.submission import submit
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db(transaction=True)


def send(post: Entry, text: str, parent: Comment | None = None) -> Comment:
    settings = CommentSettings(comment_policy=CommentPolicy.OPEN, proof_of_work=False, comments_per_site=0)
    return submit(post, name="Ann", email="ann@example.org", text=text, parent=parent, settings=settings)


def test_clicks_at_the_same_moment_store_one_comment(at_once: AtOnce) -> None:
    post = PostFactory.create()
    texts = [f"Hello {number}" for number in range(10)]
    at_once(*[lambda: [send(post, text) for text in texts]] * 4)
    post.refresh_from_db()
    assert (Comment.objects.count(), post.comment_count) == (10, 10)


def test_everybody_who_decides_counts_what_the_others_did(at_once: AtOnce) -> None:
    posts = PostFactory.create_batch(15)
    moderator = UserFactory.create()
    shares = [[CommentFactory.create(entry=post, status=Status.PENDING) for post in posts] for _ in range(4)]
    at_once(*[lambda share=share: [approve([comment], moderator) for comment in share] for share in shares])
    assert set(Post.objects.values_list("comment_count", flat=True)) == {4}


def test_moderators_and_readers_do_not_stand_in_each_other_s_way(at_once: AtOnce) -> None:
    posts = PostFactory.create_batch(2)
    comments = [CommentFactory.create(entry=posts[number % 2], status=Status.PENDING) for number in range(12)]
    moderators = UserFactory.create_batch(4)

    def moderate(number: int) -> None:
        chance = random.Random(number)  # noqa: S311  (an order, not a secret)
        for _ in range(5):
            move = chance.choice([approve, mark_spam, trash, restore])
            move(chance.sample(comments, 8), moderators[number])

    def answer(number: int) -> None:
        for count in range(5):
            parent = comments[(number + count) % len(comments)]
            send(parent.entry, f"{number} {count}", parent)

    at_once(*[lambda n=n: moderate(n) for n in range(4)], *[lambda n=n: answer(n) for n in range(2)])
    assert list(miscounted()) == []
    for comment in comments:
        stands: str = Status.PENDING
        for decision in Decision.objects.filter(comment=comment).order_by("pk"):
            assert decision.was == stands
            stands = decision.became
        assert stands == Comment.objects.get(pk=comment.pk).status


def test_a_sender_in_two_tabs_and_a_moderator_leave_one_true_state(at_once: AtOnce) -> None:
    """Each text is the comment's or kept as a Revision, and what a moderator has decided about is not changed after."""
    settings = CommentSettings(comment_policy=CommentPolicy.OPEN)
    posts = PostFactory.create_batch(6)
    comments = [send(post, "Text 0") for post in posts]
    moderator = UserFactory.create()

    def change(text: str) -> None:
        for comment in comments:
            with suppress(TooLateError, Comment.DoesNotExist):
                revise(comment, text, settings=settings)

    def remove() -> None:
        for comment in comments[:2] * 2:
            with suppress(TooLateError, Comment.DoesNotExist):
                delete_own(comment)

    def answer(number: int) -> None:
        for comment in comments:
            send(comment.entry, f"Answer {number}", comment)

    at_once(
        lambda: answer(1),
        lambda: answer(2),
        lambda: change("Text 1"),
        lambda: change("Text 2"),
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


def test_erasing_somebody_while_others_moderate_answer_and_erase_leaves_nothing_of_her(at_once: AtOnce) -> None:
    posts = PostFactory.create_batch(3)
    hers = [
        CommentFactory.create(entry=posts[number % 3], status=Status.PENDING, email="rosa@example.org", name="Rosa")
        for number in range(12)
    ]
    others = [CommentFactory.create(entry=comment.entry, parent=comment) for comment in hers]
    moderators = UserFactory.create_batch(2)

    def moderate(number: int) -> None:
        chance = random.Random(number)  # noqa: S311  (an order, not a secret)
        for _ in range(6):
            move = chance.choice([approve, mark_spam, trash, restore])
            move(chance.sample([*hers, *others], 10), moderators[number])

    def answer() -> None:
        for comment in hers:
            send(comment.entry, f"Answer to {comment.pk}", comment)

    at_once(
        lambda: moderate(0),
        lambda: moderate(1),
        answer,
        lambda: personal_data.erase("rosa@example.org", keep_text=True),
        lambda: personal_data.erase("rosa@example.org", keep_text=False),
    )
    assert not Comment.objects.filter(Q(email="rosa@example.org") | Q(name="Rosa")).exists()
    assert Comment.objects.filter(text__startswith="Answer to").count() == 12
    assert Comment.objects.filter(pk__in=[comment.pk for comment in others]).count() == 12
    assert list(miscounted()) == []
    learnt = Lesson.objects.values_list("status", flat=True)
    total = Token.objects.filter(text="").first()
    assert (total.ham + total.spam if total else 0) == len(learnt)


def test_of_several_who_saw_the_same_one_decides_and_the_others_are_told(at_once: AtOnce) -> None:
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


def test_of_several_who_edit_the_same_text_one_does_and_nothing_is_lost(at_once: AtOnce) -> None:
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


def test_of_two_who_answer_the_same_one_is_published(at_once: AtOnce) -> None:
    comment = CommentFactory.create(status=Status.PENDING)
    seen = {comment.pk: comment.mark}
    moderators = [UserFactory.create(role="Moderator") for _ in range(3)]
    at_once(
        *[lambda m=m: reply(comment, f"Thanks, {m.pk}", m, settings=CommentSettings(), seen=seen) for m in moderators]
    )
    assert Comment.objects.filter(parent=comment).count() == 1
    assert list(miscounted()) == []
