"""The preview of a comment before it is submitted."""

from typing import Any

import pytest
from django.test import Client

from blog.models import Post
from comments.avatars import neutral
from comments.models import Comment, CommentSettings
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.comments import FORM_DATA, form_url
from tests.factories.responses import errors, find, one, read, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def post() -> Any:
    return PostFactory.create(title="A post")


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


def preview(client: Client, post: Post, headers: Any = None, **fields: Any) -> Any:
    return client.post(form_url(post), {**FORM_DATA, "preview": "1", **fields}, headers=headers)


class TestPreview:
    def test_it_shows_the_comment_as_readers_would_see_it(self, client: Client, post: Post) -> None:
        response = preview(client, post, text="See https://a.example\n\n<b>Two</b>", website="ann.example")
        assert response.status_code == 200
        shown = one(read(response), "#respond .comment-preview")
        assert text(one(shown, ".comment-author")) == "Ann Says:"
        assert one(shown, ".comment-author a").get("href") == "https://ann.example"
        assert [text(paragraph) for paragraph in find(shown, ".comment-body p")] == [
            "See https://a.example",
            "<b>Two</b>",
        ]
        assert one(shown, ".comment-body a").get("href") == "https://a.example"

    def test_nothing_is_stored_or_cached(self, client: Client, post: Post) -> None:
        response = preview(client, post)
        assert Comment.objects.count() == 0
        assert response["Cache-Control"] == "private, no-store"
        assert not response.cookies

    def test_the_form_below_contains_everything_entered(self, client: Client, post: Post) -> None:
        parent = CommentFactory.create(entry=post, name="Zoë")
        page = read(preview(client, post, parent=parent.pk, website="https://ann.example"))
        form = dict(one(page, "form.comment-form").form_values())
        assert {name: value.strip() for name, value in form.items()} == {
            **{name: value for name, value in FORM_DATA.items() if value},
            "website": "https://ann.example",
            "parent": str(parent.pk),
        }
        assert text(one(page, "#respond h2")) == "Leave a Reply to Zoë"

    def test_it_is_in_the_section_that_the_form_jumps_to(self, client: Client, post: Post) -> None:
        page = read(preview(client, post))
        assert one(page, "form.comment-form").get("action").endswith("#respond-result")
        respond = one(page, "#respond-result")
        assert respond.get("tabindex") == "-1"
        assert text(one(respond, "h3")) == "Preview of your comment"
        assert respond.get("aria-labelledby") == one(respond, "h3").get("id")

    def test_submitting_it_afterwards_stores_it(self, client: Client, post: Post) -> None:
        form = one(read(preview(client, post)), "form.comment-form")
        assert client.post(form.get("action"), dict(form.form_values())).status_code == 302
        assert Comment.objects.get().text == "Well said."

    def test_it_does_not_reveal_who_an_address_belongs_to(self, client: Client, post: Post) -> None:
        """An avatar of the address entered could be compared with those of other comments."""
        response = preview(client, post)
        shown = one(read(response), ".comment-preview")
        assert neutral() in response.content.decode()
        assert len(find(shown, "svg")) == 1
        assert "ann@example.org" not in text(shown)

    def test_active_content_is_shown_as_text(self, client: Client, post: Post) -> None:
        shown = one(
            read(preview(client, post, text="<script>alert(1)</script>", name="<img src=x>")), ".comment-preview"
        )
        assert find(shown, "script") + find(shown, "img") == []


class TestErrors:
    def test_an_invalid_comment_shows_errors_instead(self, client: Client, post: Post) -> None:
        response = preview(client, post, text="", email="ann@")
        assert response.status_code == 400
        assert len(errors(response)) == 2
        assert find(read(response), ".comment-preview") == []

    def test_there_is_none_if_comments_are_closed(self, client: Client, post: Post) -> None:
        CommentSettings.objects.update(comments_open=False)
        response = preview(client, post)
        assert response.status_code == 400
        assert find(read(response), ".comment-preview") == []

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    def test_requests_from_other_sites_get_none(self, client: Client, post: Post, headers: dict[str, str]) -> None:
        response = preview(client, post, headers)
        assert response.status_code == 403
        assert b"comment-preview" not in response.content

    def test_with_a_session_it_requires_a_token(self, client: Client, post: Post) -> None:
        client.force_login(UserFactory.create(role="Moderator", display_name="Mo"))
        assert preview(client, post).status_code == 403
        form = one(read(client.get(post.get_absolute_url())), "form.comment-form")
        page = read(client.post(form_url(post), {**dict(form.form_values()), "text": "Hello", "preview": "1"}))
        assert text(one(page, ".comment-preview .comment-author")) == "Mo Says:"
