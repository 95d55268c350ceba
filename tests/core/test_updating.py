"""While a site is being upgraded to another release, it stays readable and stores nothing."""

import re
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from comments.models import Comment
from core.updating import BeingUpdatedError, GateError, closed, inside_the_gate, is_being_updated, update_token
from tests.factories import CommentFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db
FIELDS = {"name": "Ann", "email": "ann@example.org", "text": "What I typed <b>here</b>"}


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def test_readers_notice_nothing(client: Client) -> None:
    post = PostFactory()
    CommentFactory(entry=post, text="Earlier")
    with closed("token", 0):
        for url in ("/", post.get_absolute_url(), "/feed/", f"/?s={post.title}"):
            assert client.get(url).status_code == 200


def test_a_comment_is_returned_with_an_explanation(client: Client) -> None:
    post = PostFactory()
    url = f"/comments/on/post/{post.pk}/"
    with closed("token", 0):
        response = client.post(url, FIELDS)
    assert response.status_code == 503
    assert "It is being updated. Try again in a minute." in response.text
    assert "What I typed &lt;b&gt;here&lt;/b&gt;</textarea>" in re.sub(r"\s+</textarea>", "</textarea>", response.text)
    assert not Comment.objects.exists()
    assert client.post(url, FIELDS).status_code == 302
    assert Comment.objects.exists()


def test_staff_can_read_but_not_write(client: Client) -> None:
    user = UserFactory(is_superuser=True, is_staff=True)
    client.force_login(user)
    post = PostFactory(title="Before")
    with closed("token", 0):
        assert client.get("/admin/").status_code == 200
        client.raise_request_exception = True
        with pytest.raises(BeingUpdatedError):
            client.post("/admin/blog/category/add/", {"name": "After"})
    post.refresh_from_db()
    assert post.title == "Before"


def test_the_gate_closes_only_after_all_writers_have_left() -> None:
    with inside_the_gate() as may_write:
        assert may_write
        with pytest.raises(GateError), closed("token", 0):
            pytest.fail("Someone is inside.")
        assert not is_being_updated()
    with closed("token", 0):
        assert is_being_updated()


def test_writers_cannot_enter_while_the_gate_is_closed() -> None:
    with closed("token", 0), inside_the_gate() as may_write:
        assert not may_write
    with inside_the_gate() as may_write:
        assert may_write


def test_an_upgrade_that_was_killed_leaves_the_gate_open(tmp_path: Path) -> None:
    # Its lock ended with its process.
    (tmp_path / "being-updated").write_text("token")
    assert not is_being_updated()
    assert update_token() == ""
    with inside_the_gate() as may_write:
        assert may_write
    with closed("other", 0):
        assert update_token() == "other"


def test_writers_enter_even_if_no_lock_file_can_be_created(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "missing"
    with inside_the_gate() as may_write:
        assert may_write
