"""What senders may do with their own comment, for a quarter of an hour, by the signed address."""

import datetime as dt
from typing import Any

import pytest
from django.core.signing import TimestampSigner
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from blog.models import Post
from comments import sender_links
from comments.models import Comment, CommentPolicy, CommentSettings, Decision, Revision
from comments.models import CommentStatus as Status
from comments.moderation.decisions import approve, mark_spam
from comments.moderation.self_service import TIME_LIMIT
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def post() -> Any:
    return PostFactory.create(title="A post")


def fresh(post: Post, **more: Any) -> Comment:
    """Sent just now."""
    return CommentFactory.create(**{"entry": post, "status": Status.PENDING, "created_at": timezone.now(), **more})


def change(client: Client, comment: Comment, words: str, headers: Any = None) -> Any:
    return client.post(sender_links.edit_url(comment), {"text": words, "change": "1"}, headers=headers)


def remove(client: Client, comment: Comment, headers: Any = None) -> Any:
    return client.post(sender_links.edit_url(comment), {"delete": "1"}, headers=headers)


def stored(comment: Comment) -> Comment:
    return Comment.objects.get(pk=comment.pk)


def policy(chosen: CommentPolicy) -> None:
    CommentSettings.objects.update(comment_policy=chosen)


# Makes the time over, or somebody deal with the comment.
def _old(comment: Comment) -> None:
    Comment.objects.filter(pk=comment.pk).update(created_at=timezone.now() - TIME_LIMIT)


def _approved(comment: Comment) -> None:
    approve([comment], UserFactory.create())


def _marked(comment: Comment) -> None:
    mark_spam([comment], UserFactory.create())


def _trashed(comment: Comment) -> None:
    Comment.objects.filter(pk=comment.pk).update(status=Status.TRASH)


def _answered(comment: Comment) -> None:
    CommentFactory.create(entry=comment.entry, parent=comment)


TOO_LATE = [_old, _approved, _marked, _trashed]


class TestTheWayThere:
    @pytest.mark.parametrize("status", [Status.PENDING, Status.APPROVED, Status.SPAM])
    def test_the_sender_is_shown_it_beside_the_comment(self, client: Client, post: Post, status: Status) -> None:
        comment = fresh(post, status=status)
        note = one(read(client.get(sender_links.view_url(comment))), f"#comment-{comment.pk} .comment-own")
        assert text(note).startswith("Change or delete your comment (until ")
        page = read(client.get(one(note, "a").get("href")))
        assert one(page, "textarea").text.strip() == comment.text

    def test_nobody_else_is(self, client: Client, post: Post) -> None:
        comment = fresh(post, status=Status.APPROVED)
        for path in (post.get_absolute_url(), f"{post.get_absolute_url()}?unapproved={comment.pk}"):
            assert find(read(client.get(path)), ".comment-own") == []

    @pytest.mark.parametrize("late", [_old, _approved])
    def test_it_goes_when_it_is_too_late(self, client: Client, post: Post, late: Any) -> None:
        comment = fresh(post)
        late(comment)
        page = read(client.get(sender_links.view_url(comment)))
        assert find(page, f"#comment-{comment.pk}") != []
        assert find(page, ".comment-own") == []

    def test_what_was_answered_can_only_be_deleted(self, client: Client, post: Post) -> None:
        comment = fresh(post, status=Status.APPROVED)
        _answered(comment)
        note = one(read(client.get(sender_links.view_url(comment))), ".comment-own")
        assert text(note).startswith("Delete your comment (until ")

    def test_a_false_key_opens_nothing(self, client: Client, post: Post) -> None:
        comment = fresh(post)
        address = sender_links.edit_url(comment)
        other = TimestampSigner(salt="another").sign(str(comment.pk))
        for wrong in (f"{address[:-2]}/", f"/comments/own/{comment.pk}/", f"/comments/own/{other}/"):
            assert client.get(wrong).status_code == 404
            assert client.post(wrong, {"delete": "1"}).status_code == 404
        assert stored(comment) == comment

    def test_the_key_reaches_nobody(self, client: Client, post: Post) -> None:
        comment = fresh(post)
        for response in (client.get(sender_links.edit_url(comment)), change(client, comment, "")):
            assert response["Referrer-Policy"] == "no-referrer"
            assert response["Cache-Control"] == "private, no-store"
            assert response["X-Robots-Tag"] == "noindex"
            assert not response.cookies

    def test_looking_changes_nothing(self, client: Client, post: Post) -> None:
        """Programs that look at links in mail and chats do so."""
        comment = fresh(post)
        client.get(sender_links.edit_url(comment) + "?delete=1&change=1&text=x")
        assert stored(comment).text == comment.text

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    def test_the_page_of_another_site_cannot_send(self, client: Client, post: Post, headers: dict[str, str]) -> None:
        comment = fresh(post)
        response = change(client, comment, "Words <b>to copy", headers)
        assert response.status_code == 403
        assert "Words <b>to copy" in text(one(read(response), "textarea"))
        assert remove(client, comment, headers).status_code == 403
        assert stored(comment).text == comment.text

    def test_a_session_makes_no_difference(self, client: Client, post: Post) -> None:
        client.force_login(UserFactory.create(role="Author"))
        comment = fresh(post)
        assert change(client, comment, "Better", {"Sec-Fetch-Site": "same-origin", "Origin": "null"}).status_code == 302
        assert stored(comment).text == "Better"


