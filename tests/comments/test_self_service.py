"""Commenters can change or delete their own comment for 15 minutes, by a signed URL."""

import datetime as dt
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.signing import TimestampSigner
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from blog.models import Post
from comments import sender_links
from comments.models import Comment, CommentPolicy, CommentSettings, Decision, Revision
from comments.models import CommentStatus as Status
from comments.moderation.decisions import approve, mark_spam
from comments.moderation.submission import TIME_LIMIT
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def post() -> Any:
    return PostFactory.create(title="A post")


def new_comment(post: Post, **more: Any) -> Comment:
    """Create a comment that was just submitted."""
    return CommentFactory.create(**{"entry": post, "status": Status.PENDING, "created_at": timezone.now(), **more})


def edit_url(comment: Comment) -> str:
    query = parse_qs(urlsplit(sender_links.view_url(comment)).query)
    return reverse("comments:own", args=query["moderation-hash"])


def submit_change(client: Client, comment: Comment, new_text: str, headers: Any = None) -> Any:
    return client.post(edit_url(comment), {"text": new_text, "change": "1"}, headers=headers)


def submit_deletion(client: Client, comment: Comment, headers: Any = None) -> Any:
    return client.post(edit_url(comment), {"delete": "1"}, headers=headers)


def stored(comment: Comment) -> Comment:
    return Comment.objects.get(pk=comment.pk)


def set_policy(policy: CommentPolicy) -> None:
    CommentSettings.objects.update(comment_policy=policy)


# Events after which it is too late to change or delete a comment.
def _let_time_pass(comment: Comment) -> None:
    Comment.objects.filter(pk=comment.pk).update(created_at=timezone.now() - TIME_LIMIT)


def _set_clock_back(comment: Comment) -> None:
    Comment.objects.filter(pk=comment.pk).update(created_at=timezone.now() + dt.timedelta(days=365))


def _approve(comment: Comment) -> None:
    approve([comment], UserFactory.create())


def _mark_spam(comment: Comment) -> None:
    mark_spam([comment], UserFactory.create())


def _trash(comment: Comment) -> None:
    Comment.objects.filter(pk=comment.pk).update(status=Status.TRASH)


def _reply_to(comment: Comment) -> None:
    CommentFactory.create(entry=comment.entry, parent=comment)


TOO_LATE = [_let_time_pass, _set_clock_back, _approve, _mark_spam, _trash]


class TestLink:
    @pytest.mark.parametrize("status", [Status.PENDING, Status.APPROVED, Status.SPAM])
    def test_the_author_sees_it_with_the_comment(self, client: Client, post: Post, status: Status) -> None:
        comment = new_comment(post, status=status)
        note = one(read(client.get(sender_links.view_url(comment))), f"#comment-{comment.pk} .comment-own")
        assert re.fullmatch(r"Change or delete your comment \(until .+ UTC.*\)", text(note))
        page = read(client.get(one(note, "a").get("href")))
        assert one(page, "textarea").text.strip() == comment.text

    def test_no_one_else_sees_it(self, client: Client, post: Post) -> None:
        comment = new_comment(post, status=Status.APPROVED)
        for path in (post.get_absolute_url(), f"{post.get_absolute_url()}?unapproved={comment.pk}"):
            assert find(read(client.get(path)), ".comment-own") == []

    @pytest.mark.parametrize("make_too_late", [_let_time_pass, _approve])
    def test_it_disappears_when_it_is_too_late(self, client: Client, post: Post, make_too_late: Any) -> None:
        comment = new_comment(post)
        make_too_late(comment)
        page = read(client.get(sender_links.view_url(comment)))
        assert find(page, f"#comment-{comment.pk}") != []
        assert find(page, ".comment-own") == []

    def test_a_comment_with_replies_can_only_be_deleted(self, client: Client, post: Post) -> None:
        comment = new_comment(post, status=Status.APPROVED)
        _reply_to(comment)
        note = one(read(client.get(sender_links.view_url(comment))), ".comment-own")
        assert text(note).startswith("Delete your comment (until ")

    def test_a_forged_link_is_not_found(self, client: Client, post: Post) -> None:
        comment = new_comment(post)
        url = edit_url(comment)
        other = TimestampSigner(salt="another").sign(str(comment.pk))
        for wrong in (f"{url[:-2]}/", f"/comments/own/{comment.pk}/", f"/comments/own/{other}/"):
            assert client.get(wrong).status_code == 404
            assert client.post(wrong, {"delete": "1"}).status_code == 404
        assert stored(comment) == comment

    def test_the_url_is_not_leaked(self, client: Client, post: Post) -> None:
        comment = new_comment(post)
        for response in (client.get(edit_url(comment)), submit_change(client, comment, "")):
            assert response["Referrer-Policy"] == "no-referrer"
            assert response["Cache-Control"] == "private, no-store"
            assert response["X-Robots-Tag"] == "noindex"
            assert not response.cookies

    def test_get_requests_change_nothing(self, client: Client, post: Post) -> None:
        """Link scanners in e-mail and chat programs send them."""
        comment = new_comment(post)
        client.get(edit_url(comment) + "?delete=1&change=1&text=x")
        assert stored(comment).text == comment.text

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    def test_other_sites_cannot_submit_it(self, client: Client, post: Post, headers: dict[str, str]) -> None:
        comment = new_comment(post)
        response = submit_change(client, comment, "Text <b>to copy", headers)
        assert response.status_code == 403
        assert "Text <b>to copy" in text(one(read(response), "textarea"))
        assert submit_deletion(client, comment, headers).status_code == 403
        assert stored(comment).text == comment.text

    def test_a_session_makes_no_difference(self, client: Client, post: Post) -> None:
        client.force_login(UserFactory.create(role="Author"))
        comment = new_comment(post)
        assert (
            submit_change(client, comment, "Better", {"Sec-Fetch-Site": "same-origin", "Origin": "null"}).status_code
            == 302
        )
        assert stored(comment).text == "Better"


