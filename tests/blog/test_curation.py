"""Merging categories and moving their posts: what changes, where old URLs lead, and undo."""

from threading import Event
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import AuditRecord, User
from blog import curation, publishing
from blog.models import Category, CategoryChange, Post
from blog.models.curation import CurationError
from core.models import SiteSettings
from tests.factories import CategoryFactory, PostFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.database import rows_of_all
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree() -> dict[str, Category]:
    """The categories a, b, b/c and d."""
    found = {name: CategoryFactory(name=name) for name in "abd"}
    return found | {"c": CategoryFactory(name="c", parent=found["b"])}


def names(post: Post) -> set[str]:
    return {category.name for category in Post.objects.get(pk=post.pk).categories.all()}


def paths() -> set[str]:
    return set(Category.objects.values_list("path", flat=True))


class TestMerging:
    def test_posts_and_subcategories_go_to_the_target(
        self, editor: User, tree: dict[str, Category], client: Client
    ) -> None:
        posts = [PostFactory(categories=[tree[name] for name in filed]) for filed in ("ab", "b", "bc", "d")]
        change = curation.merge([tree["b"].pk], tree["a"].pk, editor)
        assert [names(post) for post in posts] == [{"a"}, {"a"}, {"a", "c"}, {"d"}]
        assert paths() == {"a", "a/c", "d"}
        for old, new in {"b/": "a/", "b/feed/": "a/feed/", "b/c/": "a/c/"}.items():
            response = client.get(f"/category/{old}")
            assert (response.status_code, response.headers["Location"]) == (301, f"/category/{new}")
        curation.undo(change.pk, editor)
        assert [names(post) for post in posts] == [{"a", "b"}, {"b"}, {"b", "c"}, {"d"}]
        assert paths() == {"a", "b", "b/c", "d"}
        assert client.get("/category/b/").status_code == 200

    def test_several_with_a_parent_among_them_and_back(self, editor: User, tree: dict[str, Category]) -> None:
        post = PostFactory(categories=[tree["c"], tree["d"]])
        change = curation.merge([tree[name].pk for name in "bcd"], tree["a"].pk, editor)
        assert (names(post), paths()) == ({"a"}, {"a"})
        curation.undo(change.pk, editor)
        assert (names(post), paths()) == ({"c", "d"}, {"a", "b", "b/c", "d"})

    def test_a_chain_leads_to_the_last_one_and_is_undone_from_its_end(
        self, editor: User, tree: dict[str, Category], client: Client
    ) -> None:
        post = PostFactory(categories=[tree["a"]])
        first = curation.merge([tree["a"].pk], tree["b"].pk, editor)
        second = curation.merge([tree["b"].pk], tree["d"].pk, editor)
        assert client.get("/category/a/").headers["Location"] == "/category/d/"
        with pytest.raises(CurationError, match="“b” has been merged or deleted since"):
            curation.undo(first.pk, editor)
        curation.undo(second.pk, editor)
        curation.undo(first.pk, editor)
        assert (names(post), paths()) == ({"a"}, {"a", "b", "b/c", "d"})

    def test_into_a_subcategory_is_refused(self, editor: User, tree: dict[str, Category]) -> None:
        with pytest.raises(CurationError, match="“c” is below “b”"):
            curation.merge([tree["b"].pk], tree["c"].pk, editor)
        with pytest.raises(CurationError, match="Someone else"):
            curation.merge([tree["b"].pk], 10**9, editor)

    def test_moving_posts_keeps_the_categories(self, editor: User, tree: dict[str, Category], client: Client) -> None:
        post, both = PostFactory(categories=[tree["b"]]), PostFactory(categories=[tree["b"], tree["a"]])
        change = curation.merge([tree["b"].pk], tree["a"].pk, editor, keep=True)
        assert (names(post), names(both), paths()) == ({"a"}, {"a"}, {"a", "b", "b/c", "d"})
        assert client.get("/category/b/").status_code == 200
        curation.undo(change.pk, editor)
        assert (names(post), names(both)) == ({"b"}, {"a", "b"})

    def test_moved_posts_go_back_to_a_category_that_was_renamed_since(
        self, editor: User, tree: dict[str, Category]
    ) -> None:
        post = PostFactory(categories=[tree["d"]])
        change = curation.merge([tree["d"].pk], tree["a"].pk, editor, keep=True)
        tree["d"].name = tree["d"].slug = "e"
        tree["d"].save()
        curation.undo(change.pk, editor)
        assert (names(post), paths()) == ({"e"}, {"a", "b", "b/c", "e"})

    def test_undo_keeps_changes_that_were_made_since(self, editor: User, tree: dict[str, Category]) -> None:
        post, later = PostFactory(categories=[tree["b"]]), PostFactory()
        change = curation.merge([tree["b"].pk], tree["a"].pk, editor)
        post.categories.set([tree["d"]])
        later.categories.set([tree["a"]])
        curation.undo(change.pk, editor)
        assert (names(post), names(later)) == ({"d"}, {"a"})
        with pytest.raises(CurationError, match="already been undone"):
            curation.undo(change.pk, editor)

    def test_is_logged_and_pages_expire_once(
        self, editor: User, tree: dict[str, Category], django_capture_on_commit_callbacks: Any
    ) -> None:
        PostFactory(categories=[tree["d"]])
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            curation.merge([tree["d"].pk], tree["a"].pk, editor)
        assert SiteSettings.current().content_version == before + 1
        logged = {(each.title, each.text) for each in AuditRecord.objects.filter(person=editor)}
        assert logged == {("d", "Merged: into “a”"), ("a", "Changed: “d” merged into “a”.")}

    @pytest.mark.django_db(transaction=True)
    def test_two_opposite_merges_at_once_lose_no_post(
        self, editor: User, tree: dict[str, Category], at_once: AtOnce
    ) -> None:
        posts = [PostFactory(categories=[tree[name]]) for name in "ad"]

        def attempt(source: str, target: str) -> bool:
            try:
                return bool(curation.merge([tree[source].pk], tree[target].pk, editor))
            except CurationError:
                return False

        assert sorted(at_once(lambda: attempt("a", "d"), lambda: attempt("d", "a"))) == [False, True]
        assert names(posts[0]) == names(posts[1]) != set()

    @pytest.mark.django_db(transaction=True)
    def test_saving_a_post_and_merging_its_category_never_deadlock(
        self, editor: User, tree: dict[str, Category], at_once: AtOnce
    ) -> None:
        post = PostFactory(categories=[tree["d"]])
        is_locked, has_ended = Event(), Event()

        def save() -> None:
            with transaction.atomic():
                stored = publishing.lock_stored(post)
                is_locked.set()
                # It waits for this transaction.
                assert not has_ended.wait(0.3)
                publishing.save_entry(post, editor, categories=[tree["a"], tree["d"]], stored=stored)

        def merge() -> None:
            is_locked.wait()
            curation.merge([tree["d"].pk], tree["a"].pk, editor)
            has_ended.set()

        at_once(save, merge)
        assert names(post) == {"a"}


