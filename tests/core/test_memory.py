"""Values that a process caches in memory until public content other than comments changes."""

import datetime as dt
import time
from collections.abc import Iterator
from itertools import count

import pytest
from django.db import transaction
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from comments.moderation.counting import recount, recount_all
from core import memory
from core.changes import ContentVersion, content_version
from core.memory import Recent
from core.models import SiteSettings
from tests.factories import CommentFactory, PostFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def numbers() -> Iterator[int]:
    return count(1)


def recall(numbers: Iterator[int], *key: str) -> int:
    return SiteSettings.current().remember(lambda: next(numbers), *key)


class TestRemembered:
    def test_value_is_computed_once_for_each_key(self, numbers: Iterator[int]) -> None:
        assert [recall(numbers, "a"), recall(numbers, "a"), recall(numbers, "b"), recall(numbers, "a")] == [1, 1, 2, 1]

    def test_value_is_computed_again_after_public_content_has_changed(self, numbers: Iterator[int]) -> None:
        recall(numbers, "a")
        PostFactory()
        assert recall(numbers, "a") == 2

    def test_value_is_computed_again_after_another_process_has_changed_public_content(
        self, numbers: Iterator[int]
    ) -> None:
        recall(numbers, "a")
        ContentVersion.objects.update(number=5, entries=5)
        assert recall(numbers, "a") == 2

    def test_value_is_computed_again_if_comments_and_a_post_change_in_one_transaction(
        self, numbers: Iterator[int]
    ) -> None:
        post = PostFactory()
        recall(numbers, "a")
        with transaction.atomic():
            CommentFactory(entry=post)
            post.title = "Another"
            post.save()
        assert recall(numbers, "a") == 2

    def test_value_is_computed_again_when_a_scheduled_post_is_due(
        self, numbers: Iterator[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        PostFactory(published_at=timezone.now() + dt.timedelta(minutes=1))
        assert recall(numbers, "a") == 1
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 50)
        assert recall(numbers, "a") == 1
        monkeypatch.setattr(time, "time", lambda: now + 61)
        assert recall(numbers, "a") == 2

    @pytest.mark.parametrize("seconds", [-60, 365 * 24 * 60 * 60], ids=["back", "forward by a year"])
    def test_value_is_computed_again_after_the_clock_was_set(
        self, numbers: Iterator[int], monkeypatch: pytest.MonkeyPatch, seconds: int
    ) -> None:
        recall(numbers, "a")
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + seconds)
        assert recall(numbers, "a") == 2

    def test_value_depends_on_the_language(self, numbers: Iterator[int]) -> None:
        recall(numbers, "a")
        with translation.override("fr"):
            assert recall(numbers, "a") == 2

    def test_number_of_values_is_limited(self, numbers: Iterator[int], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memory, "MAX_VALUES", 1)
        assert [recall(numbers, "a"), recall(numbers, "b"), recall(numbers, "b"), recall(numbers, "a")] == [1, 2, 3, 1]


@pytest.mark.django_db(transaction=True)
class TestComments:
    def test_do_not_invalidate_remembered_values(self, numbers: Iterator[int]) -> None:
        post = PostFactory()
        recall(numbers, "a")
        version = content_version()
        comment = CommentFactory(entry=post)
        recount(post)
        comment.delete()
        recount_all([post.pk])
        assert content_version() == version + 4
        assert recall(numbers, "a") == 1

    def test_remembered_settings_have_the_current_content_version(self) -> None:
        post = PostFactory()
        before = SiteSettings.remembered()
        CommentFactory(entry=post)
        after = SiteSettings.remembered()
        assert before.content_version < after.content_version == content_version()
        assert before.entries_version == after.entries_version


class TestRecent:
    def test_drops_the_least_recently_used_value(self) -> None:
        recent = Recent[str, int](max_bytes=20)
        recent.add("a", 1, 10)
        recent.add("b", 2, 10)
        assert recent.get("a") == 1
        recent.add("c", 3, 10)
        assert [recent.get(key) for key in "abc"] == [1, None, 3]

    def test_keeps_no_value_larger_than_its_limit(self) -> None:
        recent = Recent[str, int](max_bytes=20)
        recent.add("a", 1, 21)
        assert (recent.get("a"), recent.size) == (None, 0)

    @given(st.lists(st.tuples(st.sampled_from(["add", "get", "pop"]), st.integers(0, 5), st.integers(0, 12))))
    def test_never_exceeds_its_limit(self, steps: list[tuple[str, int, int]]) -> None:
        recent, sizes = Recent[int, int](max_bytes=30), dict[int, int]()
        for step, key, size in steps:
            if step == "add":
                recent.add(key, size, size)
                sizes[key] = size
            elif step == "pop":
                recent.pop(key)
            kept = {key: recent.get(key) for key in sizes}
            assert recent.size == sum(size for size in kept.values() if size is not None) <= 30
            assert all(size in {None, sizes[key]} for key, size in kept.items())