class TestChanging:
    def test_the_earlier_text_is_kept(self, client: Client, post: Post) -> None:
        comment = new_comment(post, text="Frist")
        response = submit_change(client, comment, " First\r\nline ")
        assert response["Location"].startswith(f"{post.get_absolute_url()}?unapproved={comment.pk}&")
        assert stored(comment).text == "First\nline"
        assert "First<br>" in stored(comment).html
        revision = Revision.objects.get()
        assert (revision.comment, revision.text, revision.by) == (comment, "Frist", None)

    def test_readers_see_when_it_was_edited(self, client: Client, post: Post) -> None:
        set_policy(CommentPolicy.OPEN)
        comment = new_comment(post, status=Status.APPROVED)
        other = new_comment(post, status=Status.APPROVED)
        submit_change(client, comment, "Better")
        page = read(client.get(post.get_absolute_url()))
        note = one(page, f"#comment-{comment.pk} .comment-edited")
        assert text(note).startswith("Edited ")
        assert one(note, "time").get("datetime") is not None
        assert find(page, f"#comment-{other.pk} .comment-edited") == []

    def test_the_same_text_again_is_a_second_click(self, client: Client, post: Post) -> None:
        comment = new_comment(post)
        for _ in range(2):
            assert submit_change(client, comment, "Better").status_code == 302
        assert Revision.objects.count() == 1

    def test_two_tabs_lose_no_text(self, client: Client, post: Post) -> None:
        comment = new_comment(post, text="One")
        submit_change(client, comment, "Two")
        submit_change(client, comment, "Three")
        assert list(Revision.objects.order_by("pk").values_list("text", flat=True)) == ["One", "Two"]

    @pytest.mark.parametrize("new_text", ["", " \u200b ", "x" * 20_001])
    def test_an_invalid_text_is_refused_and_kept_in_the_form(self, client: Client, post: Post, new_text: str) -> None:
        comment = new_comment(post)
        response = submit_change(client, comment, new_text)
        assert response.status_code == 400
        page = read(response)
        assert one(page, ".errors a").get("href") == "#own-text"
        assert one(page, "#own-text").get("aria-invalid") == "true"
        assert (one(page, "#own-text").text or "").removeprefix("\n") == new_text
        assert stored(comment).text == comment.text

    def test_it_is_judged_again_and_may_become_pending(
        self, client: Client, post: Post, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        Post.objects.update(comment_count=1)
        comment = new_comment(post, status=Status.APPROVED, text="Harmless")
        since = stored(comment).status_since
        assert b"Harmless" in client.get(post.get_absolute_url()).content
        with django_capture_on_commit_callbacks(execute=True):
            submit_change(client, comment, "Cheap pills")
        assert stored(comment).status == Status.PENDING
        assert stored(comment).status_since > since
        assert Post.objects.get(pk=post.pk).comment_count == 0
        page = client.get(post.get_absolute_url()).content
        assert b"Harmless" not in page
        assert b"Cheap" not in page

    def test_a_pending_comment_may_be_approved(self, client: Client, post: Post) -> None:
        comment = new_comment(post)
        set_policy(CommentPolicy.OPEN)
        CommentSettings.objects.update(proof_of_work=False)
        submit_change(client, comment, "Better")
        assert stored(comment).status == Status.APPROVED
        assert Post.objects.get(pk=post.pk).comment_count == 1

    def test_spam_stays_spam(self, client: Client, post: Post) -> None:
        set_policy(CommentPolicy.OPEN)
        comment = new_comment(post, status=Status.SPAM)
        assert submit_change(client, comment, "Better").status_code == 302
        assert (stored(comment).status, stored(comment).text) == (Status.SPAM, "Better")

    @pytest.mark.parametrize("make_too_late", [*TOO_LATE, _reply_to])
    def test_if_it_is_too_late_the_page_says_so_and_keeps_the_text(
        self, client: Client, post: Post, make_too_late: Any
    ) -> None:
        comment = new_comment(post)
        make_too_late(comment)
        response = submit_change(client, comment, "A long text")
        assert response.status_code == 400
        page = read(response)
        assert one(page, "textarea").text.strip() == "A long text"
        assert one(page, "textarea").get("readonly") is not None
        assert stored(comment).text == comment.text
        assert Revision.objects.count() == 0

    @pytest.mark.parametrize("status", [Status.SPAM, Status.TRASH])
    def test_hidden_replies_do_not_count(self, client: Client, post: Post, status: Status) -> None:
        comment = new_comment(post)
        CommentFactory.create(entry=post, parent=comment, status=status)
        submit_change(client, comment, "Better")
        assert stored(comment).text == "Better"


class TestDeleting:
    def test_everything_stored_about_the_author_is_deleted(self, client: Client, post: Post) -> None:
        comment = new_comment(post, text="Regretted", name="Ann", email="ann@example.org")
        submit_change(client, comment, "Regretted too")
        response = submit_deletion(client, comment)
        assert response.status_code == 200
        assert text(one(read(response), "h1")) == "Your comment was deleted"
        assert (Comment.objects.count(), Revision.objects.count(), Decision.objects.count()) == (0, 0, 0)

    def test_it_disappears_from_the_site_immediately(
        self, client: Client, post: Post, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        comment = new_comment(post, status=Status.APPROVED, text="Regretted")
        Post.objects.update(comment_count=1)
        assert b"Regretted" in client.get(post.get_absolute_url()).content
        with django_capture_on_commit_callbacks(execute=True):
            submit_deletion(client, comment)
        assert b"Regretted" not in client.get(post.get_absolute_url()).content
        assert Post.objects.get(pk=post.pk).comment_count == 0

    def test_replies_are_kept(self, client: Client, post: Post) -> None:
        comment = new_comment(post, status=Status.APPROVED)
        _reply_to(comment)
        submit_deletion(client, comment)
        assert Comment.objects.get().parent is None

    def test_a_second_click_says_that_it_is_gone(self, client: Client, post: Post) -> None:
        comment = new_comment(post)
        url = edit_url(comment)
        submit_deletion(client, comment)
        for response in (client.post(url, {"delete": "1"}), client.get(url)):
            assert response.status_code == 410
            assert text(one(read(response), "h1")) == "This comment no longer exists"

    @pytest.mark.parametrize("make_too_late", TOO_LATE)
    def test_if_it_is_too_late_the_comment_is_kept_and_the_page_says_why(
        self, client: Client, post: Post, make_too_late: Any
    ) -> None:
        comment = new_comment(post)
        make_too_late(comment)
        response = submit_deletion(client, comment)
        assert response.status_code == 400
        assert "the 15 minutes are over or a moderator has dealt with it" in text(read(response))
        assert find(read(response), "main button") == []
        assert stored(comment) == comment

    def test_it_is_possible_until_the_time_limit(self, client: Client, post: Post) -> None:
        comment = new_comment(post, created_at=timezone.now() - TIME_LIMIT + dt.timedelta(minutes=1))
        assert submit_deletion(client, comment).status_code == 200


class TestUnpublishedEntries:
    def test_their_comments_can_be_changed_and_deleted_without_showing_the_title(
        self, client: Client, post: Post
    ) -> None:
        comment = new_comment(post)
        Post.objects.update(status="draft", title="Still secret")
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        pages = [client.get(edit_url(comment)), submit_change(client, comment, "Better", elsewhere)]
        pages += [submit_change(client, comment, new_text) for new_text in ("", "Better")]
        assert stored(comment).text == "Better"
        pages.append(submit_deletion(client, comment))
        assert not Comment.objects.exists()
        assert [page.status_code for page in pages] == [200, 403, 400, 200, 200]
        assert not any("Still secret" in page.content.decode() for page in pages)


class TestRaces:
    def test_a_decision_made_while_the_page_is_open_takes_precedence(self, client: Client, post: Post) -> None:
        """The author had opened the page before."""
        comment = new_comment(post)
        page = client.get(edit_url(comment))
        assert find(read(page), "form") != []
        approve([comment], UserFactory.create())
        assert submit_change(client, comment, "Turned round").status_code == 400
        assert stored(comment).text == comment.text
