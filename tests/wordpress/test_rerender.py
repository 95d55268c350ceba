"""`manage.py rerender`: everything rendered again, and nothing else touched."""

import io

import pytest
from django.core.management import CommandError, call_command

from blog.models import Page, Post, SiteSettings
from blog.rerendering import Rerendered, rerender
from comments.models import Comment
from tests.factories import CommentFactory, PageFactory, PostFactory

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rerender", *arguments, stdout=out)
    return out.getvalue()


def spoil(model: type[Post] | type[Page], pk: int) -> None:
    model.objects.filter(pk=pk).update(body_html="old", lead_html="old", extract="old")


class TestRerender:
    def test_renders_what_is_out_of_date_and_counts(self) -> None:
        post, page = PostFactory(source="new *words*"), PageFactory(source="a page")
        PostFactory()
        comment = CommentFactory(post=post, text="said")
        spoil(Post, post.pk)
        spoil(Page, page.pk)
        Comment.objects.filter(pk=comment.pk).update(html="old")
        assert run().splitlines() == [
            "Posts: 1 changed, 1 unchanged, 0 not rendered",
            "Pages: 1 changed, 0 unchanged, 0 not rendered",
            "Comments: 1 changed, 0 unchanged, 0 not rendered",
        ]
        post.refresh_from_db()
        comment.refresh_from_db()
        assert post.body_html == "<p>new <em>words</em></p>\n"
        assert post.extract == "new words"
        assert "said" in comment.html

    def test_a_second_run_changes_nothing(self) -> None:
        spoil(Post, PostFactory().pk)
        run()
        assert "Posts: 0 changed, 1 unchanged" in run()

    def test_leaves_the_source_and_the_moment_of_the_last_change(self) -> None:
        source = "a\r\n\tb [x]  \u200b"
        post = PostFactory(source=source)
        changed = post.modified_at
        spoil(Post, post.pk)
        run()
        post.refresh_from_db()
        assert (post.source, post.modified_at) == (source, changed)

    def test_takes_one_markup_only_if_asked(self) -> None:
        one, two = PostFactory(markup="wordpress"), PostFactory(markup="markdown")
        CommentFactory(post=one)
        spoil(Post, one.pk)
        spoil(Post, two.pk)
        assert run("--markup", "wordpress").splitlines() == [
            "Posts: 1 changed, 0 unchanged, 0 not rendered",
            "Pages: 0 changed, 0 unchanged, 0 not rendered",
        ]
        two.refresh_from_db()
        assert two.body_html == "old"

    def test_refuses_a_markup_that_there_is_not(self) -> None:
        with pytest.raises(CommandError, match="There are: markdown, html, wordpress"):
            run("--markup", "nothing")

    def test_names_what_cannot_be_rendered_and_goes_on(self) -> None:
        post = PostFactory(title="Strange")
        other = PostFactory()
        Post.objects.filter(pk=post.pk).update(markup="gone")
        spoil(Post, other.pk)
        printed = run()
        assert "Posts: 1 changed, 0 unchanged, 1 not rendered" in printed
        assert f"post {post.pk} “Strange”" in printed

    def test_tells_caches_once(self, django_capture_on_commit_callbacks: object) -> None:
        for post in (PostFactory(), PostFactory()):
            spoil(Post, post.pk)
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture without a type
            run()
        assert SiteSettings.current().content_version == before + 1
        with django_capture_on_commit_callbacks(execute=True) as callbacks:  # type: ignore[operator]  # a fixture without a type
            run()
        assert callbacks == []

    def test_what_was_done_before_an_interruption_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("blog.rerendering._BATCH", 1)
        first, second = PostFactory(), PostFactory()
        spoil(Post, first.pk)
        spoil(Post, second.pk)

        def stop(done: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            rerender(Post, Rerendered(), progress=stop)
        first.refresh_from_db()
        second.refresh_from_db()
        assert first.body_html != "old"
        assert second.body_html == "old"
        assert "Posts: 1 changed, 1 unchanged" in run()

    def test_a_text_saved_meanwhile_keeps_what_that_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        post = PostFactory(source="before")
        spoil(Post, post.pk)
        real = Post.render

        def saved_meanwhile(entry: Post) -> None:
            real(entry)
            Post.objects.filter(pk=entry.pk).update(source="after", body_html="<p>after</p>")

        monkeypatch.setattr(Post, "render", saved_meanwhile)
        run()
        post.refresh_from_db()
        assert post.body_html == "<p>after</p>"
