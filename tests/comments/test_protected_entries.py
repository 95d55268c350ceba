"""Comments on entries with a password: read and written only by those who have entered it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from blog.models import Entry
from comments.models import Comment, CommentPolicy, CommentSettings, CommentStatus, Follower, NotificationPreference
from comments.moderation.decisions import approve
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.responses import find, one, read, text
from tests.factories.types import Deliver

pytestmark = pytest.mark.django_db

SECRET = "Zanzibar"
PASSWORD = "open sesame"
LOCKED = "This post is password protected. Enter the password to view comments."
VALUES = {"name": "Ann", "email": "ann@example.org", "text": "Whispered"}


@pytest.fixture(params=[PostFactory, PageFactory], ids=["post", "page"])
def entry(request: pytest.FixtureRequest) -> Entry:
    found: Entry = request.param(source=f"{SECRET} text", password=PASSWORD)
    return found


def unlock(client: Client, entry: Entry) -> Any:
    """Return the unlocked page as a tree."""
    return read(client.post(entry.get_absolute_url(), {"post_password": PASSWORD}))


def comment_form(page: Any) -> dict[str, str]:
    """Return what the comment form of a page submits without input."""
    return dict(one(page, "form.comment-form").form_values())


def submit(client: Client, entry: Entry, **values: str) -> Any:
    return client.post(reverse("comments:add", args=[entry.kind, entry.pk]), VALUES | values)


class TestReading:
    def test_the_locked_page_shows_a_note_instead(self, client: Client, entry: Entry) -> None:
        content = client.get(entry.get_absolute_url()).content.decode()
        assert LOCKED in content
        assert "comment-form" not in content
        assert "Follow by e-mail" not in content

    def test_a_listing_does_not_reveal_how_many_there_are(self, client: Client) -> None:
        post = PostFactory(password=PASSWORD, comment_count=3)
        link = one(read(client.get("/")), ".entry-meta a")
        assert text(link) == "Enter your password to view comments."
        assert link.get("href") == f"{post.get_absolute_url()}#comments"

    def test_the_unlocked_page_shows_all_of_them(self, client: Client, entry: Entry) -> None:
        CommentSettings.objects.update(comments_per_page=10)
        CommentFactory.create_batch(25, entry=entry)
        Entry.objects.filter(pk=entry.pk).update(comment_count=25)
        page = unlock(client, entry)
        assert len(find(page, "li.comment")) == 25
        assert find(page, ".comment-pager") == []


class TestWriting:
    def test_a_comment_needs_the_unlocked_page(self, client: Client, entry: Entry) -> None:
        CommentSettings.objects.update(comment_policy=CommentPolicy.OPEN, proof_of_work=False)
        form = comment_form(unlock(client, entry))
        response = submit(client, entry, password_token=form["password_token"])
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "private, no-store"
        assert Comment.objects.get().status == CommentStatus.APPROVED
        assert text(one(read(response), ".comment-body")) == "Whispered"
        assert SECRET in response.content.decode()

    def test_a_pending_comment_is_shown_to_its_author_only(self, client: Client, entry: Entry) -> None:
        form = comment_form(unlock(client, entry))
        page = read(submit(client, entry, password_token=form["password_token"]))
        assert text(one(page, ".comment-unapproved")) == "Your comment is awaiting moderation."
        assert not find(unlock(client, entry), ".comment")
        own = one(page, ".comment-own a").attrib["href"]
        assert client.get(own).status_code == 200
        changed = client.post(own, {"text": "Changed", "change": "1"})
        assert "Your changes were saved." in changed.content.decode()
        assert Comment.objects.get().text == "Changed"
        assert SECRET not in changed.content.decode()

    def test_a_preview_and_an_error_keep_the_page_unlocked(self, client: Client, entry: Entry) -> None:
        token = comment_form(unlock(client, entry))["password_token"]
        for values in ({"preview": "1"}, {"email": "no address"}):
            response = submit(client, entry, password_token=token, **values)
            assert SECRET in response.content.decode()
            assert response.headers["Cache-Control"] == "private, no-store"
            assert comment_form(read(response))["password_token"]
        assert not Comment.objects.exists()

    def test_a_reply_begins_on_the_unlocked_page(self, client: Client, entry: Entry) -> None:
        first = CommentFactory(entry=entry, name="Rosa")
        page = unlock(client, entry)
        button = one(page, ".comment-reply button")
        form = one(page, f"#{button.attrib['form']}")
        token = dict(form.form_values())["password_token"]
        response = client.post(form.action, {"password_token": token, "replytocom": button.attrib["value"]})
        assert response.headers["Cache-Control"] == "private, no-store"
        page = read(response)
        assert text(one(page, "#respond-heading")) == "Leave a Reply to Rosa"
        assert one(page, ".cancel-reply button").attrib["form"] == "reply"
        hidden = {name: comment_form(page)[name] for name in ("password_token", "parent")}
        submit(client, entry, **hidden)
        assert Comment.objects.get(text="Whispered").parent == first
        refused = client.post(form.action, {"password_token": "forged", "replytocom": button.attrib["value"]})
        assert refused.status_code == 403
        assert "Please enter the password again." in refused.content.decode()
        assert SECRET not in refused.content.decode()

    @pytest.mark.parametrize("token", ["", "forged", "of another entry"])
    def test_without_a_valid_token_nothing_is_saved_shown_or_lost(
        self, client: Client, entry: Entry, token: str
    ) -> None:
        if token == "of another entry":
            other = PostFactory(password=PASSWORD)
            token = comment_form(unlock(client, other))["password_token"]
        for values in ({}, {"preview": "1"}, {"text": "Whispered", "email": ""}):
            response = submit(client, entry, password_token=token, **values)
            assert response.status_code == 403
            assert "Enter the password of the page below again" in response.content.decode()
            assert "Whispered" in response.content.decode()
            assert SECRET not in response.content.decode()
        assert not Comment.objects.exists()

    def test_users_with_a_session_need_it_as_well(self, client: Client, entry: Entry) -> None:
        client.force_login(UserFactory(role="Editor"))
        assert submit(client, entry).status_code == 403
        token = comment_form(unlock(client, entry))["password_token"]
        assert SECRET in submit(client, entry, password_token=token).content.decode()
        assert Comment.objects.get().text == "Whispered"


class TestNotifications:
    @pytest.fixture(autouse=True)
    def mail_server(self, settings: Any) -> None:
        settings.DEFAULT_FROM_EMAIL = "blog@example.org"

    def test_no_one_can_follow(self, client: Client, entry: Entry) -> None:
        unlocked = unlock(client, entry)
        assert find(unlocked, "#follow") == find(unlocked, "[name=follow]") == []
        url = reverse("comments:follow", args=[entry.kind, entry.pk])
        assert client.post(url, {"email": "ann@example.org"}).status_code == 404
        assert not Follower.objects.exists()

    @pytest.mark.parametrize("set_before", [True, False])
    def test_followers_from_before_the_password_get_no_comments(self, deliver: Deliver, set_before: bool) -> None:
        post = PostFactory(password=PASSWORD if set_before else "")
        Follower.objects.create(email="ann@example.org", entry=post, confirmed_at=post.published_at)
        comment = CommentFactory(entry=post, status=CommentStatus.PENDING, text="Whispered")
        approve([comment], UserFactory())
        if not set_before:
            Entry.objects.filter(pk=post.pk).update(password=PASSWORD)
        assert deliver() == []
        Entry.objects.filter(pk=post.pk).update(password="")
        approve([CommentFactory(entry=post, status=CommentStatus.PENDING)], UserFactory())
        assert len(deliver()) == 1

    def test_authors_are_notified(self, deliver: Deliver) -> None:
        author: User = UserFactory(role="Editor", email="author@example.org")
        NotificationPreference.objects.of_users([author])
        NotificationPreference.objects.filter(user=author).update(own_posts=True)
        post = PostFactory(password=PASSWORD, author=author)
        approve([CommentFactory(entry=post, status=CommentStatus.PENDING, text="Whispered")], UserFactory())
        (mail,) = deliver()
        assert mail.to == ["author@example.org"]
        assert PASSWORD not in mail.body
