"""Importing categories, tags and authors."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django.test import Client

from accounts.models import User
from blog.models import Category, Post
from core.slugs import slugify
from tags.models import Tag
from tests.factories import PostFactory, UserFactory
from tests.factories.database import executed_statements
from tests.factories.reports import counted, remarks
from tests.factories.types import ImportParts
from tests.factories.wxr import author, category, export, filed, item, page, tag, term, write
from wordpress.importing.ledger import MISSING_CATEGORIES
from wordpress.importing.pipeline import import_export
from wordpress.models import ImportedItem

pytestmark = pytest.mark.django_db


class TestCategories:
    def test_parents_may_come_after_their_children(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(
            category("child", "Child", parent="top"),
            category("top", "Top &amp; more", description="What <b>is</b> in it"),
            item(7, inside=[filed("category", "child", "Child")]),
        )
        child, top = Category.objects.get(slug="child"), Category.objects.get(slug="top")
        assert (child.path, child.parent) == ("top/child", top)
        assert (top.name, top.description) == ("Top & more", "What is in it")
        assert "A title" in client.get("/category/top/child/").text

    def test_parents_in_the_oldest_exports_are_found_by_name(self, import_parts: ImportParts) -> None:
        import_parts(category("top", "The top"), category("child", parent="The top"), version="1.0")
        assert Category.objects.get(slug="child").path == "top/child"

    def test_parent_names_are_compared_without_entities(self, import_parts: ImportParts) -> None:
        report = import_parts(category("top", "R&amp;D"), category("child", parent="R&D"), version="1.0")
        assert Category.objects.get(slug="child").path == "top/child"
        assert not report.notes

    @pytest.mark.parametrize("files", [1, 2])
    def test_categories_may_be_described_after_the_posts(self, tmp_path: Path, files: int) -> None:
        post = item(7, inside=[filed("category", "child", "Child")])
        described = category("child", "Child", parent="top", description="Described", id=4), category("top")
        documents = [(post, *described)] if files == 1 else [(post,), described]
        paths = [write(tmp_path, export(*parts), f"{i}.xml") for i, parts in enumerate(documents)]
        import_export(paths)
        child = Category.objects.get(slug="child")
        assert (child.pk, child.path, child.description) == (4, "top/child", "Described")
        assert not import_export(paths).has_changes

    def test_missing_parents_and_cycles_are_noted(self, import_parts: ImportParts) -> None:
        report = import_parts(category("a", parent="b"), category("b", parent="a"), category("c", parent="gone"))
        assert dict(Category.objects.values_list("slug", "path")) == {"a": "a", "b": "a/b", "c": "c"}
        assert len(report.notes) == 2

    def test_a_parent_in_an_earlier_export_is_found(self, import_parts: ImportParts) -> None:
        import_parts(category("top"))
        assert remarks(import_parts(category("child", parent="top"))) == []
        assert Category.objects.get(slug="child").path == "top/child"

    def test_a_parent_in_a_later_export_is_found(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(category("child", parent="top", id=5), category("grandchild", parent="child"))
        report = import_parts(category("top", parent="above"))
        assert [note.id for note in report.notes if "now below its parent" in note.text] == [5]
        import_parts(category("above"))
        assert Category.objects.get(slug="grandchild").path == "above/top/child/grandchild"
        assert client.get("/category/child/").headers["Location"] == "/category/above/top/child/"
        for parts in ([category("child", parent="top", id=5)], [category("top", parent="above")], [category("above")]):
            assert not import_parts(*parts).has_changes
        assert counted(import_parts(category("child", "Renamed", parent="top", id=5)), "category") == {"updated": 1}

    def test_a_later_parent_does_not_move_a_category_that_was_changed_here(self, import_parts: ImportParts) -> None:
        import_parts(category("child", parent="top"))
        Category.objects.update(name="Mine")
        import_parts(category("top"))
        assert Category.objects.get(slug="child").parent is None
        assert not ImportedItem.objects.filter(kind=MISSING_CATEGORIES).exists()

    def test_existing_category_stays_where_it_is(self, import_parts: ImportParts) -> None:
        Category.objects.create(name="Mine", slug="films")
        report = import_parts(
            category("films", "Films", parent="arts"), category("arts"), category("new", parent="films")
        )
        assert Category.objects.get(slug="films").name == "Mine"
        assert Category.objects.get(slug="new").path == "films/new"
        assert counted(report, "category") == {"unchanged": 1, "imported": 2}
        assert not report.notes

    def test_each_slug_is_looked_up_only_once(self, import_parts: ImportParts) -> None:
        with executed_statements() as statements:
            import_parts(*(category(f"c-{number}") for number in range(250)))
        looked_up = [value for sql, values in statements if '"slug" IN' in sql for value in values]
        assert sorted(looked_up) == sorted(f"c-{number}" for number in range(250))

    def test_categories_named_only_by_items_are_created(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[filed("category", "x-1", "X 1"), filed("", "", "By name only")]))
        names = {found.slug: found.name for found in Post.objects.get(pk=7).categories.all()}
        assert names == {"x-1": "X 1", "by-name-only": "By name only"}


class TestTermsWithOddSlugs:
    """Exports that were written by other programs or by hand contain slugs that WordPress wouldn't allow."""

    @pytest.mark.parametrize("taxonomy", ["category", "post_tag"])
    def test_slugs_with_the_same_url_are_one_term(self, import_parts: ImportParts, taxonomy: str) -> None:
        parts = (
            item(7, inside=[filed(taxonomy, "two-words", "Two words")]),
            item(8, inside=[filed(taxonomy, "Two words", "Two words")]),
        )
        import_parts(*parts)
        assert [Category.objects.count(), Tag.objects.count()].count(1) == 1
        assert (Category.objects.first() or Tag.objects.get()).slug == "two-words"
        assert not import_parts(*parts).has_changes

    @pytest.mark.parametrize("slug", ["Two Words", "%d0%bf%d1%80%d", "%d0%bf%d1%80-%d1", "c#?d"])
    def test_old_urls_redirect_to_the_term(self, import_parts: ImportParts, client: Client, slug: str) -> None:
        import_parts(category(slug, "C"), tag(slug, "T"))
        for kind, found in (("category", Category.objects.get()), ("tag", Tag.objects.get())):
            for ending in ("", "feed/"):
                answer = client.get(f"/{kind}/{quote(slug, safe='%')}/{ending}")
                assert unquote(answer.headers["Location"]) == unquote(found.get_absolute_url() + ending)

    def test_unusable_slugs_are_made_from_the_name(self, import_parts: ImportParts) -> None:
        parts = (category("?", "Quest &amp; ion"), tag("?", "Quest &amp; ion"), category("#", "?"))
        import_parts(*parts)
        assert set(Category.objects.values_list("slug", flat=True)) == {"quest-ion", "untitled"}
        assert Tag.objects.get().slug == "quest-ion"
        assert not import_parts(*parts).has_changes

    def test_urls_are_not_case_sensitive(self, import_parts: ImportParts, client: Client) -> None:
        parts = (
            tag("Two-Words", "T"),
            item(7, post_name="A-Post", inside=[filed("category", "C-D", "C"), filed("post_tag", "Two-Words", "T")]),
            page(20, post_name="Above"),
            page(21, post_name="Below", post_parent=20),
        )
        import_parts(*parts)
        for url in ("/category/C-D/", "/tag/Two-Words/", "/2014/03/01/A-Post/", "/Above/Below/"):
            assert client.get(url).status_code == 200
            assert client.get(url.lower()).headers["Location"] == url
        assert not import_parts(*parts).has_changes

    def test_hyphens_at_the_ends_are_kept(self, import_parts: ImportParts, client: Client) -> None:
        child, top, alone = category("-c", "C", parent="t-"), category("t-", "T"), category("-", "Dash")
        # The parent of the category and that of the page come later.
        import_parts(child, alone, page(21, post_name="-below", post_parent=20, guid=""))
        parts = (
            *(child, top, alone, page(20, post_name="above-"), page(21, post_name="-below", post_parent=20, guid="")),
            # The second one gets a number.
            *(page(each, post_name="-") for each in (22, 23)),
            *(item(each, post_name="-", guid=f"g{each}") for each in (7, 8)),
        )
        import_parts(*parts)
        for url in ("/category/t-/-c/", "/category/-/", "/above-/-below/", "/-/", "/--2/"):
            assert client.get(url).status_code == 200
        for slug in ("-", "--2"):
            assert client.get(f"/2014/03/01/{slug}/").status_code == 200
        assert not import_parts(*parts).has_changes

    @pytest.mark.parametrize(("made", "model"), [(category, Category), (tag, Tag)])
    def test_a_term_with_an_unusable_slug_is_not_mistaken_for_another(
        self, import_parts: ImportParts, made: Any, model: Any
    ) -> None:
        parts = [made("..", "News", description="One"), made("news", "Latest", description="Two")]
        import_parts(*parts)
        assert not import_parts(*parts).has_changes
        assert dict(model.objects.values_list("slug", "name")) == {"news": "Latest", "news-2": "News"}


