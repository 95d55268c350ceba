"""Submitting the comment form: what is stored, what is refused, and the messages."""

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from blog.models import Post, Status
from comments.models import MAX_TEXT_LENGTH, Comment, CommentPolicy, CommentSettings, CommentStatus
from core.origin import comes_from_here
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.comments import FORM_DATA, form_url
from tests.factories.responses import errors, find, one, read, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def post() -> Any:
    return PostFactory.create(title="A post")


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


def send(client: Client, entry: Any, headers: Any = None, **fields: Any) -> Any:
    return client.post(form_url(entry), {**FORM_DATA, **fields}, headers=headers)


def set_policy(policy: CommentPolicy) -> None:
    CommentSettings.objects.update(comment_policy=policy, proof_of_work=False)


class TestValidComments:
    def test_it_is_stored_as_pending(self, client: Client, post: Post) -> None:
        response = send(client, post)
        comment = Comment.objects.get()
        assert (comment.entry, comment.name, comment.text, comment.status) == (post, "Ann", "Well said.", "pending")
        assert response.status_code == 302
        assert not response.cookies

    def test_its_author_is_redirected_to_it(self, client: Client, post: Post) -> None:
        response = send(client, post)
        target = urlsplit(response["Location"])
        assert (target.path, target.fragment) == (post.get_absolute_url(), f"comment-{Comment.objects.get().pk}")
        page = client.get(response["Location"])
        assert b"Your comment is awaiting moderation." in page.content
        assert not page.cookies

    def test_comments_published_immediately_are_visible_to_everyone(self, client: Client, post: Post) -> None:
        set_policy(CommentPolicy.OPEN)
        response = send(client, post)
        pk = Comment.objects.get().pk
        assert response["Location"].startswith(f"{post.get_absolute_url()}?unapproved={pk}&moderation-hash={pk}%3A")
        assert response["Location"].endswith(f"#comment-{pk}")
        assert b"Well said." in client.get(post.get_absolute_url()).content

    def test_pages_accept_comments(self, client: Client) -> None:
        page = PageFactory.create()
        assert send(client, page)["Location"].startswith(page.get_absolute_url())
        assert Comment.objects.get().entry == page

    def test_it_may_be_a_reply(self, client: Client, post: Post) -> None:
        parent = CommentFactory.create(entry=post)
        send(client, post, parent=parent.pk)
        assert Comment.objects.exclude(pk=parent.pk).get().parent == parent

    def test_two_clicks_store_one_comment(self, client: Client, post: Post) -> None:
        first, second = send(client, post), send(client, post)
        assert urlsplit(first["Location"]).fragment == urlsplit(second["Location"]).fragment
        assert Comment.objects.count() == 1

    def test_submitting_a_copy_of_a_public_comment_does_not_make_you_its_author(
        self, client: Client, post: Post
    ) -> None:
        set_policy(CommentPolicy.OPEN)
        send(client, post)
        assert send(client, post)["Location"] == Comment.objects.get().get_absolute_url()

    def test_submitting_a_copy_of_a_public_comment_does_not_tell_whether_the_address_is_right(
        self, client: Client, post: Post
    ) -> None:
        set_policy(CommentPolicy.OPEN)
        send(client, post)
        assert send(client, post, email="guess@example.org")["Location"] == send(client, post)["Location"]

    def test_the_honeypot_makes_it_spam_without_revealing_that(self, client: Client, post: Post) -> None:
        set_policy(CommentPolicy.OPEN)
        response = send(client, post, subject="cheap pills")
        assert Comment.objects.get().status == CommentStatus.SPAM
        assert b"Your comment is awaiting moderation." in client.get(response["Location"]).content
        assert b"Well said." not in client.get(post.get_absolute_url()).content

    @pytest.mark.parametrize(
        ("entered", "stored"),
        [
            ({"name": "  Ann \t of  X\n"}, {"name": "Ann of X"}),
            ({"name": "علي"}, {"name": "علي"}),
            ({"name": "A\x00\x1bnn"}, {"name": "Ann"}),
            ({"name": "\u202ennA\u2066"}, {"name": "nnA"}),
            ({"text": " a\r\nb\r\n\r\nc\x0b\n"}, {"text": "a\nb\n\nc"}),
            ({"text": "x" * MAX_TEXT_LENGTH}, {"text": "x" * MAX_TEXT_LENGTH}),
            ({"text": "x\r\n" * (MAX_TEXT_LENGTH // 2)}, {}),
            ({"website": "ann.example"}, {"website": "https://ann.example"}),
            ({"website": "http://ann.example/a?b=c"}, {"website": "http://ann.example/a?b=c"}),
            ({"text": "🙂"}, {"text": "🙂"}),
        ],
    )
    def test_input_is_normalised(
        self, entered: dict[str, str], stored: dict[str, str], client: Client, post: Post
    ) -> None:
        assert send(client, post, **entered).status_code == 302
        comment = Comment.objects.get()
        assert {name: getattr(comment, name) for name in stored} == stored


class TestErrors:
    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("name", "", "Please enter your name"),
            ("name", " \u200b ", "Please enter your name"),
            ("name", "x" * 246, "at most 245 characters"),
            ("email", "", "Please enter your e-mail address"),
            ("email", "ann@", "not an e-mail address"),
            ("email", "ann@example.org\nbcc: x@example.org", "not an e-mail address"),
            ("email", "x" * 250 + "@example.org", "at most 254 characters"),
            ("website", "http://", "not a URL"),
            ("website", "javascript:alert(1)", "not a URL"),
            ("website", "ftp://ann.example", "not a URL"),
            ("website", "https://ann.example/" + "x" * 500, "at most 500 characters"),
            # FORM_DATA has the address ann@example.org.
            ("website", "ann@example.org", "contains an e-mail address"),
            ("website", "https://example.org/?from=ann%40example.org", "contains an e-mail address"),
            ("website", "https://ann:secret@example.org/", "contains an e-mail address or a username"),
            ("text", "", "Your comment is empty"),
            ("text", " \r\n\t", "Your comment is empty"),
            ("text", "\u200b\u2060", "Your comment is empty"),
            ("text", "x" * (MAX_TEXT_LENGTH + 1), "20001 characters, but the limit is 20000"),
        ],
    )
    def test_errors_are_shown_above_the_form_and_at_the_field(
        self, field: str, value: str, message: str, client: Client, post: Post
    ) -> None:
        response = send(client, post, **{field: value})
        assert response.status_code == 400
        (line,) = errors(response)
        assert message in line
        page = read(response)
        assert one(page, "#respond .errors a").get("href") == f"#respond-{field}"
        invalid = one(page, f"#respond-{field}")
        assert invalid.get("aria-invalid") == "true"
        assert f"respond-{field}_error" in invalid.get("aria-describedby").split()
        assert message in text(one(page, f"#respond-{field}_error"))
        assert Comment.objects.count() == 0

    def test_the_entry_is_shown_with_the_form_and_everything_entered(self, client: Client, post: Post) -> None:
        parent = CommentFactory.create(entry=post, name="Zoë")
        entered = {"name": "Ann & <b>", "email": "ann@", "website": "ann.example", "text": "</textarea>One\n\nTwo"}
        page = read(send(client, post, parent=parent.pk, **entered))
        assert text(one(page, "h1")) == "A post"
        assert text(one(page, "#respond h2")) == "Leave a Reply to Zoë"
        form = dict(one(page, "form.comment-form").form_values())
        assert {name: form[name].strip() for name in entered} == entered
        assert form["parent"] == str(parent.pk)

    def test_the_error_summary_can_be_focused(self, client: Client, post: Post) -> None:
        summary = one(read(send(client, post, text="")), "#respond-result")
        assert (summary.get("role"), summary.get("tabindex")) == ("alert", "-1")

    @pytest.mark.parametrize("status", [CommentStatus.PENDING, CommentStatus.SPAM, CommentStatus.TRASH])
    def test_hidden_comments_cannot_be_replied_to(self, status: CommentStatus, client: Client, post: Post) -> None:
        parent = CommentFactory.create(entry=post, status=status)
        self.assert_unknown(send(client, post, parent=parent.pk))

    def test_comments_on_other_entries_cannot_be_replied_to(self, client: Client, post: Post) -> None:
        self.assert_unknown(send(client, post, parent=CommentFactory.create().pk))

    @pytest.mark.parametrize("parent", ["0", "-1", "9" * 30])
    def test_missing_comments_cannot_be_replied_to(self, parent: str, client: Client, post: Post) -> None:
        self.assert_unknown(send(client, post, parent=parent))

    def assert_unknown(self, response: Any) -> None:
        assert response.status_code == 400
        assert errors(response) == [
            "The comment you replied to no longer exists. Submit yours again to post it on its own."
        ]
        # So sending the same form again succeeds.
        form = one(read(response), "form.comment-form")
        assert "parent" not in dict(form.form_values())

    @pytest.mark.parametrize("parent", ["x", "1.5", "9" * 5000])
    def test_an_invalid_parent_is_an_error(self, parent: str, client: Client, post: Post) -> None:
        assert send(client, post, parent=parent).status_code == 400

    @pytest.mark.parametrize("closed", ["entry", "site", "old"])
    def test_if_comments_are_closed_the_text_can_still_be_copied(self, closed: str, client: Client, post: Post) -> None:
        if closed == "entry":
            Post.objects.update(comments_open=False)
        elif closed == "site":
            CommentSettings.objects.update(comments_open=False)
        else:
            CommentSettings.objects.update(close_comments_after_days=1)
        response = send(client, post, text="A long text")
        assert response.status_code == 400
        assert errors(response)[0].startswith("Comments are closed")
        page = read(response)
        assert one(page, "#respond textarea").text.strip() == "A long text"
        assert find(page, "form.comment-form") == []
        assert Comment.objects.count() == 0


class TestUnknownEntries:
    @pytest.mark.parametrize("method", ["get", "post"])
    @pytest.mark.parametrize(
        "path", ["post/0/", "page/1/", "tag/1/", "post/99999999999999999999999/", "post/" + "9" * 4000 + "/"]
    )
    def test_they_are_not_found(self, method: str, path: str, client: Client) -> None:
        assert getattr(client, method)(f"/comments/on/{path}", FORM_DATA).status_code == 404

    @pytest.mark.parametrize("status", [Status.DRAFT, Status.PENDING, Status.PRIVATE, Status.TRASH])
    def test_hidden_entries_are_not_found(self, status: Status, client: Client) -> None:
        for entry in (PostFactory.create(status=status), PageFactory.create(status=status)):
            assert send(client, entry).status_code == 404
        scheduled = PostFactory.create(published_at=timezone.now() + dt.timedelta(days=1))
        assert send(client, scheduled).status_code == 404
        assert Comment.objects.count() == 0


class TestMethods:
    def test_get_redirects_to_the_form(self, client: Client, post: Post) -> None:
        assert client.get(form_url(post))["Location"] == f"{post.get_absolute_url()}#respond"

    @pytest.mark.parametrize("method", ["put", "delete", "patch"])
    def test_other_methods_are_not_allowed(self, method: str, client: Client, post: Post) -> None:
        assert getattr(client, method)(form_url(post)).status_code == 405


class TestOrigin:
    """Without a session no token is needed, but the form must not come from another site."""

    @pytest.mark.parametrize(
        ("headers", "accepted"),
        [
            ({}, True),
            ({"Origin": "null"}, True),
            ({"Origin": "http://testserver"}, True),
            ({"Origin": "https://blog.example"}, True),
            ({"Origin": "https://BLOG.example"}, True),
            ({"Origin": "https://old.example"}, True),
            ({"Origin": "https://a.family.example"}, True),
            ({"Origin": "https://family.example"}, True),
            ({"Origin": "https://testserver"}, False),
            ({"Origin": "http://testserver:81"}, False),
            ({"Origin": "http://blog.example"}, False),
            ({"Origin": "https://blog.example.evil.example"}, False),
            ({"Origin": "https://evilblog.example"}, False),
            ({"Origin": "https://afamily.example"}, False),
            ({"Origin": "https://evil.example"}, False),
            ({"Origin": ""}, False),
            ({"Origin": "https://["}, False),
            ({"Origin": "*"}, False),
            ({"Sec-Fetch-Site": "same-origin"}, True),
            ({"Sec-Fetch-Site": "none"}, True),
            ({"Sec-Fetch-Site": "same-site"}, False),
            ({"Sec-Fetch-Site": "cross-site"}, False),
            ({"Sec-Fetch-Site": ""}, False),
            ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, False),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, False),
        ],
    )
    def test_it_depends_on_the_headers_of_the_browser(
        self, headers: dict[str, str], accepted: bool, settings: Settings
    ) -> None:
        settings.SITE_URL = "https://blog.example"
        settings.CSRF_TRUSTED_ORIGINS = ["https://old.example", "https://*.family.example"]
        assert comes_from_here(RequestFactory().post("/", headers=headers)) is accepted

    def test_comments_from_other_sites_are_refused_and_can_be_copied(self, client: Client, post: Post) -> None:
        response = send(client, post, headers={"Sec-Fetch-Site": "cross-site"}, text="From a </textarea> mirror")
        assert response.status_code == 403
        page = read(response)
        assert one(page, "textarea").text.strip() == "From a </textarea> mirror"
        assert find(page, "main a")[0].get("href") == f"{post.get_absolute_url()}#respond"
        assert Comment.objects.count() == 0

    def test_the_form_of_a_cached_page_works(self, client: Client, post: Post) -> None:
        client.get(post.get_absolute_url())
        page = read(client.get(post.get_absolute_url()))
        form = one(page, "form.comment-form")
        fields = {**dict(form.form_values()), "name": "Ann", "email": "ann@example.org", "text": "Hello"}
        sent = client.post(form.get("action"), fields, headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"})
        assert sent.status_code == 302
        assert Comment.objects.get().text == "Hello"


def test_a_comment_on_a_post_that_is_just_being_deleted_is_given_back(
    client: Client, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(comment: Comment) -> None:
        Post.objects.filter(pk=post.pk).delete()

    monkeypatch.setattr("comments.moderation.submission.akismet.check", check)
    response = send(client, post, text="My own words")
    assert response.status_code == 404
    assert text(one(read(response), "textarea")) == "My own words"


class TestWithASession:
    """Django's own check applies in full."""

    @pytest.fixture
    def staff(self, client: Client) -> Client:
        client.force_login(UserFactory.create(role="Moderator", display_name="Mo", email="mo@example.org"))
        return client

    @pytest.mark.parametrize(
        "headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, {"Origin": "null"}]
    )
    def test_nothing_is_stored_without_a_token(self, headers: dict[str, str], staff: Client, post: Post) -> None:
        assert send(staff, post, headers=headers).status_code == 403
        assert Comment.objects.count() == 0

    def test_any_session_cookie_requires_a_token(self, client: Client, post: Post, settings: Settings) -> None:
        client.cookies[settings.SESSION_COOKIE_NAME] = "long-gone"
        assert send(client, post).status_code == 403

    def test_the_form_then_contains_a_token(self, client: Client, post: Post, settings: Settings) -> None:
        client.cookies[settings.SESSION_COOKIE_NAME] = "long-gone"
        page = client.get(post.get_absolute_url())
        assert page["Cache-Control"] == "private, no-store"
        form = one(read(page), "form.comment-form")
        token = dict(form.form_values())["csrfmiddlewaretoken"]
        assert send(client, post, csrfmiddlewaretoken=token).status_code == 302

    def test_with_the_token_it_is_stored_under_the_account(self, staff: Client, post: Post) -> None:
        form = one(read(staff.get(post.get_absolute_url())), "form.comment-form")
        response = staff.post(form.get("action"), {**dict(form.form_values()), "text": "From the staff"})
        comment = Comment.objects.get()
        assert (comment.name, comment.email, comment.status) == ("Mo", "mo@example.org", CommentStatus.APPROVED)
        assert comment.user is not None
        assert response["Location"].startswith(f"{post.get_absolute_url()}?unapproved={comment.pk}&")

    def test_a_token_from_another_site_is_refused(self, staff: Client, post: Post) -> None:
        form = one(read(staff.get(post.get_absolute_url())), "form.comment-form")
        token = dict(form.form_values())["csrfmiddlewaretoken"]
        assert send(staff, post, {"Origin": "https://evil.example"}, csrfmiddlewaretoken=token).status_code == 403

    def test_users_cannot_change_their_name(self, staff: Client, post: Post) -> None:
        form = one(read(staff.get(post.get_absolute_url())), "form.comment-form")
        staff.post(form.get("action"), {**dict(form.form_values()), "text": "x", "name": "Z", "email": "z@example.org"})
        assert Comment.objects.get().name == "Mo"

    def test_users_see_errors_too(self, staff: Client, post: Post) -> None:
        form = one(read(staff.get(post.get_absolute_url())), "form.comment-form")
        response: Any = staff.post(form.get("action"), dict(form.form_values()))
        assert response.status_code == 400
        assert errors(response) == ["Comment: Your comment is empty. Please write something."]
        assert "csrfmiddlewaretoken" in dict(one(read(response), "form.comment-form").form_values())
