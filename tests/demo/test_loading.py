"""The sample content is complete, and is never mixed up with real content."""

import re
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from blog.models import Category, Page, Post, ReviewNote, Status
from blog.portraits import SIZE
from comments.models import Comment, CommentStatus
from media.models import Picture
from tags.models import Tag
from tests.factories import PostFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="class")
def loaded(class_db: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Return the output of `load_demo` on an empty site, and the folder of its files."""
    folder, out = tmp_path_factory.mktemp("demo"), StringIO()
    with override_settings(DATA_DIR=folder, MEDIA_ROOT=folder / "media"):
        call_command("load_demo", stdout=out)
    return out.getvalue(), folder


@pytest.fixture
def output(loaded: tuple[str, Path], settings: Settings) -> str:
    """Return the output of `load_demo`, which has filled the site."""
    output, folder = loaded
    settings.DATA_DIR, settings.MEDIA_ROOT = folder, folder / "media"
    return output


class TestLoading:
    def test_the_content_has_every_feature_of_an_old_blog(self, output: str, client: Client) -> None:
        published = Post.objects.published()
        assert published.count() >= 30
        assert len({post.published_on.year for post in published if post.published_on}) >= 5
        assert (Category.objects.count(), Category.objects.exclude(parent=None).exists()) == (4, True)
        assert Tag.objects.count() >= 60
        assert {"ar", "en", "fr", "ru"} <= set(published.values_list("language", flat=True))
        assert not published.filter(language="").exists()
        assert [post for post in published if post.updated_at]
        assert published.filter(has_more=True).exists()
        assert published.filter(has_more=False).exists()
        assert Post.objects.scheduled().exists()
        assert Post.objects.filter(status=Status.DRAFT).exists()
        assert Post.objects.filter(status=Status.PENDING, review_notes__in=ReviewNote.objects.open()).exists()
        assert Page.objects.published().count() == 2
        assert Picture.objects.exists()
        assert set(Comment.objects.values_list("status", flat=True)) == set(CommentStatus.values)
        assert Comment.objects.approved().filter(parent__isnull=False).exists()
        assert published.filter(body_html__contains="Click to access").exists()

    def test_readers_see_portraits_of_all_authors(self, output: str, client: Client) -> None:
        for author in User.objects.filter(entries__in=Post.objects.published()).distinct():
            shown = author.portrait.get_absolute_url()
            post = author.entries.filter(status=Status.PUBLISHED).earliest("published_at")
            for path in ("/authors/", author.get_absolute_url(), post.get_absolute_url()):
                assert shown in client.get(path).text
            with Image.open(BytesIO(client.get(shown).content)) as image:
                assert image.size == (SIZE, SIZE)

    def test_every_internal_link_works(self, output: str, client: Client) -> None:
        pages = [entry.get_absolute_url() for entry in (*Post.objects.published(), *Page.objects.published())]
        linked = {
            url
            for page in pages
            for url in re.findall(r'(?:href|src)="(/[^"#]*)', client.get(page).content.decode())
            if not url.startswith(("/static/", "/admin/"))
        }
        assert len(linked) > 100
        responses = {url: client.get(url) for url in linked}
        assert {url: response.status_code for url, response in responses.items()} == dict.fromkeys(linked, 200)
        for response in responses.values():
            # An image is an open file until it has been read.
            assert response.getvalue()

    def test_prints_the_urls_and_the_accounts(self, output: str) -> None:
        assert "http://testserver/" in output
        for name in ("editor", "author", "moderator"):
            found = re.search(rf"^\s+{name}\s+(\S+)", output, re.MULTILINE)
            assert found
            assert User.objects.get(username=name).check_password(found[1])

    def test_running_it_again_changes_nothing_and_prints_the_accounts(self, output: str) -> None:
        before = (Post.objects.count(), Comment.objects.count(), Tag.objects.count())
        # Nor does it know the passwords of others.
        UserFactory(username="rosa", is_staff=True, password="correct horse battery staple")
        out = StringIO()
        call_command("load_demo", stdout=out)
        assert (Post.objects.count(), Comment.objects.count(), Tag.objects.count()) == before
        assert out.getvalue().splitlines()[-6:] == output.splitlines()[-6:]


def test_refuses_a_site_that_has_posts(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    PostFactory()
    with pytest.raises(CommandError, match="BROADSIDE_DATA"):
        call_command("load_demo", stdout=StringIO())
    assert Post.objects.count() == 1
    assert not User.objects.filter(username="editor").exists()