class TestTermsWithoutSlugs:
    """Exports from other programs contain only the names of terms."""

    PARTS = (
        category("", "One &amp; two", description="Described"),
        category("", "Three"),
        tag("", "One &amp; two"),
        item(7, inside=[filed("category", "", "One &amp; two"), filed("post_tag", "", "One &amp; two")]),
    )

    def test_slugs_are_made_from_the_names(self, import_parts: ImportParts) -> None:
        import_parts(*self.PARTS)
        assert set(Category.objects.values_list("slug", "description")) == {("one-two", "Described"), ("three", "")}
        assert Post.objects.get().categories.get().slug == "one-two"
        assert Tag.objects.get().slug == "one-two"

    def test_importing_again_changes_nothing(self, import_parts: ImportParts) -> None:
        import_parts(*self.PARTS)
        assert not import_parts(*self.PARTS).has_changes

    def test_names_with_different_spelling_are_one_term(self, import_parts: ImportParts) -> None:
        written = ["One &#038; two", "One & two", " One &amp; two\n"]
        import_parts(
            category("1-2", "One &amp; two"), item(7, inside=[filed("category", "", name) for name in written])
        )
        assert Post.objects.get().categories.get().slug == "1-2"
        assert Category.objects.count() == 1

    def test_empty_names_are_ignored(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=["<category></category>", filed("post_tag", "", " ")]))
        assert not Category.objects.exists()
        assert not Tag.objects.exists()

    def test_slugs_made_from_names_avoid_exported_slugs(self, import_parts: ImportParts) -> None:
        import_parts(category("", "Three!"), category("three", "The third"))
        assert set(Category.objects.values_list("slug", "name")) == {("three", "The third"), ("three-2", "Three!")}

    def test_they_are_the_same_terms_in_whatever_order_a_later_export_has_them(self, import_parts: ImportParts) -> None:
        names = ["C++", "C#", "Élan", "elan", "🎉", "🎊"]
        parts = [
            item(number, inside=[filed("category", "", name), filed("post_tag", "", name)])
            for number, name in enumerate(names, 1)
        ]
        import_parts(*parts)
        for some in (parts[::-1], parts[1:2], parts[3:]):
            assert not import_parts(*some).has_changes
        import_parts(item(9, inside=[filed("category", "", "C!"), filed("post_tag", "", "C!")]))
        slugs = {"C++": "c", "C#": "c-2", "Élan": "elan", "elan": "elan-2", "C!": "c-3"}
        slugs |= {"🎉": "untitled", "🎊": "untitled-2"}
        assert dict(Category.objects.values_list("name", "slug")) == slugs
        assert dict(Tag.objects.values_list("name", "slug")) == slugs
        assert [post.tags.get().name for post in Post.objects.order_by("pk")] == [*names, "C!"]

    def test_a_renamed_term_is_still_the_same(self, import_parts: ImportParts) -> None:
        part = item(7, inside=[filed("category", "", "One"), filed("category", "", "Two")])
        import_parts(part)
        Category.objects.filter(slug="one").update(name="First")
        assert not import_parts(part).has_changes
        # Someone has renamed the second one on the old blog.
        import_parts(part.replace("Two", "TWO"))
        assert set(Category.objects.values_list("slug", "name")) == {("one", "First"), ("two", "TWO")}