class TestChanging:
    def test_the_earlier_text_is_kept(self, client: Client, post: Post) -> None:
        comment = fresh(post, text="Frist")
        response = change(client, comment, " First\r\nline ")
        assert response["Location"].startswith(f"{post.get_absolute_url()}?unapproved={comment.pk}&")
        assert stored(comment).text == "First\nline"
        assert "First<br>" in stored(comment).html
        revision = Revision.objects.get()
        assert (revision.comment, revision.text, revision.by) == (comment, "Frist", None)

    def test_readers_are_told_and_when(self, client: Client, post: Post) -> None:
        policy(CommentPolicy.OPEN)
        comment = fresh(post, status=Status.APPROVED)
        other = fresh(post, status=Status.APPROVED)
        change(client, comment, "Better")
        page = read(client.get(post.get_absolute_url()))
        note = one(page, f"#comment-{comment.pk} .comment-edited")
        assert text(note).startswith("Edited ")
        assert one(note, "time").get("datetime") is not None
        assert find(page, f"#comment-{other.pk} .comment-edited") == []

    def test_the_same_text_again_is_a_second_click(self, client: Client, post: Post) -> None:
        comment = fresh(post)
        for _ in range(2):
            assert change(client, comment, "Better").status_code == 302
        assert Revision.objects.count() == 1

    def test_two_tabs_lose_no_text(self, client: Client, post: Post) -> None:
        comment = fresh(post, text="One")
        change(client, comment, "Two")
        change(client, comment, "Three")
        assert list(Revision.objects.order_by("pk").values_list("text", flat=True)) == ["One", "Two"]

    @pytest.mark.parametrize("words", ["", " \u200b ", "x" * 20_001])
    def test_what_is_no_text_is_refused_and_kept(self, client: Client, post: Post, words: str) -> None:
        comment = fresh(post)
        response = change(client, comment, words)
        assert response.status_code == 400
        page = read(response)
        assert one(page, ".errors a").get("href") == "#own-text"
        assert one(page, "#own-text").get("aria-invalid") == "true"
        assert (one(page, "#own-text").text or "").removeprefix("\n") == words
        assert stored(comment).text == comment.text

    def test_it_is_judged_anew_and_may_wait_again(
        self, client: Client, post: Post, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        Post.objects.update(comment_count=1)
        comment = fresh(post, status=Status.APPROVED, text="Harmless")
        since = stored(comment).status_since
        assert b"Harmless" in client.get(post.get_absolute_url()).content
        with django_capture_on_commit_callbacks(execute=True):
            change(client, comment, "Cheap pills")
        assert stored(comment).status == Status.PENDING
        assert stored(comment).status_since > since
        assert Post.objects.get(pk=post.pk).comment_count == 0
        page = client.get(post.get_absolute_url()).content
        assert b"Harmless" not in page
        assert b"Cheap" not in page

    def test_it_may_pass_where_it_waited(self, client: Client, post: Post) -> None:
        comment = fresh(post)
        policy(CommentPolicy.OPEN)
        CommentSettings.objects.update(proof_of_work=False)
        change(client, comment, "Better")
        assert stored(comment).status == Status.APPROVED
        assert Post.objects.get(pk=post.pk).comment_count == 1

    def test_what_was_taken_for_spam_stays_it(self, client: Client, post: Post) -> None:
        policy(CommentPolicy.OPEN)
        comment = fresh(post, status=Status.SPAM)
        assert change(client, comment, "Better").status_code == 302
        assert (stored(comment).status, stored(comment).text) == (Status.SPAM, "Better")

    @pytest.mark.parametrize("late", [*TOO_LATE, _answered])
    def test_too_late_it_says_so_and_keeps_what_was_typed(self, client: Client, post: Post, late: Any) -> None:
        comment = fresh(post)
        late(comment)
        response = change(client, comment, "Words that took an hour")
        assert response.status_code == 400
        page = read(response)
        assert one(page, "textarea").text.strip() == "Words that took an hour"
        assert one(page, "textarea").get("readonly") is not None
        assert stored(comment).text == comment.text
        assert Revision.objects.count() == 0

    @pytest.mark.parametrize("status", [Status.SPAM, Status.TRASH])
    def test_an_answer_that_nobody_sees_does_not_count(self, client: Client, post: Post, status: Status) -> None:
        comment = fresh(post)
        CommentFactory.create(entry=post, parent=comment, status=status)
        change(client, comment, "Better")
        assert stored(comment).text == "Better"


class TestDeleting:
    def test_all_that_is_held_of_the_sender_goes(self, client: Client, post: Post) -> None:
        comment = fresh(post, text="Regretted", name="Ann", email="ann@example.org")
        change(client, comment, "Regretted too")
        response = remove(client, comment)
        assert response.status_code == 200
        assert text(one(read(response), "h1")) == "Your comment was deleted"
        assert (Comment.objects.count(), Revision.objects.count(), Decision.objects.count()) == (0, 0, 0)

    def test_readers_notice_at_once(
        self, client: Client, post: Post, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        comment = fresh(post, status=Status.APPROVED, text="Regretted")
        Post.objects.update(comment_count=1)
        assert b"Regretted" in client.get(post.get_absolute_url()).content
        with django_capture_on_commit_callbacks(execute=True):
            remove(client, comment)
        assert b"Regretted" not in client.get(post.get_absolute_url()).content
        assert Post.objects.get(pk=post.pk).comment_count == 0

    def test_answers_stay(self, client: Client, post: Post) -> None:
        comment = fresh(post, status=Status.APPROVED)
        _answered(comment)
        remove(client, comment)
        assert Comment.objects.get().parent is None

    def test_the_second_click_finds_nothing_left_to_do(self, client: Client, post: Post) -> None:
        comment = fresh(post)
        address = sender_links.edit_url(comment)
        remove(client, comment)
        for response in (client.post(address, {"delete": "1"}), client.get(address)):
            assert response.status_code == 410
            assert text(one(read(response), "h1")) == "This comment no longer exists"

    @pytest.mark.parametrize("late", TOO_LATE)
    def test_too_late_it_stays_and_the_page_says_why(self, client: Client, post: Post, late: Any) -> None:
        comment = fresh(post)
        late(comment)
        response = remove(client, comment)
        assert response.status_code == 400
        assert "the 15 minutes are over or a moderator has dealt with it" in text(read(response))
        assert find(read(response), "button") == []
        assert stored(comment) == comment

    def test_the_time_ends_after_a_quarter_of_an_hour(self, client: Client, post: Post) -> None:
        comment = fresh(post, created_at=timezone.now() - TIME_LIMIT + dt.timedelta(minutes=1))
        assert remove(client, comment).status_code == 200


class TestRaces:
    def test_a_moderator_who_is_quicker_wins(self, client: Client, post: Post) -> None:
        """The page was open before the decision."""
        comment = fresh(post)
        page = client.get(sender_links.edit_url(comment))
        assert find(read(page), "form") != []
        approve([comment], UserFactory.create())
        assert change(client, comment, "Turned round").status_code == 400
        assert stored(comment).text == comment.text
