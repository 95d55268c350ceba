"""Converting a post or page to Markdown in the admin."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditRecord
from blog.models import Post
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, is_refused, user_in_role

pytestmark = pytest.mark.django_db

SOURCE = "Some <b>bold</b> text\n\n<h2>Head</h2>"


@pytest.fixture
def editor() -> Client:
    return client_of(UserFactory(role="Editor"))


def confirm(client: Client, post: Any, **changes: str) -> Any:
    return client.post(admin_url(post, "convert"), {"version": post.modified_at.isoformat()} | changes)


@pytest.mark.parametrize(
    ("role", "own_draft", "own_published", "other"),
    [
        ("anonymous", False, False, False),
        ("staff", False, False, False),
        ("Author", True, False, False),
        ("Editor", True, True, True),
        ("Moderator", False, False, False),
        ("superuser", True, True, True),
    ],
)
def test_only_users_who_may_change_a_text_can_convert_it(
    role: str, own_draft: bool, own_published: bool, other: bool
) -> None:
    user = user_in_role(role)
    client = client_of(user)
    author = user or UserFactory()
    posts = [
        PostFactory(author=author, status="draft", markup="html", source=SOURCE),
        PostFactory(author=author, markup="html", source=SOURCE),
        PostFactory(status="draft", markup="html", source=SOURCE),
    ]
    refused = [
        (is_refused(client.get(admin_url(post, "convert"))), is_refused(confirm(client, post))) for post in posts
    ]
    expected = [own_draft, own_published, other]
    assert refused == [(not allowed, not allowed) for allowed in expected]
    assert [Post.objects.get(pk=post.pk).markup == "markdown" for post in posts] == expected


def test_the_markdown_is_shown_first_and_saved_when_it_is_confirmed(editor: Client) -> None:
    post = PostFactory(markup="wordpress", source=SOURCE)
    assert f'href="{admin_url(post, "convert")}"' in editor.get(admin_url(post, "change")).content.decode()
    page = editor.get(admin_url(post, "convert")).content.decode()
    assert "Some **bold** text\n\n## Head</pre>" in page
    assert "readers will see the same as now" in page
    assert Post.objects.get().source == SOURCE
    response = confirm(editor, post)
    assert response["Location"] == admin_url(post, "change")
    post.refresh_from_db()
    assert (post.markup, post.source) == ("markdown", "Some **bold** text\n\n## Head")
    assert "<strong>bold</strong>" in post.body_html
    assert AuditRecord.objects.get(kind="blog.post").text == "Changed: Converted to Markdown."
    assert "Convert to Markdown…" not in editor.get(admin_url(post, "change")).content.decode()


def test_a_text_that_another_user_has_changed_is_not_converted(editor: Client) -> None:
    post = PostFactory(markup="html", source=SOURCE)
    response = confirm(editor, post, version="2020-01-01T00:00:00+00:00")
    assert "Someone else changed this first" in response.content.decode()
    assert Post.objects.get().markup == "html"


def test_a_text_that_would_lose_something_is_not_converted(editor: Client) -> None:
    post = PostFactory(markup="html", source='<p><img src="https://example.com/a.png" alt="x"></p>')
    response = confirm(editor, post)
    assert "This text shows files from other sites" in response.content.decode()
    assert Post.objects.get().markup == "html"


def test_texts_that_cannot_be_converted(editor: Client) -> None:
    page = PageFactory(source="Words")
    assert editor.get(admin_url(page, "convert"))["Location"] == admin_url(page, "change")
    unknown = PostFactory(source="Words")
    Post.objects.filter(pk=unknown.pk).update(markup="nonsense")
    assert "in a format that this site" in editor.get(admin_url(unknown, "convert")).content.decode()
    assert editor.get("/admin/blog/post/999999/convert/").status_code == 404