class TestTags:
    def test_slugs_and_names_are_kept(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(
            tag("c-2", "C++", description="A <i>language</i>"),
            tag("%d9%85", "R&amp;D"),
            item(7, inside=[filed("post_tag", "c-2", "C++"), filed("post_tag", "%D9%85", "R&amp;D")]),
        )
        assert dict(Tag.objects.values_list("slug", "name")) == {"c-2": "C++", "م": "R&D"}
        assert Tag.objects.get(slug="c-2").description == "A language"
        assert "A title" in client.get("/tag/c-2/").text

    def test_two_slugs_with_one_name_are_two_tags(self, import_parts: ImportParts, client: Client) -> None:
        parts = (
            tag("coop", "Cooperation"),
            tag("coop-2", "COOPERATION "),
            tag("coop-3", "Cooperation (2)"),
            item(7, title="First", inside=[filed("post_tag", "coop")]),
            item(8, title="Second", inside=[filed("post_tag", "coop-2")]),
        )
        report = import_parts(*parts)
        names = {"coop": "Cooperation", "coop-2": "COOPERATION (3)", "coop-3": "Cooperation (2)"}
        assert dict(Tag.objects.values_list("slug", "name")) == names
        assert "First" not in client.get("/tag/coop-2/").text
        assert "Second" in client.get("/tag/coop-2/").text
        assert "“COOPERATION (3)”" in remarks(report)[0]
        assert counted(import_parts(*parts), "tag") == {"unchanged": 3}

    def test_second_slug_in_a_later_export_is_a_second_tag(self, import_parts: ImportParts) -> None:
        import_parts(tag("coop", "Cooperation"))
        import_parts(tag("coop-2", "Cooperation"), tag("coop", "Cooperation"))
        assert dict(Tag.objects.values_list("slug", "name")) == {"coop": "Cooperation", "coop-2": "Cooperation (2)"}

    def test_many_slugs_with_one_name_take_one_query_each(self, import_parts: ImportParts) -> None:
        with executed_statements() as statements:
            import_parts(*(tag(f"coop-{number}", "Cooperation") for number in range(520)))
        assert Tag.objects.filter(name="Cooperation (520)").exists()
        assert len(statements) < 2 * 520

    @pytest.mark.parametrize("name", ["ﷺ" * 33, "x" * 200, "ß" * 200])
    def test_long_names_leave_room_for_a_number(self, import_parts: ImportParts, name: str) -> None:
        import_parts(tag("a", name), tag("b", name), tag("c", name))
        assert sorted(found.name[-4:] for found in Tag.objects.exclude(slug="a")) == [" (2)", " (3)"]

    def test_name_of_an_existing_tag_refers_to_that_tag(self, import_parts: ImportParts, client: Client) -> None:
        here = PostFactory(pk=500, tags=["Human Rights"]).tags.get()
        import_parts(item(7, inside=[filed("post_tag", "hr", "human  rights")]))
        assert Post.objects.get(pk=7).tags.get() == here
        assert client.get("/tag/hr/").headers["Location"] == here.get_absolute_url()

    def test_slug_of_an_existing_tag_refers_to_that_tag_and_is_noted(self, import_parts: ImportParts) -> None:
        here = Tag.objects.create(name="C", slug="c")
        report = import_parts(item(7, inside=[filed("post_tag", "c", "C++")]))
        assert Post.objects.get(pk=7).tags.get() == here
        assert "“C”" in remarks(report)[0]

    def test_merged_tag_stays_merged(self, import_parts: ImportParts) -> None:
        kept = Tag.objects.create(name="Kept")
        kept.aliases.create(slug="gone")
        import_parts(item(7, inside=[filed("post_tag", "gone", "Gone")]))
        assert Post.objects.get(pk=7).tags.get() == kept
        assert Tag.objects.count() == 1

    def test_post_has_each_tag_only_once(self, import_parts: ImportParts) -> None:
        import_parts(
            item(7, inside=[filed("post_tag", "x", "X"), filed("post_tag", "x", "X"), filed("post_tag", "X", "x")])
        )
        assert Post.objects.get(pk=7).tags.count() == 1

    def test_hidden_posts_are_not_listed_on_tag_pages(self, import_parts: ImportParts) -> None:
        import_parts(
            item(7, inside=[filed("post_tag", "x")]), item(8, status="private", inside=[filed("post_tag", "x")])
        )
        dates = dict(Post.tags.through._default_manager.values_list("content_object", "published_at"))
        assert dates == {7: Post.objects.get(pk=7).published_at, 8: None}

    @pytest.mark.parametrize("name", ["🎉", "!!!", "a,b", "ﷺ" * 190, "x" * 900])
    def test_unusual_names_are_kept_as_far_as_possible(self, import_parts: ImportParts, name: str) -> None:
        import_parts(item(7, inside=[filed("post_tag", "odd", name)]))
        found = Post.objects.get(pk=7).tags.get()
        assert found.slug == "odd"
        assert name.startswith(found.name)

    def test_other_terms_are_reported(self, import_parts: ImportParts) -> None:
        report = import_parts(
            term("nav_menu", "top"), item(7, inside=[filed("post_format", "post-format-aside", "Aside")])
        )
        assert counted(report, "other term") == {"skipped": 1}
        assert any("post_format" in note.title for note in report.notes)


class TestAuthors:
    def test_authors_get_accounts_without_passwords_or_permissions(self, import_parts: ImportParts) -> None:
        import_parts(item(7, creator="bo"), authors=[author("bo", email="bo@example.org", name="Bo &amp; Co")])
        bo = User.objects.get()
        assert (bo.username, bo.slug, bo.display_name, bo.email) == ("bo", "bo", "Bo & Co", "bo@example.org")
        assert not bo.has_usable_password()
        assert not bo.is_staff
        assert not bo.is_superuser

    def test_existing_account_is_not_changed(self, import_parts: ImportParts) -> None:
        anna = UserFactory(username="anna", display_name="Anna here", is_staff=True, role="Author")
        anna.set_password("a long password of hers")
        anna.save()
        before = User.objects.values().get()
        report = import_parts(item(7))
        assert User.objects.values().get() == before
        assert Post.objects.get(pk=7).author == anna
        assert counted(report, "author") == {"unchanged": 1}

    def test_creators_missing_from_the_list_of_authors_get_accounts(self, import_parts: ImportParts) -> None:
        import_parts(item(7, creator="Jane Doe"), item(8, creator=""), version="1.0")
        assert Post.objects.get(pk=7).author.username == "jane-doe"
        assert Post.objects.get(pk=7).author.display_name == "Jane Doe"
        assert str(Post.objects.get(pk=8).author) == "Unknown author"

    def test_different_logins_never_share_an_account(self, import_parts: ImportParts) -> None:
        logins = ["Jane Doe", "jane-doe", "Jane Døe", "jane@example.org", "jane-doe-1"]
        parts = [item(7 + number, creator=login) for number, login in enumerate(logins)]
        authors = [author(login, id=number) for number, login in enumerate(logins, 1)]
        import_parts(*parts, authors=authors)
        assert [*Post.objects.order_by("pk").values_list("author", "author__username", "author__slug")] == [
            (1, "jane-doe-1-1", "jane-doe"),
            (2, "jane-doe", "jane-doe-2"),
            (3, "jane-doe-3", "jane-doe-3"),
            (4, "jane@example.org", "anna-a"),
            (5, "jane-doe-1", "jane-doe-1"),
        ]
        assert not import_parts(*parts, authors=authors).has_changes

    def test_an_e_mail_address_is_not_in_the_url(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(item(7, creator="jane@example.org"), authors=[author("jane@example.org", name="Jane Doe")])
        assert User.objects.get().get_absolute_url() == "/author/jane-doe/"
        assert client.get("/author/janeexample-org/").headers["Location"] == "/author/jane-doe/"
        assert client.get("/author/janeexample-org/feed/").headers["Location"] == "/author/jane-doe/feed/"

    @pytest.mark.parametrize(
        ("creator", "name"),
        [
            ("jane@example.org (Jane Doe)", "Jane Doe"),
            ("Jane Doe <jane@example.org>", "Jane Doe"),
            ("Jane Doe (jane@example.org)", "Jane Doe"),
            ("jane@example.org", "jane"),
        ],
    )
    def test_an_e_mail_address_in_the_name_of_an_author_is_not_public(
        self, import_parts: ImportParts, client: Client, creator: str, name: str
    ) -> None:
        parts = item(7, creator=creator)
        import_parts(parts, authors=[])
        user = User.objects.get()
        assert (user.display_name, user.email, user.slug) == (name, "jane@example.org", slugify(name))
        assert "example.org" not in client.get("/2014/03/01/post-7/").content.decode()
        assert not import_parts(parts, authors=[]).has_changes

    @pytest.mark.parametrize("authors", [[], [author("🎉", id=1), author("🎊", id=2), author("..", id=3)]])
    def test_logins_may_have_no_characters_for_a_url(self, import_parts: ImportParts, authors: list[str]) -> None:
        parts = [item(7 + number, creator=login) for number, login in enumerate(("🎉", "🎊", ".."))]
        import_parts(*parts, authors=authors)
        assert [*Post.objects.order_by("pk").values_list("author__username", "author__slug")] == [
            ("author-1f389", "author-1f389"),
            ("author-1f38a", "author-1f38a"),
            ("..", "author"),
        ]
        assert not import_parts(*parts, authors=authors).has_changes

    def test_creator_is_recognised_by_display_name(self, import_parts: ImportParts) -> None:
        import_parts(item(7, creator="Anna A."))
        assert User.objects.get().username == "anna"
