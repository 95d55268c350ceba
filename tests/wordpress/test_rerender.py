"""`manage.py rerender` renders everything again and changes nothing else."""

import io

import pytest
from django.core.management import CommandError, call_command

from blog.models import Page, Post
from blog.rendering import RENDER_VERSION
from blog.rerendering import RerenderResult, rerender
from comments.models import Comment
from core.models import SiteSettings
from tests.factories import CommentFactory, PageFactory, PostFactory

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rerender", *arguments, stdout=out)
    return out.getvalue()


def make_stale(model: type[Post] | type[Page], pk: int) -> None:
    model.objects.filter(pk=pk).update(body_html="old", lead_html="old", auto_excerpt="old")


class TestRerender:
    def test_renders_everything_again_and_counts_what_has_changed(self) -> None:
        post, page = PostFactory(source="new *words*"), PageFactory(source="a page")
        PostFactory()
        comment = CommentFactory(entry=post, text="Hello")
        make_stale(Post, post.pk)
        make_stale(Page, page.pk)
        Comment.objects.filter(pk=comment.pk).update(html="old")
        assert run().splitlines() == [
            "Posts: 1 changed, 1 unchanged, 0 not rendered",
            "Pages: 1 changed, 0 unchanged, 0 not rendered",
            "Comments: 1 changed, 0 unchanged, 0 not rendered",
        ]
        post.refresh_from_db()
        comment.refresh_from_db()
        assert post.body_html == "<p>new <em>words</em></p>\n"
        assert post.auto_excerpt == "new words"
        assert "Hello" in comment.html

    def test_stores_the_version_that_it_rendered_with(self) -> None:
        post = PostFactory()
        Post.objects.filter(pk=post.pk).update(render_version=0, source_digest="")
        assert "Posts: 0 changed, 1 unchanged" in run()
        stored = Post.objects.get()
        assert (stored.render_version, stored.source_digest) == (RENDER_VERSION, post.source_digest)

    def test_a_second_run_changes_nothing(self) -> None:
        make_stale(Post, PostFactory().pk)
        run()
        assert "Posts: 0 changed, 1 unchanged" in run()

    def test_keeps_the_source_and_the_modification_time(self) -> None:
        source = "a\r\n\tb [x]  \u200b"
        post = PostFactory(source=source)
        changed = post.modified_at
        make_stale(Post, post.pk)
        run()
        post.refresh_from_db()
        assert (post.source, post.modified_at) == (source, changed)

    def test_can_be_limited_to_one_markup(self) -> None:
        one, two = PostFactory(markup="wordpress"), PostFactory(markup="markdown")
        CommentFactory(entry=one)
        make_stale(Post, one.pk)
        make_stale(Post, two.pk)
        assert run("--markup", "wordpress").splitlines() == [
            "Posts: 1 changed, 0 unchanged, 0 not rendered",
            "Pages: 0 changed, 0 unchanged, 0 not rendered",
        ]
        two.refresh_from_db()
        assert two.body_html == "old"

    def test_unknown_markup_is_rejected(self) -> None:
        with pytest.raises(CommandError, match="Available: markdown, html, wordpress"):
            run("--markup", "nothing")

    def test_reports_posts_that_cannot_be_rendered_and_continues(self) -> None:
        post = PostFactory(title="Strange")
        other = PostFactory()
        Post.objects.filter(pk=post.pk).update(markup="gone")
        make_stale(Post, other.pk)
        printed = run()
        assert "Posts: 1 changed, 0 unchanged, 1 not rendered" in printed
        assert f"post {post.pk} “Strange”" in printed

    def test_invalidates_cached_pages_once(self, django_capture_on_commit_callbacks: object) -> None:
        for post in (PostFactory(), PostFactory()):
            make_stale(Post, post.pk)
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture without a type
            run()
        assert SiteSettings.current().content_version == before + 1
        with django_capture_on_commit_callbacks(execute=True) as callbacks:  # type: ignore[operator]  # a fixture without a type
            run()
        assert callbacks == []

    def test_invalidates_nothing_if_the_html_stays_the_same(self, django_capture_on_commit_callbacks: object) -> None:
        Post.objects.filter(pk=PostFactory().pk).update(render_version=0)
        with django_capture_on_commit_callbacks(execute=True) as callbacks:  # type: ignore[operator]  # a fixture without a type
            run()
        assert Post.objects.get().render_version == RENDER_VERSION
        assert callbacks == []

    def test_keeps_texts_rendered_before_an_interruption(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("blog.rerendering._BATCH_SIZE", 1)
        first, second = PostFactory(), PostFactory()
        make_stale(Post, first.pk)
        make_stale(Post, second.pk)

        def stop(done: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            rerender(Post.objects.all(), RerenderResult(), progress=stop)
        first.refresh_from_db()
        second.refresh_from_db()
        assert first.body_html != "old"
        assert second.body_html == "old"
        assert "Posts: 1 changed, 1 unchanged" in run()

    def test_does_not_overwrite_an_entry_that_is_saved_at_the_same_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        post = PostFactory(source="before")
        make_stale(Post, post.pk)
        original = Post.render

        def render_while_another_edit_is_saved(entry: Post) -> None:
            original(entry)
            Post.objects.filter(pk=entry.pk).update(source="after", body_html="<p>after</p>")

        monkeypatch.setattr(Post, "render", render_while_another_edit_is_saved)
        run()
        post.refresh_from_db()
        assert post.body_html == "<p>after</p>"
