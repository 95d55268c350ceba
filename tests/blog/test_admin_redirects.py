"""Redirects in the admin."""

import datetime as dt
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from blog.models import Category, Page, Post, Redirect, Status
from blog.models.redirect import add_redirects
from media.models import Document
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role

pytestmark = pytest.mark.django_db

LIST = "/admin/blog/redirect/"
ADD = f"{LIST}add/"


@pytest.fixture
def editor() -> Client:
    return client_of(UserFactory(role="Editor"))


@pytest.fixture
def post() -> Any:
    return PostFactory(slug="new", title="A title", published_at=dt.datetime(2020, 1, 2, tzinfo=dt.UTC))


def add(client: Client, path: str, destination: str) -> dict[str, list[str]]:
    """Return the errors of the form by field."""
    response = client.post(ADD, {"path": path, "destination": destination})
    return {} if response.status_code == 302 else response.context["adminform"].form.errors


def test_a_script_is_redirected_with_its_query(editor: Client, post: Post, client: Client) -> None:
    assert add(editor, "https://old.example/spip.php?article=%C3%A9", "/2020/01/02/new/") == {}
    assert Redirect.objects.get().path == "/spip.php?article=é"
    assert client.get("/spip.php?article=%C3%A9").headers["Location"] == "/2020/01/02/new/"


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "listed", "added", "deleted"),
        [
            ("anonymous", 302, 302, 302),
            ("staff", 403, 403, 403),
            ("Author", 403, 403, 403),
            ("Moderator", 403, 403, 403),
            ("Editor", 200, 200, 200),
            ("superuser", 200, 200, 200),
        ],
    )
    def test_each_role_has_its_permissions(self, role: str, listed: int, added: int, deleted: int, post: Post) -> None:
        add_redirects([("/x/", post)])
        client = client_of(user_in_role(role))
        pages = (LIST, ADD, f"{LIST}{Redirect.objects.get().pk}/delete/")
        assert [client.get(page).status_code for page in pages] == [listed, added, deleted]

    def test_redirects_cannot_be_changed(self, editor: Client, post: Post) -> None:
        add_redirects([("/x/", post)])
        redirect = Redirect.objects.get()
        assert editor.get(f"{LIST}{redirect.pk}/change/").status_code == 200
        assert editor.post(f"{LIST}{redirect.pk}/change/", {"path": "/y/", "destination": "/"}).status_code == 403


class TestList:
    def test_shows_each_redirect_with_its_destination(self, editor: Client, post: Post) -> None:
        add_redirects([("/x/", post), ("/y/", PostFactory(status="draft", title="Hidden"))])
        text = editor.get(LIST).text
        assert f'<a href="{post.get_absolute_url()}">A title</a>' in text
        assert "Hidden (not public)" in text

    @pytest.mark.parametrize("query", ["old-x", "A title"])
    def test_searches_paths_and_titles(self, editor: Client, post: Post, query: str) -> None:
        add_redirects([("/old-x/", post), ("/y/", PostFactory())])
        found = editor.get(LIST, {"q": query}).context["cl"].result_list
        assert [redirect.path for redirect in found] == ["/old-x/"]

    def test_takes_a_fixed_number_of_queries(self, editor: Client, django_assert_max_num_queries: Any) -> None:
        add_redirects((f"/x-{index}/", PostFactory()) for index in range(20))
        with django_assert_max_num_queries(6):
            editor.get(LIST)


class TestAdding:
    @pytest.mark.parametrize(
        "url", ["/2011/5/old/", "/2011/5/old", "https://old.example/2011/5/old/?utm_source=x#more", "/alt/ö.html"]
    )
    def test_redirects_the_old_url(self, editor: Client, client: Client, post: Post, url: str) -> None:
        assert not add(editor, url, f"http://testserver{post.get_absolute_url()}")
        path = url.removeprefix("https://old.example")
        assert client.get(path).headers["Location"].partition("?")[0] == post.get_absolute_url()

    def test_the_destination_can_be_any_object_with_a_url(self, editor: Client) -> None:
        page = PageFactory(slug="about")
        category: Category = CategoryFactory(slug="videos")
        author = PostFactory().author
        document = Document.objects.create(file=ContentFile(b"%PDF-", name="a.pdf"))
        targets = (page, category, author)
        for index, target in enumerate(targets):
            assert not add(editor, f"/x-{index}/", target.get_absolute_url())
        assert not add(editor, "/x.pdf", document.file.url)
        assert [redirect.target for redirect in Redirect.objects.order_by("pk")] == [*targets, document]

    @pytest.mark.parametrize(
        ("path", "field"),
        [
            ("", "path"),
            ("/", "path"),
            ("no-slash", "path"),
            ("http://[x", "path"),
            ("/admin/x/", "path"),
            ("/media/x.jpg", "path"),
            ("/" + "x" * 700, "path"),
            ("/2020/01/02/new/", "path"),
            ("/taken/", "path"),
        ],
    )
    def test_a_path_that_cannot_be_redirected_is_an_error(
        self, editor: Client, post: Post, path: str, field: str
    ) -> None:
        add_redirects([("/taken/", post)])
        response = editor.post(ADD, {"path": path, "destination": post.get_absolute_url()})
        form = response.context["adminform"].form
        assert list(form.errors) == [field]
        assert form["path"].value() == path
        assert Redirect.objects.count() == 1

    @pytest.mark.parametrize(
        "destination", ["", "/", "/nowhere/", "/2020/13/45/x/", "/feed/", "http://[x", "/tag/x/", "x"]
    )
    def test_the_destination_must_exist(self, editor: Client, destination: str) -> None:
        assert list(add(editor, "/x/", destination)) == ["destination"]

    def test_is_logged_in_the_history(self, editor: Client, post: Post) -> None:
        add(editor, "/x/", post.get_absolute_url())
        redirect = Redirect.objects.get()
        assert editor.get(f"{LIST}{redirect.pk}/history/").text.count("Added") == 1


class TestDeleting:
    def test_ends_the_redirect(self, editor: Client, client: Client, post: Post) -> None:
        add_redirects([("/x/", post)])
        editor.post(LIST, {"action": "delete_selected", "_selected_action": Redirect.objects.get().pk, "post": "yes"})
        assert not Redirect.objects.exists()
        assert client.get("/x/").status_code == 404

    def test_a_page_with_redirects_can_be_deleted(self, editor: Client) -> None:
        page = PageFactory(status=Status.TRASH)
        add_redirects([("/x/", page)])
        editor.post(f"/admin/blog/page/{page.pk}/delete/", {"post": "yes"})
        assert not Page.objects.exists()
