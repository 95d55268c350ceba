"""Categories, tags and authors that changed in the export since they were brought in."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from blog.models import Category
from tags.models import Tag
from tests.factories import CategoryFactory, TagFactory
from tests.factories.database import contents
from tests.factories.reports import counted, first, remarks
from tests.factories.types import Bring
from tests.factories.wxr import author, category, filed, item, tag

pytestmark = pytest.mark.django_db


class TestCategories:
    def test_name_description_and_place_are_updated(self, bring: Bring) -> None:
        bring(category("a"), category("b", parent="a"), category("c", parent="b"))
        changed = (category("a"), category("b", "New", description="Words"), category("c", parent="b"))
        assert counted(bring(*changed), "category") == {"updated": 1, "unchanged": 2}
        b = Category.objects.get(slug="b")
        assert (b.name, b.description, b.path) == ("New", "Words", "b")
        assert Category.objects.get(slug="c").path == "b/c"
        before = contents()
        assert not bring(*changed).has_changes
        assert contents() == before

    def test_parent_and_child_change_places(self, bring: Bring) -> None:
        bring(category("a"), category("b", parent="a"))
        bring(category("a", parent="b"), category("b"))
        assert dict(Category.objects.values_list("slug", "path")) == {"b": "b", "a": "b/a"}

    def test_one_moves_under_a_new_one(self, bring: Bring) -> None:
        bring(category("a"))
        bring(category("a", parent="new"), category("new"))
        assert Category.objects.get(slug="a").path == "new/a"

    def test_a_new_slug_is_known_by_the_number_and_leaves_a_redirect(self, bring: Bring, client: Client) -> None:
        bring(category("old", id=5), category("child", parent="old", id=6))
        report = bring(category("new", id=5), category("child", parent="new", id=6))
        assert counted(report, "category") == {"updated": 2}
        assert dict(Category.objects.values_list("pk", "path")) == {5: "new", 6: "new/child"}
        assert client.get("/category/old/child/").headers["Location"] == "/category/new/child/"
        assert client.get("/category/old/").headers["Location"] == "/category/new/"

    def test_a_parent_that_is_not_in_this_export_stays(self, bring: Bring) -> None:
        bring(category("a"), category("b", parent="a"))
        bring(category("b", "New", parent="a"))
        assert Category.objects.get(name="New").path == "a/b"

    def test_one_that_changed_on_both_sides_is_left_and_named(self, bring: Bring) -> None:
        bring(category("a"))
        Category.objects.update(description="Mine")
        report = bring(category("a", "Theirs"))
        assert counted(report, "category") == {"skipped": 1}
        assert "changed in the export and here" in first(report.skipped).text
        assert Category.objects.get().name == "a"

    def test_one_of_the_sites_own_is_never_touched(self, bring: Bring) -> None:
        CategoryFactory(name="Mine", slug="a")
        bring(category("a", "Theirs"))
        bring(category("a", "Theirs again"))
        assert Category.objects.get().name == "Mine"


class TestTags:
    def test_name_and_description_are_updated(self, bring: Bring) -> None:
        bring(tag("a"), tag("b"))
        changed = (tag("a", "R&amp;D", description="Words"), tag("b"))
        assert counted(bring(*changed), "tag") == {"updated": 1, "unchanged": 1}
        found = Tag.objects.get(slug="a")
        assert (found.name, found.key, found.description) == ("R&D", "r&d", "Words")
        before = contents()
        assert not bring(*changed).has_changes
        assert contents() == before

    def test_two_that_take_each_others_name(self, bring: Bring) -> None:
        bring(tag("a", "One"), tag("b", "Two"))
        report = bring(tag("a", "Two"), tag("b", "One"))
        assert dict(Tag.objects.values_list("slug", "name")) == {"a": "Two", "b": "One"}
        assert not report.notes

    def test_a_name_that_another_has_gets_a_number(self, bring: Bring) -> None:
        TagFactory(name="Taken")
        bring(tag("a", "One"))
        report = bring(tag("a", "taken"))
        assert Tag.objects.get(slug="a").name == "taken (2)"
        assert "taken (2)" in remarks(report)[0]
        assert not bring(tag("a", "taken")).has_changes

    def test_one_that_changed_on_both_sides_is_left_and_named(self, bring: Bring) -> None:
        bring(tag("a"))
        Tag.objects.update(description="Mine")
        assert counted(bring(tag("a", "Theirs")), "tag") == {"skipped": 1}
        assert Tag.objects.get().name == "a"

    def test_one_of_the_sites_own_is_never_touched(self, bring: Bring) -> None:
        TagFactory(name="Mine", slug="a")
        bring(tag("a", "Theirs"))
        bring(tag("a", "Theirs again"))
        assert Tag.objects.get().name == "Mine"

    def test_queries_do_not_grow_with_the_number_of_tags(
        self, bring: Bring, django_assert_max_num_queries: Any
    ) -> None:
        bring(*(tag(f"t-{number}") for number in range(300)))
        with django_assert_max_num_queries(60):
            bring(*(tag(f"t-{number}", f"New {number}") for number in range(300)))


class TestAuthors:
    def test_name_and_address_are_updated(self, bring: Bring) -> None:
        bring(item(7), authors=[author(name="Old")])
        report = bring(item(7), authors=[author(name="New", email="new@example.org")])
        assert counted(report, "author") == {"updated": 1}
        assert (User.objects.get().display_name, User.objects.get().email) == ("New", "new@example.org")
        assert not bring(item(7), authors=[author(name="New", email="new@example.org")]).has_changes

    @pytest.mark.parametrize("use", ["renamed", "staff", "password"])
    def test_who_is_at_work_here_is_left_and_named(self, bring: Bring, use: str) -> None:
        bring(item(7))
        anna = User.objects.get()
        if use == "renamed":
            anna.display_name = "Anna here"
        elif use == "staff":
            anna.is_staff = True
        else:
            anna.set_password("a long password of hers")
        anna.save()
        report = bring(item(7), authors=[author(email="thief@example.org")])
        assert counted(report, "author") == {"skipped": 1}
        assert User.objects.get().email == "anna@example.org"


class TestNumbers:
    def test_wordpress_numbers_are_kept_where_they_are_free(self, bring: Bring, client: Client) -> None:
        CategoryFactory(pk=5)
        User.objects.create(pk=1, username="owner")
        bring(category("a", id=5), tag("x", id=9), item(7, inside=[filed("category", "a")]), authors=[author(id=1)])
        assert Category.objects.get(slug="a").pk == 6
        assert Tag.objects.get(slug="x").pk == 9
        assert client.get("/?cat=5").headers["Location"] == "/category/a/"
        assert client.get("/?author=1").headers["Location"] == "/author/anna/"
