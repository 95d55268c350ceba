"""While nothing can be saved, readers get an explanation and keep what they typed."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from blog.models import Post
from comments import sender_links
from comments.models import Comment
from tests.factories import CommentFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

TYPED = {"name": "Ann", "email": "ann@example.org", "website": "https://ann.example", "text": "My own words"}


@pytest.fixture
def post() -> Any:
    return PostFactory.create()


def full(*args: Any, **kwargs: Any) -> Any:
    raise OperationalError("database or disk is full")


def new_comment(post: Post) -> Comment:
    comment: Comment = CommentFactory.create(entry=post, status="pending", text="As it was", created_at=timezone.now())
    return comment


def own_url(comment: Comment) -> str:
    query = parse_qs(urlsplit(sender_links.view_url(comment)).query)
    return reverse("comments:own", args=query["moderation-hash"])


@pytest.mark.parametrize("role", ["", "Editor"])
def test_a_new_comment_stays_in_the_form(
    client: Client, post: Post, role: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if role:
        client.force_login(UserFactory(role=role))
    monkeypatch.setattr("comments.moderation.submission.rate_limit.count", full)
    response = client.post(reverse("comments:add", args=["post", post.pk]), TYPED)
    assert response.status_code == 503
    assert response["Retry-After"] == "300"
    assert response["Cache-Control"] == "private, no-store"
    page = response.content.decode()
    assert "could not be saved" in response.content.decode()
    for value in ["My own words"] if role else TYPED.values():
        assert value in page
    assert not Comment.objects.exists()
    # Only what happened, and nothing that was typed.
    assert "database or disk is full" in caplog.text
    assert not any(value in caplog.text for value in TYPED.values())


def test_a_changed_comment_stays_in_the_form(client: Client, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    comment = new_comment(post)
    monkeypatch.setattr("comments.moderation.submission.judge", full)
    response = client.post(own_url(comment), {"text": "My other words", "change": "1"})
    assert response.status_code == 503
    assert "My other words" in response.content.decode()
    assert "could not be saved" in response.content.decode()
    assert Comment.objects.get().text == "As it was"


def test_a_secret_page_explains_it(client: Client, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    comment = new_comment(post)
    monkeypatch.setattr("comments.moderation.submission.delete_own", full)
    client.raise_request_exception = False
    response = client.post(own_url(comment), {"delete": "1"})
    assert response.status_code == 503
    assert "nothing was changed" in response.content.decode()
    assert response["X-Robots-Tag"] == "noindex"
    assert Comment.objects.count() == 1


def test_visitors_leave_room_on_the_disk_for_the_people_who_run_the_site(
    client: Client, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    comment = new_comment(post)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(total=2**40, free=2**27))
    responses = [
        client.post(reverse("comments:add", args=["post", post.pk]), TYPED),
        client.post(own_url(comment), {"change": "", "text": "My own words"}),
    ]
    for response in responses:
        assert response.status_code == 503
        assert "My own words" in response.content.decode()
    assert list(Comment.objects.values_list("text", flat=True)) == ["As it was"]
    assert not comment.revisions.exists()
