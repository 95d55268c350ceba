"""Personal data that was erased here does not come back with the next import."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from blog.models import Post
from comments import personal_data
from comments.models import Comment, Erasure
from comments.moderation.counting import miscounted
from tests.factories import CommentFactory
from tests.factories.database import everything_stored
from tests.factories.reports import counted
from tests.factories.types import ImportParts
from tests.factories.wxr import attachment, comment, item
from wordpress.models import ImportedItem

pytestmark = pytest.mark.django_db

ROSA = {"author": "Rosa L.", "author_email": "Rosa@example.org", "author_url": "https://rosa.example/"}
ANN = {"author": "Ann", "author_email": "ann@example.org"}


def two_posts() -> tuple[str, ...]:
    """Return two posts. The ID of Rosa's comment on the second one is taken, so it gets a new ID."""
    inside = [comment(1, **ROSA), comment(2, parent=1, **ANN), comment(3, parent=2, approved="0", **ROSA)]
    return item(7, inside=inside), item(8, inside=[comment(1, content="Elsewhere.", **ROSA)])


def stored() -> list[Any]:
    return list(Comment.objects.order_by("pk").values())


@pytest.mark.parametrize("date", ["2014-03-02 10:00:00", ""])
def test_comments_of_an_erased_author_on_files_are_not_preserved(import_parts: ImportParts, date: str) -> None:
    """Comments on posts and pages are imported; those on files are only preserved and exported again."""
    import_parts(*two_posts())
    personal_data.erase("rosa@example.org", keep_text=False, by=None)
    import_parts(attachment(30, inside=[comment(9, date=date, date_gmt=date, **ROSA)]))
    assert "rosa.example" not in everything_stored()


def test_erased_data_stays_away_after_the_secret_key_was_replaced(
    import_parts: ImportParts, settings: Settings
) -> None:
    import_parts(*two_posts())
    personal_data.erase("rosa@example.org", keep_text=False, by=None)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    import_parts(*two_posts())
    assert "rosa" not in everything_stored().lower()
    # Texts that were deleted once don't come back because later ones were kept.
    personal_data.erase("rosa@example.org", keep_text=True, by=None)
    assert not Erasure.objects.get().text_kept


class TestKeptTexts:
    def test_importing_the_same_export_again_changes_nothing(self, import_parts: ImportParts) -> None:
        import_parts(*two_posts())
        assert personal_data.erase("rosa@example.org", keep_text=True, by=None).comments == 3
        before = stored()
        report = import_parts(*two_posts())
        assert counted(report, "comment") == {"unchanged": 4}
        assert stored() == before
        assert "rosa" not in everything_stored().lower()

    def test_changes_in_the_export_are_not_applied(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1, **ROSA)]))
        personal_data.erase("rosa@example.org", keep_text=True, by=None)
        before = stored()
        import_parts(item(7, inside=[comment(1, content="What I meant.", approved="0", **ROSA)]))
        assert stored() == before

    def test_new_comments_of_an_erased_author_are_imported_anonymously(self, import_parts: ImportParts) -> None:
        personal_data.erase("rosa@example.org", keep_text=True, by=None)
        import_parts(*two_posts())
        assert Comment.objects.count() == 4
        assert "rosa" not in everything_stored().lower()
        assert list(Comment.objects.filter(name="", email="", website="").values_list("text", flat=True)) == [
            "Elsewhere.",
            "Comment 3.",
            "Comment 1.",
        ]
        before = stored()
        assert counted(import_parts(*two_posts()), "comment") == {"unchanged": 4}
        assert stored() == before

    def test_comments_written_after_the_erasure_keep_their_author(self, import_parts: ImportParts) -> None:
        personal_data.erase("rosa@example.org", keep_text=True, by=None)
        Erasure.objects.update(erased_at=dt.datetime(2013, 1, 1, tzinfo=dt.UTC))
        import_parts(item(7, inside=[comment(1, **ROSA)]))
        assert Comment.objects.get().name == "Rosa L."

    def test_comments_with_another_email_address_keep_their_author(self, import_parts: ImportParts) -> None:
        personal_data.erase("rosa@example.org", keep_text=True, by=None)
        import_parts(item(7, inside=[comment(1, **ROSA | {"author_email": "other@example.org"})]))
        assert Comment.objects.get().name == "Rosa L."


class TestDeletedTexts:
    def test_deleted_comments_are_not_imported_again(self, import_parts: ImportParts) -> None:
        import_parts(*two_posts())
        personal_data.erase("rosa@example.org", keep_text=False, by=None)
        before = stored()
        report = import_parts(*two_posts())
        assert counted(report, "comment") == {"unchanged": 1, "skipped": 3}
        assert {line.text for line in report.skipped} == {"Its author was erased here, with all comments."}
        assert "Rosa" not in repr(list(report.skipped))
        assert stored() == before
        assert "rosa" not in everything_stored().lower()
        assert list(miscounted()) == []
        assert Post.objects.get(pk=7).comment_count == 1

    def test_deleted_comments_stay_deleted_after_a_later_erasure_that_keeps_texts(
        self, import_parts: ImportParts
    ) -> None:
        import_parts(*two_posts())
        personal_data.erase("rosa@example.org", keep_text=False, by=None)
        CommentFactory.create(entry=Post.objects.get(pk=7), email="rosa@example.org")
        personal_data.erase("rosa@example.org", keep_text=True, by=None)
        import_parts(*two_posts())
        assert Comment.objects.count() == 2


class TestDeletedEmailAddresses:
    def test_deleted_email_addresses_are_not_imported_again(self, import_parts: ImportParts) -> None:
        import_parts(*two_posts())
        personal_data.delete_old_emails(timezone.now() - dt.timedelta(days=30))
        assert not ImportedItem.objects.filter(kind="comment").exists()
        assert counted(import_parts(*two_posts()), "comment") == {"unchanged": 4}
        assert set(Comment.objects.values_list("email", flat=True)) == {""}


class TestStatusSince:
    def test_status_changed_in_the_export_counts_from_the_time_of_the_import(self, import_parts: ImportParts) -> None:
        """Otherwise `tidy_comments` would delete a comment that has just become spam as old spam."""
        import_parts(item(7, inside=[comment(1), comment(2)]))
        long_ago = timezone.now() - dt.timedelta(days=400)
        Comment.objects.update(status_since=long_ago)
        before = timezone.now()
        import_parts(item(7, inside=[comment(1, approved="spam"), comment(2, content="Another text.")]))
        assert Comment.objects.get(pk=1).status_since >= before
        assert Comment.objects.get(pk=2).status_since == long_ago
