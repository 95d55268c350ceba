"""Old addresses in the admin."""

import datetime as dt
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from blog.addresses import remember_addresses
from blog.models import Category, OldAddress, Page, Post
from library.models import Document
from tests.blog.desk import at_desk, person
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/blog/oldaddress/"
ADD = f"{LIST}add/"


@pytest.fixture
def desk() -> Client:
    return at_desk(UserFactory(role="Editor"))


@pytest.fixture
def post() -> Any:
    return PostFactory(slug="new", title="A title", published_at=dt.datetime(2020, 1, 2, tzinfo=dt.UTC))


def add(desk: Client, path: str, leads_to: str) -> dict[str, list[str]]:
    """The errors of the form, by field."""
    answer = desk.post(ADD, {"path": path, "leads_to": leads_to})
    return {} if answer.status_code == 302 else answer.context["adminform"].form.errors


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "listed", "added", "deleted"),
        [
            ("nobody", 302, 302, 302),
            ("staff", 403, 403, 403),
            ("Author", 403, 403, 403),
            ("Moderator", 403, 403, 403),
            ("Editor", 200, 200, 200),
            ("superuser", 200, 200, 200),
        ],
    )
    def test_who_may_do_what(self, role: str, listed: int, added: int, deleted: int, post: Post) -> None:
        remember_addresses([("/x/", post)])
        desk = at_desk(person(role))
        pages = (LIST, ADD, f"{LIST}{OldAddress.objects.get().pk}/delete/")
        assert [desk.get(page).status_code for page in pages] == [listed, added, deleted]

    def test_nobody_changes_one(self, desk: Client, post: Post) -> None:
        remember_addresses([("/x/", post)])
        old = OldAddress.objects.get()
        assert desk.get(f"{LIST}{old.pk}/change/").status_code == 200
        assert desk.post(f"{LIST}{old.pk}/change/", {"path": "/y/", "leads_to": "/"}).status_code == 403


class TestList:
    def test_each_with_what_it_leads_to(self, desk: Client, post: Post) -> None:
        remember_addresses([("/x/", post), ("/y/", PostFactory(status="draft", title="Hidden"))])
        text = desk.get(LIST).text
        assert f'<a href="{post.get_absolute_url()}">A title</a>' in text
        assert "Hidden (readers do not see it now)" in text

    @pytest.mark.parametrize("words", ["old-x", "A title"])
    def test_search(self, desk: Client, post: Post, words: str) -> None:
        remember_addresses([("/old-x/", post), ("/y/", PostFactory())])
        found = desk.get(LIST, {"q": words}).context["cl"].result_list
        assert [old.path for old in found] == ["/old-x/"]

    def test_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        remember_addresses((f"/x-{number}/", PostFactory()) for number in range(20))
        with django_assert_max_num_queries(10):
            desk.get(LIST)


class TestAdding:
    @pytest.mark.parametrize(
        "typed", ["/2011/5/old/", "/2011/5/old", "https://old.example/2011/5/old/?utm_source=x#more", "/alt/ö.html"]
    )
    def test_the_address_leads_there(self, desk: Client, client: Client, post: Post, typed: str) -> None:
        assert not add(desk, typed, f"http://testserver{post.get_absolute_url()}")
        path = typed.removeprefix("https://old.example")
        assert client.get(path).headers["Location"].partition("?")[0] == post.get_absolute_url()

    def test_to_all_that_has_an_address(self, desk: Client) -> None:
        page = PageFactory(slug="seite")
        category: Category = CategoryFactory(slug="filme")
        author = PostFactory().author
        document = Document.objects.create(file=ContentFile(b"%PDF-", name="a.pdf"))
        things = (page, category, author)
        for number, thing in enumerate(things):
            assert not add(desk, f"/x-{number}/", thing.get_absolute_url())
        assert not add(desk, "/x.pdf", document.file.url)
        assert [old.target for old in OldAddress.objects.order_by("pk")] == [*things, document]

    @pytest.mark.parametrize(
        ("path", "field"),
        [
            ("", "path"),
            ("/", "path"),
            ("words", "path"),
            ("http://[x", "path"),
            ("/admin/x/", "path"),
            ("/media/x.jpg", "path"),
            ("/" + "x" * 700, "path"),
            ("/2020/01/02/new/", "path"),
            ("/taken/", "path"),
        ],
    )
    def test_what_cannot_be_one_is_named_and_kept(self, desk: Client, post: Post, path: str, field: str) -> None:
        remember_addresses([("/taken/", post)])
        answer = desk.post(ADD, {"path": path, "leads_to": post.get_absolute_url()})
        form = answer.context["adminform"].form
        assert list(form.errors) == [field]
        assert form["path"].value() == path
        assert OldAddress.objects.count() == 1

    @pytest.mark.parametrize(
        "leads_to", ["", "/", "/nowhere/", "/2020/13/45/x/", "/feed/", "http://[x", "/tag/x/", "x"]
    )
    def test_it_must_lead_to_something(self, desk: Client, leads_to: str) -> None:
        assert list(add(desk, "/x/", leads_to)) == ["leads_to"]

    def test_what_was_added_is_noted_in_the_history_and_seen_at_once(self, desk: Client, post: Post) -> None:
        add(desk, "/x/", post.get_absolute_url())
        old = OldAddress.objects.get()
        assert desk.get(f"{LIST}{old.pk}/history/").text.count("Added") == 1


class TestDeleting:
    def test_the_address_leads_nowhere_any_more(self, desk: Client, client: Client, post: Post) -> None:
        remember_addresses([("/x/", post)])
        desk.post(LIST, {"action": "delete_selected", "_selected_action": OldAddress.objects.get().pk, "post": "yes"})
        assert not OldAddress.objects.exists()
        assert client.get("/x/").status_code == 404

    def test_an_editor_deletes_what_had_other_addresses(self, desk: Client) -> None:
        page = PageFactory()
        remember_addresses([("/x/", page)])
        desk.post(f"/admin/blog/page/{page.pk}/delete/", {"post": "yes"})
        assert not Page.objects.exists()
