"""The sample content: what is promised is there, and it never mixes with real work."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from pytest_django import Settings

from accounts.models import User
from blog.models import Category, Page, Post, Status
from comments.models import Comment
from comments.models import Status as CommentStatus
from library.models import Picture
from tags.models import Tag
from tests.factories import PostFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="class")
def loaded(class_db: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What `load_demo` says while it fills an empty site, and the folder of its files."""
    folder, out = tmp_path_factory.mktemp("demo"), StringIO()
    with override_settings(DATA_DIR=folder, MEDIA_ROOT=folder / "media"):
        call_command("load_demo", stdout=out)
    return out.getvalue(), folder


@pytest.fixture
def said(loaded: tuple[str, Path], settings: Settings) -> str:
    """What `load_demo` said when it filled the site."""
    words, folder = loaded
    settings.DATA_DIR, settings.MEDIA_ROOT = folder, folder / "media"
    return words


class TestLoading:
    def test_content_is_what_a_blog_of_years_has(self, said: str, client: Client) -> None:
        published = Post.objects.published()
        assert published.count() >= 30
        assert len({post.published_on.year for post in published if post.published_on}) >= 5
        assert (Category.objects.count(), Category.objects.exclude(parent=None).exists()) == (4, True)
        assert Tag.objects.count() >= 60
        assert {"ar", "fr", "ru"} <= set(published.values_list("language", flat=True))
        assert published.filter(has_more=True).exists()
        assert published.filter(has_more=False).exists()
        assert Post.objects.scheduled().exists()
        assert Post.objects.filter(status=Status.DRAFT).exists()
        assert Page.objects.published().count() == 2
        assert Picture.objects.exists()
        assert set(Comment.objects.values_list("status", flat=True)) == set(CommentStatus.values)
        assert Comment.objects.approved().filter(parent__isnull=False).exists()
        assert published.filter(body_html__contains="Click to access").exists()

    def test_every_address_in_it_answers(self, said: str, client: Client) -> None:
        pages = [entry.get_absolute_url() for entry in (*Post.objects.published(), *Page.objects.published())]
        linked = {
            address
            for page in pages
            for address in re.findall(r'(?:href|src)="(/[^"#]*)', client.get(page).content.decode())
            if not address.startswith(("/static/", "/admin/"))
        }
        assert len(linked) > 100
        answers = {address: client.get(address) for address in linked}
        assert {address: answer.status_code for address, answer in answers.items()} == dict.fromkeys(linked, 200)
        for answer in answers.values():
            # A picture is an open file until it has been read.
            assert answer.getvalue()

    def test_says_where_it_is_and_who_may_log_in(self, said: str) -> None:
        assert "http://testserver/" in said
        for name in ("editor", "author", "moderator"):
            found = re.search(rf"^\s+{name}\s+(\S+)", said, re.MULTILINE)
            assert found
            assert User.objects.get(username=name).check_password(found[1])

    def test_second_run_changes_nothing_and_says_the_accounts_again(self, said: str) -> None:
        before = (Post.objects.count(), Comment.objects.count(), Tag.objects.count())
        out = StringIO()
        call_command("load_demo", stdout=out)
        assert (Post.objects.count(), Comment.objects.count(), Tag.objects.count()) == before
        assert out.getvalue().splitlines()[-6:] == said.splitlines()[-6:]


def test_site_with_posts_of_its_own_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    PostFactory()
    with pytest.raises(CommandError, match="BROADSIDE_DATA"):
        call_command("load_demo", stdout=StringIO())
    assert Post.objects.count() == 1
    assert not User.objects.filter(username="editor").exists()
