"""Several people save the same post at the same moment."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from blog import publishing
from blog.models import Post
from tests.blog.desk import admin_page, at_desk, form
from tests.factories import PostFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each of `works` gave, all begun at the same moment."""
    start = threading.Barrier(len(works), timeout=10)
    results: list[Any] = [None] * len(works)

    def run(number: int, work: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            start.wait()
            results[number] = work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def test_one_of_them_is_saved_and_the_others_are_told() -> None:
    post = PostFactory(title="Before")
    editors = [(f"By {number}", at_desk(UserFactory(role="Editor"))) for number in range(4)]
    sent = {title: form(post, title=title) for title, _desk in editors}
    answers = at_once(
        *[lambda desk=desk, title=title: desk.post(admin_page(post, "change"), sent[title]) for title, desk in editors]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 302]
    winner = next(title for (title, _desk), answer in zip(editors, answers, strict=True) if answer.status_code == 302)
    assert Post.objects.get().title == winner


def test_saving_loses_no_comment_that_is_counted_meanwhile() -> None:
    post = PostFactory()
    editor = UserFactory(role="Editor")
    desk = at_desk(editor)

    def count() -> None:
        for _ in range(20):
            Post.objects.filter(pk=post.pk).update(comment_count=F("comment_count") + 1)

    def save() -> None:
        for number in range(8):
            desk.post(admin_page(post, "change"), form(Post.objects.get(), title=f"Title {number}"))

    def withdraw_and_publish() -> None:
        for _ in range(4):
            publishing.withdraw(Post.objects.all(), editor)
            publishing.publish(Post.objects.all(), editor)

    at_once(count, save, withdraw_and_publish)
    assert Post.objects.get().comment_count == 20
