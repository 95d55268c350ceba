"""What a process remembers until public content other than comments changes."""

import datetime as dt
import time
from collections.abc import Iterator
from itertools import count

import pytest
from django.db import transaction
from django.utils import timezone, translation

from comments.moderation.counting import recount, recount_all
from core import memory
from core.changes import ContentVersion, content_version
from core.memory import remembered
from core.models import SiteSettings
from tests.factories import CommentFactory, PostFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def numbers() -> Iterator[int]:
    return count(1)


def ask(numbers: Iterator[int], *key: str) -> int:
    return remembered(SiteSettings.current(), lambda: next(numbers), *key)


class TestRemembered:
    def test_is_made_once_for_each_key(self, numbers: Iterator[int]) -> None:
        assert [ask(numbers, "a"), ask(numbers, "a"), ask(numbers, "b"), ask(numbers, "a")] == [1, 1, 2, 1]

    def test_is_made_again_after_public_content_has_changed(self, numbers: Iterator[int]) -> None:
        ask(numbers, "a")
        PostFactory()
        assert ask(numbers, "a") == 2

    def test_is_made_again_after_another_process_has_changed_public_content(self, numbers: Iterator[int]) -> None:
        ask(numbers, "a")
        ContentVersion.objects.update(number=5, entries=5)
        assert ask(numbers, "a") == 2

    def test_is_made_again_if_comments_and_other_things_change_in_one_transaction(self, numbers: Iterator[int]) -> None:
        post = PostFactory()
        ask(numbers, "a")
        with transaction.atomic():
            CommentFactory(entry=post)
            post.title = "Another"
            post.save()
        assert ask(numbers, "a") == 2

    def test_is_made_again_when_a_scheduled_post_is_due(
        self, numbers: Iterator[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        PostFactory(published_at=timezone.now() + dt.timedelta(minutes=1))
        assert ask(numbers, "a") == 1
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 50)
        assert ask(numbers, "a") == 1
        monkeypatch.setattr(time, "monotonic", lambda: now + 61)
        assert ask(numbers, "a") == 2

    def test_depends_on_the_language(self, numbers: Iterator[int]) -> None:
        ask(numbers, "a")
        with translation.override("fr"):
            assert ask(numbers, "a") == 2

    def test_has_a_limit(self, numbers: Iterator[int], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memory, "MAX_VALUES", 1)
        assert [ask(numbers, "a"), ask(numbers, "b"), ask(numbers, "b"), ask(numbers, "a")] == [1, 2, 3, 1]


@pytest.mark.django_db(transaction=True)
class TestComments:
    def test_leave_what_is_remembered_alone(self, numbers: Iterator[int]) -> None:
        post = PostFactory()
        ask(numbers, "a")
        version = content_version()
        comment = CommentFactory(entry=post)
        recount(post)
        comment.delete()
        recount_all([post.pk])
        assert content_version() == version + 4
        assert ask(numbers, "a") == 1

    def test_settings_that_are_remembered_know_the_current_content_version(self) -> None:
        post = PostFactory()
        before = SiteSettings.remembered()
        CommentFactory(entry=post)
        after = SiteSettings.remembered()
        assert before.content_version < after.content_version == content_version()
        assert before.entries_version == after.entries_version
