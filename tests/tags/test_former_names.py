"""Former names of tags, each of which stands for its tag until another tag takes the name."""

from functools import partial
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import User
from blog.models import Post
from tags import curation
from tags.models import FormerName, Tag, TagAlias, TagChange
from tests.factories import PostFactory, TagFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.types import AtOnce, ImportParts
from tests.factories.wxr import filed, item, tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> User:
    user: User = UserFactory(role="Editor")
    return user


def pk(name: str) -> int:
    return Tag.objects.get(name=name).pk


def rename(old: str, new: str, editor: User, *, slug: str = "kept") -> TagChange:
    """Rename a tag, and give it the slug that all tags have here by default."""
    Tag.objects.filter(name=old).update(slug=slug)
    return curation.rename(pk(old), new, slug, editor)


def name_of_tag_for(name: str) -> str:
    """Return the name of the tag that a post gets if someone enters this name."""
    return str(PostFactory(tags=[name]).tags.get().name)


def former_names() -> dict[str, str]:
    return dict(FormerName.objects.values_list("name", "tag__name"))


class TestAfterRenaming:
    def test_the_old_name_stands_for_the_tag_even_if_the_slug_is_unchanged(self, editor: User) -> None:
        post = PostFactory(tags=["Humna rights"])
        rename("Humna rights", "Human rights", editor)
        assert name_of_tag_for("humna  RIGHTS") == "Human rights"
        assert post.tags.get() == Tag.objects.get()
        assert not TagAlias.objects.exists()

    def test_all_earlier_names_stand_for_the_tag(self, editor: User) -> None:
        TagFactory(name="a")
        rename("a", "b", editor)
        curation.rename(pk("b"), "c", "another", editor)
        assert former_names() == {"a": "c", "b": "c"}
        assert name_of_tag_for("a") == name_of_tag_for("b") == "c"

    def test_another_spelling_of_its_name_is_not_a_former_name(self, editor: User) -> None:
        TagFactory(name="ngos")
        rename("ngos", "NGOs", editor)
        assert former_names() == {}

    def test_a_name_that_is_given_back_is_not_a_former_name(self, editor: User) -> None:
        TagFactory(name="a")
        rename("a", "b", editor)
        rename("b", "a", editor)
        assert former_names() == {"b": "a"}

    def test_mixed_old_and_new_names_are_set_in_a_fixed_number_of_statements(
        self, editor: User, django_assert_max_num_queries: Any
    ) -> None:
        for index in range(5):
            TagFactory(name=f"old {index}")
            rename(f"old {index}", f"now {index}", editor, slug=f"slug-{index}")
        post = PostFactory()
        names = [f"{age} {index}" for age in ("old", "now", "new") for index in range(5)]
        with django_assert_max_num_queries(11):
            post.tags.set(names)
        assert {tag.name for tag in post.tags.all()} == {*names[5:]}

    def test_readers_find_it_by_its_old_name(self, editor: User, client: Client) -> None:
        PostFactory(title="A march", tags=["humna rights"])
        rename("humna rights", "human rights", editor)
        assert "A march" in client.get("/", {"s": 'tag:"Humna Rights"'}).content.decode()

    def test_editors_find_it_by_its_old_name_without_accents(self, editor: User) -> None:
        TagFactory(name="Défenseurs")
        rename("Défenseurs", "HRDs", editor)
        page = client_of(editor).get("/admin/tags/tag/", {"q": "defens"})
        assert [tag.name for tag in page.context["cl"].result_list] == ["HRDs"]
        answer = client_of(editor).get("/admin/tags/tag/suggest/", {"q": "defens"}).json()
        assert answer == {"tags": [{"name": "HRDs", "count": 0, "former": "Défenseurs"}]}


class TestAfterMerging:
    def test_former_names_move_to_the_target(self, editor: User) -> None:
        for name in ("a", "x", "y"):
            TagFactory(name=name)
        rename("a", "b", editor)
        curation.merge([pk("b")], pk("x"), editor)
        curation.merge([pk("x")], pk("y"), editor)
        assert former_names() == {"a": "y", "b": "y", "x": "y"}
        assert name_of_tag_for("a") == "y"


class TestAnotherTagGetsTheName:
    """Adding or renaming a tag takes its name away from the tag that had it as a former name."""

    def test_when_it_is_added(self, editor: User) -> None:
        TagFactory(name="a")
        rename("a", "b", editor)
        form = {"name": "A", "slug": "", "description": "", "aliases-TOTAL_FORMS": 0, "aliases-INITIAL_FORMS": 0}
        client_of(editor).post("/admin/tags/tag/add/", form)
        assert former_names() == {}
        assert name_of_tag_for("a") == "A"

    def test_when_it_is_renamed(self, editor: User) -> None:
        TagFactory(name="a"), TagFactory(name="x")
        rename("a", "b", editor, slug="b")
        rename("x", "a", editor)
        assert former_names() == {"x": "a"}

    def test_a_name_stands_for_one_tag_only(self) -> None:
        FormerName.objects.give({"a": TagFactory().pk})
        with pytest.raises(IntegrityError):
            FormerName.objects.create(name="A", key="a", search_key="a", tag=TagFactory())


