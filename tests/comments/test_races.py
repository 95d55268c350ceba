"""Concurrent writes. On SQLite, writers queue at BEGIN; on PostgreSQL, rows are locked one by one."""

import random
from contextlib import suppress

import pytest
from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from blog.models import Entry, Post
from comments import personal_data
from comments.models import Block, Comment, CommentPolicy, CommentSettings, Decision, Lesson, Token
from comments.models import CommentStatus as Status
from comments.moderation.counting import miscounted
from comments.moderation.decisions import OvertakenError, approve, edit, mark_spam, reply, restore, trash
from comments.moderation.submission import TooLateError, delete_own, revise, submit
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db(transaction=True)


def send(post: Entry, text: str, parent: Comment | None = None) -> Comment:
    settings = CommentSettings(comment_policy=CommentPolicy.OPEN, proof_of_work=False, comments_per_site=0)
    return submit(post, name="Ann", email="ann@example.org", text=text, parent=parent, settings=settings)


def test_simultaneous_clicks_store_one_comment(at_once: AtOnce) -> None:
    post = PostFactory.create()
    texts = [f"Hello {index}" for index in range(10)]
    at_once(*[lambda: [send(post, text) for text in texts]] * 4)
    post.refresh_from_db()
    assert (Comment.objects.count(), post.comment_count) == (10, 10)


def test_concurrent_decisions_are_all_counted(at_once: AtOnce) -> None:
    posts = PostFactory.create_batch(15)
    moderator = UserFactory.create()
    shares = [[CommentFactory.create(entry=post, status=Status.PENDING) for post in posts] for _ in range(4)]
    at_once(*[lambda share=share: [approve([comment], moderator) for comment in share] for share in shares])
    assert set(Post.objects.values_list("comment_count", flat=True)) == {4}


def test_moderators_and_readers_never_deadlock(at_once: AtOnce) -> None:
    posts = PostFactory.create_batch(2)
    comments = [CommentFactory.create(entry=posts[index % 2], status=Status.PENDING) for index in range(12)]
    moderators = UserFactory.create_batch(4)

    def moderate(index: int) -> None:
        chance = random.Random(index)  # noqa: S311  (an order, not a secret)
        for _ in range(5):
            decide = chance.choice([approve, mark_spam, trash, restore])
            decide(chance.sample(comments, 8), moderators[index])

    def send_replies(index: int) -> None:
        for count in range(5):
            parent = comments[(index + count) % len(comments)]
            send(parent.entry, f"{index} {count}", parent)

    at_once(*[lambda n=n: moderate(n) for n in range(4)], *[lambda n=n: send_replies(n) for n in range(2)])
    assert list(miscounted()) == []
    for comment in comments:
        current: str = Status.PENDING
        for decision in Decision.objects.filter(comment=comment).order_by("pk"):
            assert decision.was == current
            current = decision.became
        assert current == Comment.objects.get(pk=comment.pk).status


def test_an_author_in_two_tabs_and_a_moderator_leave_a_consistent_state(at_once: AtOnce) -> None:
    """Each text is current or kept as a Revision, and nothing changes after a moderator has decided."""
    settings = CommentSettings(comment_policy=CommentPolicy.OPEN)
    posts = PostFactory.create_batch(6)
    comments = [send(post, "Text 0") for post in posts]
    moderator = UserFactory.create()

    def change(text: str) -> None:
        for comment in comments:
            with suppress(TooLateError, Comment.DoesNotExist):
                revise(comment, text, settings=settings)

    def delete_all() -> None:
        for comment in comments[:2] * 2:
            with suppress(TooLateError, Comment.DoesNotExist):
                delete_own(comment)

    def send_replies(index: int) -> None:
        for comment in comments:
            send(comment.entry, f"Reply {index}", comment)

    at_once(
        lambda: send_replies(1),
        lambda: send_replies(2),
        lambda: change("Text 1"),
        lambda: change("Text 2"),
        delete_all,
        delete_all,
        lambda: mark_spam(comments[::-1], moderator),
    )
    assert list(miscounted()) == []
    assert Comment.objects.filter(text__startswith="Reply").count() == 12
    for comment in Comment.objects.filter(pk__in=[comment.pk for comment in comments]):
        assert comment.status == Status.SPAM
        texts = [*comment.revisions.order_by("pk").values_list("text", flat=True), comment.text]
        assert texts[0] == "Text 0"
        assert len(set(texts)) == len(texts)
    assert set(Comment.objects.values_list("pk", flat=True)) >= {comment.pk for comment in comments[2:]}


