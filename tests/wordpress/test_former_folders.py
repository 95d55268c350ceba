"""Blogs that were in a folder (`https://old.example/blog/`), with plain and other permalinks."""

import datetime as dt
import io
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client

from blog.models import Page, Post, Redirect
from blog.models.redirect import add_folder, add_redirects
from media.models import Document
from tests.factories import PageFactory, PostFactory
from tests.factories.wxr import attachment, category, comment, export, filed, item, page, tag, write
from tests.factories.wxr import exported as exported_site
from wordpress.importing.pipeline import import_export
from wordpress.importing.redirects import add_redirect
from wordpress.importing.undo import undo_run
from wordpress.models import ImportRun

pytestmark = pytest.mark.django_db

FOLDER = "https://old.example/blog"


def plain(form: str, pk: int) -> dict[str, str]:
    url = f"{FOLDER}/?{form}={pk}"
    return {"link": url, "guid": url}


def parts() -> Iterable[str]:
    inside = [filed("post_tag", "x", "X"), filed("category", "c", "C"), comment(1)]
    file = f"{FOLDER}/wp-content/uploads/2014/03/a.pdf"
    return (
        category("c", "C", id=3),
        tag("x", "X"),
        item(42, inside=inside, title="Forty-two", **plain("p", 42)),
        item(43, title="Forty-three", **plain("p", 43)),
        item(44, title="A draft", status="draft", **plain("p", 44)),
        page(50, title="About", **plain("page_id", 50)),
        # A static front page.
        page(51, title="Home", link=f"{FOLDER}/", guid=f"{FOLDER}/?page_id=51"),
        attachment(60, post_parent=42, attachment_url=file, **plain("attachment_id", 60)),
    )


@pytest.fixture(scope="class")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("exported"), export(*parts(), site=FOLDER))


@pytest.fixture(scope="class")
def _imported(class_db: None, exported: Path) -> None:
    import_export([exported])


@pytest.mark.usefixtures("_imported")
class TestImportedFolder:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("/blog", "/"),
            ("/blog/", "/"),
            ("/Blog/", "/"),
            ("/blog/index.php", "/"),
            ("/blog/?p=42", "/2014/03/01/post-42/"),
            ("/blog?p=42", "/2014/03/01/post-42/"),
            ("/blog/index.php?p=43&utm_source=x", "/2014/03/01/post-43/"),
            ("/blog/?page_id=50", "/page-50/"),
            ("/blog/?page_id=51", "/page-51/"),
            # The file is missing, so its page redirects to the post that it belongs to.
            ("/blog/?attachment_id=60", "/2014/03/01/post-42/"),
            ("/blog/?cat=3", "/category/c/"),
            ("/blog/?tag=x", "/tag/x/"),
            ("/blog/?m=201403", "/2014/03/"),
            ("/blog/2014/03/", "/2014/03/"),
            ("/blog/2014/03/01/post-42/", "/2014/03/01/post-42/"),
            ("/blog/feed/", "/feed/"),
            ("/blog/feed", "/feed/"),
            ("/blog/feed/atom/", "/feed/atom/"),
            ("/blog/?feed=rss2", "/feed/"),
            ("/blog/?feed=rss2&p=42", "/2014/03/01/post-42/feed/"),
            ("/blog/comments/feed/", "/comments/feed/"),
            ("/blog/tag/x/", "/tag/x/"),
        ],
    )
    def test_each_url_redirects_to_the_url_without_the_folder(self, client: Client, old: str, new: str) -> None:
        response = client.get(old)
        assert (response.status_code, response.headers.get("Location")) == (301, new)
        assert client.get(new).status_code == 200

    @pytest.mark.parametrize(
        "path", ["/blog/?p=44", "/blog/?p=999", "/blog/no-such/", "/blogs/", "/blog//evil.example/"]
    )
    def test_urls_of_hidden_and_unknown_content_are_not_found(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 404

    def test_only_the_redirect_from_the_folder_is_stored(self) -> None:
        assert [redirect.path for redirect in Redirect.objects.order_by("path")] == ["/?p=60", "/blog/*"]

    def test_the_redirect_is_imported_only_once(self, exported: Path) -> None:
        before = list(Redirect.objects.values())
        assert not import_export([exported]).has_changes
        assert list(Redirect.objects.values()) == before

    def test_a_redirect_that_is_added_later_takes_precedence(self, exported: Path, client: Client) -> None:
        add_redirects([("/blog/", Page.objects.get(pk=50))])
        import_export([exported])
        assert client.get("/blog/").headers["Location"] == "/page-50/"
        assert client.get("/blog/tag/x/").headers["Location"] == "/tag/x/"

    def test_our_own_export_contains_it(self, tmp_path: Path) -> None:
        path = exported_site(tmp_path)
        Redirect.objects.all().delete()
        import_export([path])
        assert Redirect.objects.filter(path="/blog/*").exists()

    def test_undoing_the_import_removes_it(self) -> None:
        undo_run(ImportRun.objects.get())
        assert not Redirect.objects.exists()

    def test_verifying_finds_no_problems(self, exported: Path) -> None:
        out = io.StringIO()
        call_command("verify_import", str(exported), stdout=out, stderr=io.StringIO())
        assert "No problems found" in out.getvalue()

    def test_resized_copies_of_its_files_are_found(self, client: Client) -> None:
        document = Document.objects.create(file=ContentFile(b"%PDF-", name="a.pdf"))
        add_redirect(f"{FOLDER}/wp-content/uploads/2014/03/b.png", document)
        for name in ("b.png", "b-300x200.png", "b.png?w=300"):
            response = client.get(f"/blog/wp-content/uploads/2014/03/{name}")
            assert response.headers["Location"] == document.file.url


class TestOtherFolders:
    def test_a_redirect_from_the_folder_that_was_stored_earlier_is_removed(
        self, exported: Path, client: Client
    ) -> None:
        add_redirects([("/blog/", PostFactory.create())])
        import_export([exported])
        assert client.get("/blog/").headers["Location"] == "/"

    def test_links_with_other_permalinks_redirect_to_their_items(self, tmp_path: Path, client: Client) -> None:
        import_export([write(tmp_path, export(item(7, link=f"{FOLDER}/archives/7/"), site=FOLDER))])
        url = Post.objects.get().get_absolute_url()
        assert client.get("/blog/archives/7/").headers["Location"] == url
        assert client.get("/blog/?p=7").headers["Location"] == url

    def test_the_innermost_folder_counts(self, client: Client) -> None:
        PageFactory(slug="about")
        add_folder("/a/")
        add_folder("/a/b/")
        assert client.get("/a/b/about/").headers["Location"] == client.get("/a/about/").headers["Location"] == "/about/"

    def test_posts_with_a_similar_slug_do_not_matter(self, client: Client) -> None:
        PostFactory(slug="newsletter-2014", published_at=dt.datetime(2014, 1, 1, tzinfo=dt.UTC))
        assert client.get("/newslett/").status_code == 301
        add_folder("/newslett/")
        assert client.get("/newslett/").headers["Location"] == "/"

    @pytest.mark.parametrize("site", ["https://old.example", "https://old.example/", "https://[x", "", "x" * 2000])
    def test_a_blog_at_the_root_has_no_former_folder(self, tmp_path: Path, site: str) -> None:
        import_export([write(tmp_path, export(item(7), site=site))])
        assert not Redirect.objects.filter(path__endswith="*").exists()