class TestUndoing:
    def test_a_renaming_makes_the_new_name_available_again(self, editor: User) -> None:
        TagFactory(name="a")
        change = rename("a", "b", editor)
        curation.undo(change.pk, editor)
        assert former_names() == {}
        assert name_of_tag_for("b") == "b"

    def test_a_renaming_returns_the_new_name_to_the_tag_it_stood_for(self, editor: User) -> None:
        TagFactory(name="b"), TagFactory(name="x")
        rename("b", "c", editor, slug="c")
        change = rename("x", "b", editor)
        curation.undo(change.pk, editor)
        assert former_names() == {"b": "c"}
        assert set(Tag.objects.values_list("name", flat=True)) == {"c", "x"}

    def test_a_merge_restores_former_names(self, editor: User) -> None:
        TagFactory(name="a"), TagFactory(name="x"), TagFactory(name="y")
        rename("a", "b", editor, slug="b")
        rename("x", "z", editor, slug="z")
        change = curation.merge([pk("b")], pk("z"), editor)
        assert former_names() == {"a": "z", "b": "z", "x": "z"}
        curation.undo(change.pk, editor)
        assert former_names() == {"a": "b", "x": "z"}

    def test_a_deletion_restores_former_names_that_are_still_available(self, editor: User) -> None:
        TagFactory(name="a")
        for old, new in ("ab", "bc", "cd"):
            rename(old, new, editor)
        change = curation.delete([pk("d")], editor, expected_uses=0)
        assert former_names() == {}
        TagFactory(name="a")
        TagFactory(name="x", slug="x")
        FormerName.objects.give({"b": pk("x")})
        curation.undo(change.pk, editor)
        assert former_names() == {"b": "x", "c": "d"}

    def test_a_merge_that_was_stored_by_an_earlier_version(self, editor: User, client: Client) -> None:
        PostFactory(tags=["a", "b"])
        TagAlias.objects.create(slug="old-a", tag=Tag.objects.get(name="a"))
        FormerName.objects.give({"Old A": pk("a")})
        change = curation.merge([pk("a")], pk("b"), editor)
        (described,) = change.data["tags"]
        del described["former_slugs"], described["former_names"]
        described["aliases"] = [["old-a", "Old A", "old a"], ["older-a", "", ""]]
        change.save()
        curation.undo(change.pk, editor)
        assert former_names() == {"Old A": "a"}
        assert client.get("/tag/old-a/").headers["Location"] == "/tag/a/"


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_name_that_is_entered_while_its_tag_is_renamed_means_that_tag(self, at_once: AtOnce) -> None:
        editor, post = UserFactory(role="Editor"), PostFactory()
        renamed = TagFactory(name="a")
        at_once(partial(curation.rename, renamed.pk, "b", renamed.slug, editor), partial(post.tags.set, ["A"]))
        assert list(Post.objects.get(pk=post.pk).tags.all()) == [renamed]
        assert Tag.objects.count() == 1

    def test_a_name_entered_by_several_users_during_a_renaming_creates_no_tag(self, at_once: AtOnce) -> None:
        editor, tag = UserFactory(role="Editor"), TagFactory(name="a")

        def enter() -> None:
            with transaction.atomic():
                Tag.objects.named(["a"])

        at_once(partial(curation.rename, tag.pk, "b", tag.slug, editor), enter, enter)
        assert Tag.objects.get().name == "b"
        assert former_names() == {"a": "b"}


class TestImports:
    def test_the_old_name_means_the_tag_and_a_second_import_changes_nothing(
        self, editor: User, import_parts: ImportParts, client: Client
    ) -> None:
        first = [tag("kept", "Humna rights"), item(1, inside=[filed("post_tag", "kept", "Humna rights")])]
        import_parts(*first)
        rename("Humna rights", "Human rights", editor)
        # Another blog has another URL for it, or none.
        more = [tag("humna", "humna rights"), item(2, inside=[filed("post_tag", "humna", "humna rights")])]
        for parts in (first, [*first, *more], [*first, *more]):
            report = import_parts(*parts)
        assert not report.has_changes
        assert Tag.objects.get().name == "Human rights"
        assert Post.objects.filter(tags__name="Human rights").count() == 2
        assert client.get("/tag/humna/").headers["Location"] == "/tag/kept/"

    def test_the_old_name_without_a_slug_means_the_tag(self, editor: User, import_parts: ImportParts) -> None:
        TagFactory(name="a")
        rename("a", "b", editor)
        import_parts(tag("", "A"))
        assert Tag.objects.get().name == "b"

    def test_a_name_that_was_changed_on_the_old_blog_stands_for_the_tag(self, import_parts: ImportParts) -> None:
        import_parts(tag("a", "One"), tag("b", "Two"), tag("c", "Three"))
        changed = [tag("a", "Two"), tag("b", "One"), tag("c", "Trois")]
        import_parts(*changed)
        assert former_names() == {"Three": "Trois"}
        assert not import_parts(*changed).has_changes

    def test_a_name_that_was_given_to_a_tag_on_the_old_blog_is_not_a_former_name(
        self, editor: User, import_parts: ImportParts
    ) -> None:
        TagFactory(name="x")
        rename("x", "y", editor)
        import_parts(tag("a", "One"))
        import_parts(tag("a", "X"))
        assert former_names() == {"One": "X"}


class TestMigration:
    def test_names_that_were_stored_with_former_slugs_are_copied_once(self) -> None:
        first, second = TagFactory(name="first"), TagFactory(name="second")
        TagAlias.objects.create(slug="a", tag=first, name="Défenseurs", key="défenseurs")
        TagAlias.objects.create(slug="b", tag=first)
        TagAlias.objects.create(slug="c", tag=first, name="Second", key="second")
        TagAlias.objects.create(slug="d", tag=first, name="Newer", key="newer")
        FormerName.objects.give({"newer": second.pk})
        migration: Any = import_module("tags.migrations.0008_fill_former_names")
        for _ in range(2):
            migration.fill(apps, connection.schema_editor())
            assert former_names() == {"Défenseurs": "first", "newer": "second"}
        assert FormerName.objects.get(tag=first).search_key == "defenseurs"
