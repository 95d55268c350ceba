"""`manage.py tidy_comments` deletes spam and trash after a while, and nothing else."""

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from comments import tidying
from comments.models import Comment, CommentSettings, RateCount, SpentChallenge
from comments.models import CommentStatus as Status
from core.models import SiteSettings
from tests.factories import CommentFactory, PostFactory

pytestmark = pytest.mark.django_db


def tidy() -> str:
    out = StringIO()
    call_command("tidy_comments", stdout=out)
    return out.getvalue()


def aged_comment(status: Status, days: float, **more: object) -> Comment:
    since = timezone.now() - dt.timedelta(days=days)
    return CommentFactory.create(status=status, status_since=since, **more)


class TestComments:
    @pytest.mark.parametrize("status", list(Status))
    def test_only_spam_and_trash_are_deleted_after_the_configured_days(self, status: Status) -> None:
        CommentSettings.objects.update(keep_spam_days=10)
        young, old = aged_comment(status, 9.9), aged_comment(status, 10.1)
        tidy()
        kept = {young.pk} if status in {Status.SPAM, Status.TRASH} else {young.pk, old.pk}
        assert set(Comment.objects.values_list("pk", flat=True)) == kept

    def test_the_age_counts_from_the_last_change_of_status(self) -> None:
        aged_comment(Status.SPAM, 1, created_at=timezone.now() - dt.timedelta(days=3_000))
        tidy()
        assert Comment.objects.count() == 1

    def test_replies_stay(self) -> None:
        post = PostFactory.create()
        reply = CommentFactory.create(entry=post, parent=aged_comment(Status.SPAM, 40, entry=post))
        tidy()
        reply.refresh_from_db()
        assert reply.parent is None

    def test_replies_move_up_to_the_nearest_visible_ancestor(self) -> None:
        """They don't move for readers, who never saw the hidden comments in between."""
        post = PostFactory.create()
        first = CommentFactory.create(entry=post)
        spam = aged_comment(Status.SPAM, 40, entry=post, parent=first)
        reply = CommentFactory.create(entry=post, parent=aged_comment(Status.TRASH, 40, entry=post, parent=spam))
        tidy()
        reply.refresh_from_db()
        assert reply.parent == first

    def test_cached_pages_do_not_expire(self, django_capture_on_commit_callbacks: Any) -> None:
        """Readers never saw the deleted comments."""
        reply = CommentFactory.create()
        for status in (Status.SPAM, Status.TRASH):
            CommentFactory.create(entry=reply.entry, parent=aged_comment(status, 40, entry=reply.entry, parent=reply))
        before = SiteSettings.objects.get().content_version
        with django_capture_on_commit_callbacks(execute=True):
            tidy()
        assert Comment.objects.count() == 3
        assert SiteSettings.objects.get().content_version == before

    def test_many_are_deleted_in_batches_and_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tidying, "BATCH", 2)
        post = PostFactory.create()
        for status, count in ((Status.SPAM, 5), (Status.TRASH, 4)):
            for _ in range(count):
                aged_comment(status, 31, entry=post)
        output = tidy()
        assert "Spam deleted, older than 30 days: 5" in output
        assert "Trash deleted, older than 30 days: 4" in output
        assert not Comment.objects.exists()


def test_expired_counters_and_challenges_are_deleted() -> None:
    now = timezone.now()
    period = int(now.timestamp()) // 600
    for sender, when in (("a", period - 1), ("a", period + 1)):
        RateCount.objects.create(sender=sender, period=when, count=1)
    for nonce, minutes in (("a", -1), ("b", 1)):
        SpentChallenge.objects.create(nonce=nonce, expires_at=now + dt.timedelta(minutes=minutes))
    output = tidy()
    assert "Rate limit counters deleted: 1" in output
    assert "Used proofs of work deleted: 1" in output
    assert SpentChallenge.objects.get().nonce == "b"
