"""`comment_count` stores how many comments readers see on an entry."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from blog.models import Post
from comments.models import CommentKind as Kind
from comments.models import CommentStatus as Status
from comments.moderation.counting import miscounted, recount
from tests.factories import CommentFactory, PageFactory, PostFactory

pytestmark = pytest.mark.django_db


class TestRecounting:
    def test_it_counts_approved_comments_and_pingbacks(self) -> None:
        post = PostFactory.create()
        for status in Status:
            CommentFactory.create(entry=post, status=status)
        CommentFactory.create(entry=post, kind=Kind.PINGBACK)
        CommentFactory.create()
        recount(post)
        assert post.comment_count == Post.objects.get(pk=post.pk).comment_count == 2

    def test_other_entries_are_not_counted(self) -> None:
        post = PostFactory.create()
        page = PageFactory.create()
        CommentFactory.create(entry=post)
        recount(page)
        assert page.comment_count == 0

    def test_a_deleted_entry_has_none(self) -> None:
        post = PostFactory.create()
        Post.objects.filter(pk=post.pk).delete()
        recount(post)
        assert post.comment_count == 0


class TestCommand:
    def run(self, **options: bool) -> str:
        out = StringIO()
        call_command("recount_comments", stdout=out, **options)
        return out.getvalue()

    def test_it_says_if_all_counts_are_correct(self) -> None:
        PostFactory.create()
        assert "correct" in self.run()
        assert "correct" in self.run(check=True)

    def test_check_reports_wrong_counts_without_changing_them(self) -> None:
        post = PostFactory.create()
        CommentFactory.create(entry=post)
        with pytest.raises(CommandError, match="1 comment count is wrong"):
            self.run(check=True)
        assert [(entry.pk, right) for entry, right in miscounted()] == [(post.pk, 1)]

    def test_it_corrects_wrong_counts(self) -> None:
        post, page = PostFactory.create(), PageFactory.create(comment_count=7)
        CommentFactory.create(entry=post)
        out = self.run()
        assert f"{post.pk} “{post}”: 0 stored, 1 counted" in out
        assert f"{page.pk} “{page}”: 7 stored, 0 counted" in out
        assert list(miscounted()) == []
