"""What a process remembers until public content changes."""

import datetime as dt
import time
from collections.abc import Iterator
from itertools import count

import pytest
from django.utils import timezone, translation

from core import memory
from core.changes import ContentVersion
from core.memory import remembered
from core.models import SiteSettings
from tests.factories import PostFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def numbers() -> Iterator[int]:
    return count(1)


def ask(numbers: Iterator[int], *key: str) -> int:
    return remembered(SiteSettings.current(), lambda: next(numbers), *key)


class TestRemembered:
    def test_is_made_once_for_each_key(self, numbers: Iterator[int]) -> None:
        assert [ask(numbers, "a"), ask(numbers, "a"), ask(numbers, "b"), ask(numbers, "a")] == [1, 1, 2, 1]

    def test_is_made_again_under_a_new_content_version(self, numbers: Iterator[int]) -> None:
        ask(numbers, "a")
        ContentVersion.objects.update(number=5)
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
