"""Updating categories, tags and authors that have changed in the export since they were imported."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from blog.models import Category
from tags.curation import rename
from tags.models import Tag
from tests.factories import CategoryFactory, TagFactory, UserFactory
from tests.factories.database import contents
from tests.factories.reports import counted, first, remarks
from tests.factories.types import AtOnce, ImportParts
from tests.factories.wxr import author, category, filed, item, tag

pytestmark = pytest.mark.django_db


class TestCategories:
    def test_name_description_and_parent_are_updated(self, import_parts: ImportParts) -> None:
        import_parts(category("a"), category("b", parent="a"), category("c", parent="b"))
        changed = (category("a"), category("b", "New", description="Text"), category("c", parent="b"))
        assert counted(import_parts(*changed), "category") == {"updated": 1, "unchanged": 2}
        b = Category.objects.get(slug="b")
        assert (b.name, b.description, b.path) == ("New", "Text", "b")
        assert Category.objects.get(slug="c").path == "b/c"
        before = contents()
        assert not import_parts(*changed).has_changes
        assert contents() == before

    def test_parent_and_child_can_swap_places(self, import_parts: ImportParts) -> None:
        import_parts(category("a"), category("b", parent="a"))
        import_parts(category("a", parent="b"), category("b"))
        assert dict(Category.objects.values_list("slug", "path")) == {"b": "b", "a": "b/a"}

    def test_category_moves_below_a_new_one(self, import_parts: ImportParts) -> None:
        import_parts(category("a"))
        import_parts(category("a", parent="new"), category("new"))
        assert Category.objects.get(slug="a").path == "new/a"

    def test_category_with_a_new_slug_is_recognised_by_its_id_and_redirected(
        self, import_parts: ImportParts, client: Client
    ) -> None:
        import_parts(category("old", id=5), category("child", parent="old", id=6))
        report = import_parts(category("new", id=5), category("child", parent="new", id=6))
        assert counted(report, "category") == {"updated": 2}
        assert dict(Category.objects.values_list("pk", "path")) == {5: "new", 6: "new/child"}
        assert client.get("/category/old/child/").headers["Location"] == "/category/new/child/"
        assert client.get("/category/old/").headers["Location"] == "/category/new/"

    def test_parent_missing_from_this_export_is_kept(self, import_parts: ImportParts) -> None:
        import_parts(category("a"), category("b", parent="a"))
        import_parts(category("b", "New", parent="a"))
        assert Category.objects.get(name="New").path == "a/b"

    def test_category_changed_on_both_sides_is_kept_and_reported(self, import_parts: ImportParts) -> None:
        import_parts(category("a"))
        Category.objects.update(description="Mine")
        report = import_parts(category("a", "Theirs"))
        assert counted(report, "category") == {"skipped": 1}
        assert "changed in the export and here" in first(report.skipped).text
        assert Category.objects.get().name == "a"

    def test_category_created_here_is_never_changed(self, import_parts: ImportParts) -> None:
        CategoryFactory(name="Mine", slug="a")
        import_parts(category("a", "Theirs"))
        import_parts(category("a", "Theirs again"))
        assert Category.objects.get().name == "Mine"


class TestTags:
    def test_name_and_description_are_updated(self, import_parts: ImportParts) -> None:
        import_parts(tag("a"), tag("b"))
        changed = (tag("a", "R&amp;D", description="Text"), tag("b"))
        assert counted(import_parts(*changed), "tag") == {"updated": 1, "unchanged": 1}
        found = Tag.objects.get(slug="a")
        assert (found.name, found.key, found.description) == ("R&D", "r&d", "Text")
        before = contents()
        assert not import_parts(*changed).has_changes
        assert contents() == before

    def test_tags_can_swap_their_names(self, import_parts: ImportParts) -> None:
        import_parts(tag("a", "One"), tag("b", "Two"))
        report = import_parts(tag("a", "Two"), tag("b", "One"))
        assert dict(Tag.objects.values_list("slug", "name")) == {"a": "Two", "b": "One"}
        assert not report.notes

    def test_name_that_is_taken_gets_a_number(self, import_parts: ImportParts) -> None:
        TagFactory(name="Taken")
        import_parts(tag("a", "One"))
        report = import_parts(tag("a", "taken"))
        assert Tag.objects.get(slug="a").name == "taken (2)"
        assert "taken (2)" in remarks(report)[0]
        assert not import_parts(tag("a", "taken")).has_changes

    def test_tag_changed_on_both_sides_is_kept_and_reported(self, import_parts: ImportParts) -> None:
        import_parts(tag("a"))
        Tag.objects.update(description="Mine")
        assert counted(import_parts(tag("a", "Theirs")), "tag") == {"skipped": 1}
        assert Tag.objects.get().name == "a"

    @pytest.mark.django_db(transaction=True)
    def test_tag_that_is_being_renamed_here_is_kept(self, import_parts: ImportParts, at_once: AtOnce) -> None:
        import_parts(tag("a"))
        editor, is_updating, is_renamed = UserFactory.create(role="Editor"), Event(), Event()

        def wait_for_rename(call: Callable[..., Any], sql: str, *args: Any) -> Any:
            if 'UPDATE "tags_tag"' in sql:
                is_updating.set()
                # It waits for this transaction.
                assert not is_renamed.wait(0.3)
            return call(sql, *args)

        def import_theirs() -> None:
            with connection.execute_wrapper(wait_for_rename):
                import_parts(tag("a", "Theirs"))

        def rename_here() -> None:
            assert is_updating.wait(10)
            rename(Tag.objects.get().pk, "Mine", "a", editor)
            is_renamed.set()

        at_once(import_theirs, rename_here)
        assert Tag.objects.get().name == "Mine"

    def test_tag_created_here_is_never_changed(self, import_parts: ImportParts) -> None:
        TagFactory(name="Mine", slug="a")
        import_parts(tag("a", "Theirs"))
        import_parts(tag("a", "Theirs again"))
        assert Tag.objects.get().name == "Mine"

    def test_query_count_does_not_grow_with_the_number_of_tags(
        self, import_parts: ImportParts, django_assert_max_num_queries: Any
    ) -> None:
        import_parts(*(tag(f"t-{n}") for n in range(300)))
        with django_assert_max_num_queries(60):
            import_parts(*(tag(f"t-{n}", f"New {n}") for n in range(300)))


class TestAuthors:
    def test_name_and_email_address_are_updated(self, import_parts: ImportParts) -> None:
        import_parts(item(7), authors=[author(name="Old")])
        report = import_parts(item(7), authors=[author(name="New", email="new@example.org")])
        assert counted(report, "author") == {"updated": 1}
        assert (User.objects.get().display_name, User.objects.get().email) == ("New", "new@example.org")
        assert not import_parts(item(7), authors=[author(name="New", email="new@example.org")]).has_changes

    @pytest.mark.parametrize("use", ["renamed", "staff", "password"])
    def test_account_in_use_is_kept_and_reported(self, import_parts: ImportParts, use: str) -> None:
        import_parts(item(7))
        anna = User.objects.get()
        if use == "renamed":
            anna.display_name = "Anna here"
        elif use == "staff":
            anna.is_staff = True
        else:
            anna.set_password("a long password of hers")
        anna.save()
        report = import_parts(item(7), authors=[author(email="thief@example.org")])
        assert counted(report, "author") == {"skipped": 1}
        assert User.objects.get().email == "anna@example.org"


class TestIDs:
    def test_wordpress_ids_are_kept_if_they_are_free(self, import_parts: ImportParts, client: Client) -> None:
        CategoryFactory(pk=5)
        User.objects.create(pk=1, username="owner")
        import_parts(
            category("a", id=5), tag("x", id=9), item(7, inside=[filed("category", "a")]), authors=[author(id=1)]
        )
        assert Category.objects.get(slug="a").pk == 6
        assert Tag.objects.get(slug="x").pk == 9
        assert client.get("/?cat=5").headers["Location"] == "/category/a/"
        assert client.get("/?author=1").headers["Location"] == "/author/anna/"
