"""`manage.py tidy_comments`: spam and trash go when their time is over, and nothing else does."""

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from comments import cleanup
from comments.models import Comment, CommentSettings, RateCount, SpentChallenge
from comments.models import CommentStatus as Status
from core.models import SiteSettings
from tests.factories import CommentFactory, PostFactory

pytestmark = pytest.mark.django_db


def tidy() -> str:
    out = StringIO()
    call_command("tidy_comments", stdout=out)
    return out.getvalue()


def aged(status: Status, days: float, **more: object) -> Comment:
    since = timezone.now() - dt.timedelta(days=days)
    return CommentFactory.create(status=status, status_since=since, **more)


class TestComments:
    @pytest.mark.parametrize("status", list(Status))
    def test_only_spam_and_trash_go_after_as_many_days_as_the_site_says(self, status: Status) -> None:
        CommentSettings.objects.update(keep_spam_days=10)
        young, old = aged(status, 9.9), aged(status, 10.1)
        tidy()
        kept = {young.pk} if status in {Status.SPAM, Status.TRASH} else {young.pk, old.pk}
        assert set(Comment.objects.values_list("pk", flat=True)) == kept

    def test_it_counts_since_when_they_stand_so_not_when_they_were_written(self) -> None:
        aged(Status.SPAM, 1, created_at=timezone.now() - dt.timedelta(days=3_000))
        tidy()
        assert Comment.objects.count() == 1

    def test_answers_stay(self) -> None:
        post = PostFactory.create()
        answer = CommentFactory.create(entry=post, parent=aged(Status.SPAM, 40, entry=post))
        tidy()
        answer.refresh_from_db()
        assert answer.parent is None

    def test_answers_stay_below_what_was_answered(self) -> None:
        """Readers saw them there already: what is not shown is passed over."""
        post = PostFactory.create()
        first = CommentFactory.create(entry=post)
        spam = aged(Status.SPAM, 40, entry=post, parent=first)
        answer = CommentFactory.create(entry=post, parent=aged(Status.TRASH, 40, entry=post, parent=spam))
        tidy()
        answer.refresh_from_db()
        assert answer.parent == first

    def test_cached_pages_stay_as_they_are(self, django_capture_on_commit_callbacks: Any) -> None:
        """Readers never saw what goes."""
        answer = CommentFactory.create()
        for status in (Status.SPAM, Status.TRASH):
            CommentFactory.create(entry=answer.entry, parent=aged(status, 40, entry=answer.entry, parent=answer))
        before = SiteSettings.objects.get().content_version
        with django_capture_on_commit_callbacks(execute=True):
            tidy()
        assert Comment.objects.count() == 3
        assert SiteSettings.objects.get().content_version == before

    def test_many_go_some_at_a_time_and_their_number_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cleanup, "BATCH", 2)
        post = PostFactory.create()
        for status, number in ((Status.SPAM, 5), (Status.TRASH, 4)):
            for _ in range(number):
                aged(status, 31, entry=post)
        said = tidy()
        assert "Spam deleted, older than 30 days: 5" in said
        assert "Trash deleted, older than 30 days: 4" in said
        assert not Comment.objects.exists()


def test_counts_and_tasks_that_are_over_go_too() -> None:
    now = timezone.now()
    period = int(now.timestamp()) // 600
    for sender, when in (("a", period - 1), ("a", period + 1)):
        RateCount.objects.create(sender=sender, period=when, count=1)
    for number, minutes in (("a", -1), ("b", 1)):
        SpentChallenge.objects.create(nonce=number, expires_at=now + dt.timedelta(minutes=minutes))
    said = tidy()
    assert "Rate limit counters deleted: 1" in said
    assert "Used proofs of work deleted: 1" in said
    assert SpentChallenge.objects.get().nonce == "b"