def test_erasing_during_moderation_replies_and_another_erasure_leaves_no_personal_data(at_once: AtOnce) -> None:
    posts = PostFactory.create_batch(3)
    erased = [
        CommentFactory.create(entry=posts[index % 3], status=Status.PENDING, email="rosa@example.org", name="Rosa")
        for index in range(12)
    ]
    others = [CommentFactory.create(entry=comment.entry, parent=comment) for comment in erased]
    moderators = UserFactory.create_batch(2)

    def moderate(index: int) -> None:
        chance = random.Random(index)  # noqa: S311  (an order, not a secret)
        for _ in range(6):
            decide = chance.choice([approve, mark_spam, trash, restore])
            decide(chance.sample([*erased, *others], 10), moderators[index])

    def send_replies() -> None:
        for comment in erased:
            send(comment.entry, f"Reply to {comment.pk}", comment)

    at_once(
        lambda: moderate(0),
        lambda: moderate(1),
        send_replies,
        lambda: personal_data.erase("rosa@example.org", keep_text=True, by=None),
        lambda: personal_data.erase("rosa@example.org", keep_text=False, by=None),
    )
    assert not Comment.objects.filter(Q(email="rosa@example.org") | Q(name="Rosa")).exists()
    assert Comment.objects.filter(text__startswith="Reply to").count() == 12
    assert Comment.objects.filter(pk__in=[comment.pk for comment in others]).count() == 12
    assert list(miscounted()) == []
    lessons = Lesson.objects.values_list("status", flat=True)
    total = Token.objects.filter(text="").first()
    assert (total.ham + total.spam if total else 0) == len(lessons)


def test_only_one_of_several_moderators_decides_and_the_others_are_overtaken(at_once: AtOnce) -> None:
    comments = [CommentFactory.create(status=Status.PENDING) for _ in range(6)]
    seen = {comment.pk: comment.mark for comment in comments}
    moderators = UserFactory.create_batch(4)
    overtaken: list[int] = []

    def moderate(index: int) -> None:
        decide = [approve, mark_spam, trash, mark_spam][index]
        for comment in comments[index:] + comments[:index]:
            overtaken.extend(decide([comment], moderators[index], seen).overtaken)

    at_once(*[lambda n=n: moderate(n) for n in range(4)])
    assert sorted(overtaken) == sorted([comment.pk for comment in comments] * 3)
    assert Decision.objects.count() == 6


def test_only_one_of_several_edits_is_saved_and_nothing_is_lost(at_once: AtOnce) -> None:
    comment = CommentFactory.create(text="Before")
    mark = comment.mark
    moderators = UserFactory.create_batch(4)
    refused: list[int] = []

    def change(index: int) -> None:
        try:
            edit(comment, {"text": f"Text {index}"}, moderators[index], mark=mark)
        except OvertakenError:
            refused.append(index)

    at_once(*[lambda n=n: change(n) for n in range(4)])
    comment.refresh_from_db()
    assert len(refused) == 3
    assert comment.text not in {f"Text {index}" for index in refused}
    assert comment.revisions.get().text == "Before"


def test_only_one_of_several_replies_is_published(at_once: AtOnce) -> None:
    comment = CommentFactory.create(status=Status.PENDING)
    seen = {comment.pk: comment.mark}
    moderators = [UserFactory.create(role="Moderator") for _ in range(3)]
    refused: list[User] = []

    def answer(moderator: User) -> None:
        try:
            reply(comment, f"Thanks, {moderator.pk}", moderator, settings=CommentSettings(), seen=seen)
        except OvertakenError:
            refused.append(moderator)

    at_once(*[lambda m=m: answer(m) for m in moderators])
    assert len(refused) == 2
    assert Comment.objects.filter(parent=comment).count() == 1
    assert list(miscounted()) == []


@pytest.mark.parametrize(
    ("url", "statuses"),
    [("admin:comments_block_add", [200, 200, 200, 302]), ("admin:comments_queue_similar", [302] * 4)],
)
def test_a_name_blocked_by_several_moderators_is_blocked_once(url: str, statuses: list[int], at_once: AtOnce) -> None:
    clients = [client_of(UserFactory(role="Moderator")) for _ in range(4)]
    path, data = f"{reverse(url)}?kind=name&text=Shop", {"kind": "name", "text": "Shop", "verdict": "spam"}
    responses = at_once(*[lambda client=client: client.post(path, data) for client in clients])
    assert sorted(response.status_code for response in responses) == statuses
    assert Block.objects.count() == 1
