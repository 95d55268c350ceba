"""`comment_count` repeats how many comments readers see."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from blog.models import Post
from comments.counting import miscounted, recount
from comments.models import Kind, Status
from tests.factories import CommentFactory, PageFactory, PostFactory

pytestmark = pytest.mark.django_db


class TestRecounting:
    def test_it_counts_what_is_approved_pingbacks_too(self) -> None:
        post = PostFactory.create()
        for status in Status:
            CommentFactory.create(post=post, status=status)
        CommentFactory.create(post=post, kind=Kind.PINGBACK)
        CommentFactory.create()
        recount(post)
        assert post.comment_count == Post.objects.get(pk=post.pk).comment_count == 2

    def test_pages_count_by_themselves(self) -> None:
        post = PostFactory.create()
        page = PageFactory.create(pk=post.pk)
        CommentFactory.create(post=post)
        recount(page)
        assert page.comment_count == 0

    def test_an_entry_that_is_gone_has_none(self) -> None:
        post = PostFactory.create()
        Post.objects.filter(pk=post.pk).delete()
        recount(post)
        assert post.comment_count == 0


class TestCommand:
    def run(self, **options: bool) -> str:
        out = StringIO()
        call_command("recount_comments", stdout=out, **options)
        return out.getvalue()

    def test_it_says_when_all_is_right(self) -> None:
        PostFactory.create()
        assert "right" in self.run()
        assert "right" in self.run(check=True)

    def test_check_names_what_is_wrong_and_leaves_it(self) -> None:
        post = PostFactory.create()
        CommentFactory.create(post=post)
        with pytest.raises(CommandError, match="1 number of comments is wrong"):
            self.run(check=True)
        assert [(entry.pk, right) for entry, right in miscounted()] == [(post.pk, 1)]

    def test_it_corrects_what_is_wrong(self) -> None:
        post, page = PostFactory.create(), PageFactory.create(comment_count=7)
        CommentFactory.create(post=post)
        out = self.run()
        assert f"{post.pk} “{post}”: 0 stored, 1 counted" in out
        assert f"{page.pk} “{page}”: 7 stored, 0 counted" in out
        assert list(miscounted()) == []