class TestPages:
    def test_show_what_will_change_first(self, editor: User, tree: dict[str, Category]) -> None:
        client, post = client_of(editor), PostFactory(title="Moved", categories=[tree["b"]])
        data: dict[str, Any] = {"action": "merge_selected", "_selected_action": [tree["a"].pk, tree["b"].pk]}
        page = client.post("/admin/blog/category/", data).content.decode()
        assert "0 posts will get the category “b”." in page
        data = {"categories": f"{tree['a'].pk},{tree['b'].pk}", "target": tree["a"].pk}
        page = client.post("/admin/blog/category/merge/", data).content.decode()
        assert "1 post will get the category “a”." in page
        assert "Moved" in page
        assert "These categories will be below “a”" in page
        # The preview that was shown last is not the one that is confirmed.
        client.post("/admin/blog/category/merge/", data | {"confirm": f"{tree['b'].pk} False"})
        assert Category.objects.count() == 4
        page = client.post(
            "/admin/blog/category/merge/", data | {"confirm": f"{tree['a'].pk} False"}, follow=True
        ).content.decode()
        assert "“b” merged into “a”." in page
        client.post(f"/admin/blog/categorychange/{CategoryChange.objects.get().pk}/undo/")
        assert names(post) == {"b"}

    def test_say_why_something_is_impossible(self, editor: User, tree: dict[str, Category]) -> None:
        data = {"categories": tree["b"].pk, "target": tree["c"].pk}
        page = client_of(editor).post("/admin/blog/category/merge/", data).content.decode()
        assert "“c” is below “b”" in page

    @pytest.mark.parametrize("role", ["anonymous", "staff", "Author", "Moderator"])
    def test_are_for_editors_and_owners(self, role: str, editor: User, tree: dict[str, Category]) -> None:
        change = curation.merge([tree["d"].pk], tree["a"].pk, editor)
        client, before = client_of(user_in_role(role)), rows_of_all()
        data = {"categories": tree["b"].pk, "target": tree["a"].pk, "confirm": f"{tree['a'].pk} False"}
        for path in ("category/merge/", f"categorychange/{change.pk}/undo/"):
            assert client.post(f"/admin/blog/{path}", data).status_code in {302, 403}
        for path in ("category/merge/", "categorychange/"):
            assert client.get(f"/admin/blog/{path}").status_code in {302, 403}
        assert rows_of_all() == before
