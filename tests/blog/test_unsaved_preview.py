"""The preview of unsaved text: the page that readers would get, in another tab, without saving anything."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from blog.models import Category, Entry, Page, Post, Redirect, Status
from core.changes import ContentVersion
from tags.models import Tag
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import ROLES, admin_url, client_of, form_data, user_in_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    """The client of an editor."""
    return client_of(UserFactory(role="Editor"))


def preview(client: Client, entry: Any, **changes: Any) -> Any:
    model = entry if isinstance(entry, type) else type(entry)
    if entry is model:
        author = UserFactory(is_staff=True).pk
        return client.post(admin_url(model, "preview_new"), form_data(**{"author": author} | changes))
    return client.post(admin_url(entry, "preview"), form_data(entry, **changes))


def without_notice(response: Any) -> str:
    """Return the page without the preview notice, and without tokens, which always differ."""
    html = re.sub(r'<div class="notice">.*?</div>', "", response.content.decode(), flags=re.DOTALL)
    html = re.sub(r'(name="(?:csrfmiddlewaretoken|rendered_at|token)" value=")[^"]*', r"\1", html)
    return re.sub(r"\s+", " ", html)


class TestPage:
    def test_is_the_one_that_readers_get_once_it_is_published(self, client: Client) -> None:
        older = PostFactory(title="Older")
        draft = PostFactory(status=Status.DRAFT, published_at=older.published_at, categories=[CategoryFactory()])
        changes = {"title": "A lamp", "source": "Some *words*.", "slug": "a-lamp", "tags": "new tag, other"}
        shown = without_notice(preview(client, draft, **changes))
        for part in ("A lamp", "<em>words</em>", "/a-lamp/", "new tag", "Older", "This entry was posted on"):
            assert part in shown
        client.post(admin_url(draft, "change"), form_data(draft, **changes, _step="publish"))
        published = Client().get(Post.objects.get(pk=draft.pk).get_absolute_url())
        main = re.compile(r"<article.*?</article>", re.DOTALL)
        assert main.findall(shown) == main.findall(without_notice(published))

    def test_of_a_new_post_has_a_date_and_the_tags(self, client: Client) -> None:
        page = preview(client, Post, title="New", source="Words.", tags="brand new").content.decode()
        assert "brand new" in page
        assert "This entry was posted on" in page

    def test_shows_pages_and_entries_with_a_password(self, client: Client) -> None:
        page = PageFactory(title="About", password="secret words")
        assert "<em>inside</em>" in preview(client, page, source="*inside*").content.decode()

    def test_says_that_nothing_was_saved(self, client: Client) -> None:
        assert "Nothing has been saved" in preview(client, PostFactory(), title="Other").content.decode()


class TestSafety:
    def test_nothing_is_saved(self, client: Client, django_capture_on_commit_callbacks: Any) -> None:
        post = PostFactory(tags=["one"], categories=[CategoryFactory()])
        models = (Entry, Tag, Category, Redirect, ContentVersion)
        before = [list(model._default_manager.order_by("pk").values()) for model in models]
        with django_capture_on_commit_callbacks(execute=True):
            changes = {"title": "Other", "slug": "other", "tags": "two", "categories": [CategoryFactory().pk]}
            before[2] = list(Category.objects.order_by("pk").values())
            before[4] = list(ContentVersion.objects.values())
            assert preview(client, post, **changes).status_code == 200
            assert preview(client, Post, title="New", tags="three", author=post.author_id).status_code == 200
            assert [list(model._default_manager.order_by("pk").values()) for model in models] == before
        assert {tag.name for tag in Post.objects.get().tags.all()} == {"one"}

    def test_readers_see_nothing_of_it_through_caches(self, client: Client) -> None:
        secret = CategoryFactory(name="Kept secret")
        draft = PostFactory(status=Status.DRAFT)
        assert "Kept secret" in preview(client, draft, categories=[secret.pk]).text
        assert "Kept secret" not in Client().get("/").text

    def test_it_is_neither_cached_nor_indexed(self, client: Client) -> None:
        response = preview(client, PostFactory())
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]
        assert response["X-Robots-Tag"] == "noindex"

    def test_changes_that_others_saved_in_the_meantime_make_no_difference(self, client: Client) -> None:
        post = PostFactory()
        response = preview(client, post, title="Mine", version="another")
        assert (response.status_code, "Mine" in response.content.decode()) == (200, True)

    def test_errors_are_explained(self, client: Client) -> None:
        response = preview(client, PostFactory(), slug="not/possible", source="x" * 500_001)
        assert response.status_code == 400
        page = response.content.decode()
        assert "Slug:" in page
        assert "This text is too long" in page

    def test_other_sites_cannot_request_it(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(UserFactory(role="Editor"))
        assert client.post(reverse("admin:blog_post_preview_new"), form_data(title="x")).status_code == 403
        assert client.get(reverse("admin:blog_post_preview_new")).status_code == 405

    def test_of_a_missing_post_is_not_found(self, client: Client) -> None:
        assert client.post("/admin/blog/post/999/preview/", form_data()).status_code == 404


class TestPermissions:
    @pytest.mark.parametrize("role", ROLES)
    def test_every_user_who_may_change_a_text_may_preview_the_change(self, role: str) -> None:
        user = user_in_role(role)
        edits_all = role in {"Editor", "superuser"}
        allowed = {
            "new": edits_all or role == "Author",
            "own draft": edits_all or role == "Author",
            "own public": edits_all,
            "other": edits_all,
            "page": edits_all,
        }
        own = user or UserFactory()
        entries: dict[str, Any] = {
            "new": Post,
            "own draft": PostFactory(author=own, status=Status.DRAFT),
            "own public": PostFactory(author=own),
            "other": PostFactory(status=Status.DRAFT),
            "page": PageFactory(),
        }
        client = client_of(user)
        seen = {name: preview(client, entry, title="Seen").status_code == 200 for name, entry in entries.items()}
        assert seen == allowed
        assert not Page.objects.filter(title="Seen").exists()
