"""Merging, renaming and deleting tags: what changes, where old URLs lead, undo, and concurrent changes."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import Client

from accounts.models import AuditRecord, User
from blog import publishing
from blog.models import Post
from blog.models.curation import CurationError
from core.changes import change_handlers
from core.models import SiteSettings
from tags import curation
from tags.models import Tag, TagAlias, TagChange, TaggedPost
from tests.factories import PostFactory, TagFactory, UserFactory
from tests.factories.admin import client_of, form_data
from tests.factories.database import executed_statements
from tests.factories.types import AtOnce, ImportParts
from tests.factories.wxr import filed, item, tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> User:
    user: User = UserFactory(role="Editor")
    return user


def names(post: Post) -> set[str]:
    return {tag.name for tag in Post.objects.get(pk=post.pk).tags.all()}


def pk(tag_name: str) -> int:
    return Tag.objects.get(name=tag_name).pk


def pks(*tag_names: str) -> list[int]:
    return [pk(name) for name in tag_names]


def merge(editor: User, *sources: str, into: str) -> TagChange:
    return curation.merge(pks(*sources), pk(into), editor)


class TestMerging:
    def test_posts_get_the_target_tag(self, editor: User) -> None:
        both, one, other = PostFactory(tags=["a", "b", "x"]), PostFactory(tags=["b", "c"]), PostFactory(tags=["x"])
        merge(editor, "b", "c", into="a")
        assert [names(both), names(one), names(other)] == [{"a", "x"}, {"a"}, {"x"}]
        assert TaggedPost.objects.filter(tag__name="a", published_at=None).count() == 0

    def test_old_urls_and_feeds_redirect_permanently(self, editor: User, client: Client) -> None:
        PostFactory(tags=["a", "b", "c"])
        merge(editor, "a", into="b")
        merge(editor, "b", into="c")
        for old in "ab":
            for rest in ("", "feed/", "feed/atom/", "page/1/"):
                response = client.get(f"/tag/{old}/{rest}", follow=True)
                assert response.redirect_chain[0][1] == 301
                assert response.request["PATH_INFO"].startswith("/tag/c/")
                assert len(response.redirect_chain) == 1
        assert {alias.slug for alias in Tag.objects.get().aliases.all()} == {"a", "b"}

    def test_a_former_name_stands_for_the_target(self, editor: User) -> None:
        PostFactory(tags=["HRDs", "defenders"])
        merge(editor, "HRDs", into="defenders")
        post = PostFactory(tags=["hrds", "new"])
        assert names(post) == {"defenders", "new"}

    def test_a_new_tag_does_not_take_over_a_redirected_url(self, editor: User) -> None:
        PostFactory(tags=["HRD", "defenders"])
        merge(editor, "HRD", into="defenders")
        PostFactory(tags=["HRD!"])
        assert Tag.objects.get(name="HRD!").slug == "hrd-2"
        assert Tag.objects.create(name="HRD?").slug == "hrd-3"
        with pytest.raises(ValidationError, match="redirects to the tag “defenders”"):
            Tag(name="x", slug="hrd").full_clean()

    def test_a_later_import_finds_the_target(self, editor: User, import_parts: ImportParts) -> None:
        filed_under = {slug: [filed("post_tag", slug)] for slug in ("hrds", "hrds-2")}
        first = [tag("hrds", "HRDs"), tag("defenders", "Defenders"), item(1, inside=filed_under["hrds"])]
        import_parts(*first)
        merge(editor, "HRDs", into="Defenders")
        # The third has the same name as the merged tag, and another URL.
        more = [item(2, inside=filed_under["hrds"]), item(3, inside=filed_under["hrds-2"])]
        import_parts(*first, tag("hrds-2", "hrds"), *more)
        assert {tag.name for tag in Tag.objects.all()} == {"Defenders"}
        assert Post.objects.filter(tags__name="Defenders").count() == 3
        assert TagAlias.objects.get(slug="hrds-2").tag.name == "Defenders"

    def test_change_handlers_are_called_and_pages_expire_once(
        self, editor: User, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post = PostFactory(tags=["a", "b"])
        handled: list[int] = []
        monkeypatch.setitem(change_handlers, "test", handled.extend)
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            change = merge(editor, "a", into="b")
        assert handled == [post.pk]
        assert SiteSettings.current().content_version == before + 1
        with django_capture_on_commit_callbacks(execute=True):
            curation.undo(change.pk, editor)
        assert SiteSettings.current().content_version == before + 2

    def test_is_logged(self, editor: User) -> None:
        PostFactory(tags=["a", "b"])
        merge(editor, "a", into="b")
        logged = {(each.title, each.text) for each in AuditRecord.objects.filter(person=editor)}
        assert logged == {("a", "Merged: into “b”"), ("b", "Changed: Merged with “a”.")}

    def test_takes_few_statements_for_many_posts(self, editor: User, django_assert_max_num_queries: Any) -> None:
        for _ in range(30):
            PostFactory(tags=["a", "b", "c"])
        ids = pks("a", "b")
        # PostgreSQL also locks the posts whose listings are brought up to date.
        with django_assert_max_num_queries(41 + connection.features.has_select_for_update):
            curation.merge(ids, pk("c"), editor)

    def test_a_missing_tag_is_skipped_unless_it_is_the_only_one_or_the_target(self, editor: User) -> None:
        PostFactory(tags=["a", "b"])
        curation.merge([pk("a"), 10**9], pk("b"), editor)
        with pytest.raises(CurationError, match="Someone else"):
            curation.merge([10**9], pk("b"), editor)
        with pytest.raises(CurationError, match="Someone else"):
            curation.merge(pks("b"), 10**9, editor)


class TestUndoingAMerge:
    def test_restores_everything(self, editor: User, client: Client) -> None:
        posts = [PostFactory(tags=tags) for tags in (["a", "b", "c"], ["a"], ["b", "c"], ["c"])]
        Tag.objects.filter(name="b").update(description="About b")
        TagAlias.objects.create(slug="old-b", tag=Tag.objects.get(name="b"))
        before = [names(post) for post in posts], set(Tag.objects.values_list("pk", "name", "slug", "description"))
        rows = set(TaggedPost.objects.values_list("tag", "content_object", "published_at"))
        change = merge(editor, "a", "b", into="c")
        curation.undo(change.pk, editor)
        after = [names(post) for post in posts], set(Tag.objects.values_list("pk", "name", "slug", "description"))
        assert after == before
        assert set(TaggedPost.objects.values_list("tag", "content_object", "published_at")) == rows
        assert client.get("/tag/old-b/").headers["Location"] == "/tag/b/"
        assert client.get("/tag/a/").status_code == 200

    def test_keeps_changes_that_were_made_since(self, editor: User) -> None:
        edited, kept, deleted = (PostFactory(tags=["a"]) for _ in range(3))
        TagFactory(name="c")
        change = merge(editor, "a", into="c")
        edited.tags.set(["x"])
        deleted.delete()
        later = PostFactory(tags=["c"])
        curation.undo(change.pk, editor)
        assert [names(edited), names(kept), names(later)] == [{"x"}, {"a"}, {"c"}]

    def test_uses_a_tag_that_has_taken_the_name_since(self, editor: User) -> None:
        post = PostFactory(tags=["a", "b"])
        change = merge(editor, "a", into="b")
        new = Tag.objects.create(name="A", slug="another")
        curation.undo(change.pk, editor)
        assert names(post) == {"A", "b"}
        assert Tag.objects.get(name="A") == new

    def test_is_refused_if_the_target_is_gone_until_that_is_undone(self, editor: User) -> None:
        post = PostFactory(tags=["a", "b", "c"])
        first = merge(editor, "a", into="b")
        second = merge(editor, "b", into="c")
        with pytest.raises(CurationError, match="“b” has been merged or deleted since"):
            curation.undo(first.pk, editor)
        curation.undo(second.pk, editor)
        curation.undo(first.pk, editor)
        assert names(post) == {"a", "b", "c"}
        assert not TagAlias.objects.exists()

    def test_works_only_once(self, editor: User) -> None:
        PostFactory(tags=["a", "b"])
        change = merge(editor, "a", into="b")
        curation.undo(change.pk, editor)
        with pytest.raises(CurationError, match="already been undone"):
            curation.undo(change.pk, editor)


class TestRenaming:
    def test_the_old_url_redirects_and_the_old_name_stands_for_the_tag(self, editor: User, client: Client) -> None:
        post = PostFactory(tags=["Humna rights"])
        curation.rename(pk("Humna rights"), "Human rights", "", editor)
        assert names(post) == {"Human rights"}
        assert client.get("/tag/humna-rights/feed/").headers["Location"] == "/tag/human-rights/feed/"
        assert names(PostFactory(tags=["humna Rights"])) == {"Human rights"}

    def test_can_be_undone(self, editor: User, client: Client) -> None:
        PostFactory(tags=["a"])
        change = curation.rename(pk("a"), "b", "", editor)
        curation.undo(change.pk, editor)
        assert Tag.objects.values_list("name", "slug").get() == ("a", "a")
        assert client.get("/tag/b/").headers["Location"] == "/tag/a/"

    def test_cannot_be_undone_if_the_tag_was_changed_since_or_its_name_is_taken(self, editor: User) -> None:
        PostFactory(tags=["a"])
        first = curation.rename(pk("a"), "b", "", editor)
        second = curation.rename(pk("b"), "c", "", editor)
        with pytest.raises(CurationError, match="has been changed"):
            curation.undo(first.pk, editor)
        Tag.objects.create(name="b", slug="x")
        with pytest.raises(CurationError, match="Another tag is called “b”"):
            curation.undo(second.pk, editor)

    def test_a_taken_name_is_an_error(self, editor: User) -> None:
        PostFactory(tags=["a", "b"])
        with pytest.raises(ValidationError, match="already a tag called “b”"):
            curation.rename(pk("a"), "B", "", editor)


class TestDeleting:
    def test_can_be_undone(self, editor: User, client: Client) -> None:
        posts = [PostFactory(tags=["a", "b"]), PostFactory(tags=["b"])]
        TagAlias.objects.create(slug="old-a", tag=Tag.objects.get(name="a"))
        change = curation.delete(pks("a", "b"), editor, expected_uses=3)
        assert not Tag.objects.exists()
        assert client.get("/tag/a/").status_code == 404
        curation.undo(change.pk, editor)
        assert [names(post) for post in posts] == [{"a", "b"}, {"b"}]
        assert client.get("/tag/old-a/").headers["Location"] == "/tag/a/"

    def test_undoing_it_takes_as_many_queries_for_many_tags_and_leaves_their_other_tags_alone(
        self, editor: User
    ) -> None:
        """Of 30,000 tags, each took 10 ms, and nothing else could be written to SQLite all that time."""
        counts = []
        for number in (2, 20):
            tags = [f"{number} {index}" for index in range(number)]
            post = PostFactory(tags=["other", *tags])
            change = curation.delete(pks(*tags), editor, expected_uses=number)
            with executed_statements() as statements:
                curation.undo(change.pk, editor)
            assert names(post) == {"other", *tags}
            assert not any(sql.startswith('UPDATE "tags_taggedpost"') for sql, _parameters in statements)
            counts.append(len(statements))
        assert counts[0] == counts[1]

    def test_undoing_it_gives_a_tag_another_slug_and_id_if_theirs_are_taken(self, editor: User) -> None:
        posts = [PostFactory(tags=["a", "b"]), PostFactory(tags=["b"])]
        first, second = pks("a", "b")
        change = curation.delete([first, second], editor, expected_uses=3)
        Tag.objects.create(pk=second, name="c", slug="a")
        curation.undo(change.pk, editor)
        assert [names(post) for post in posts] == [{"a", "b"}, {"b"}]
        assert Tag.objects.filter(pk=first, name="a", slug="a-2").exists()
        assert Tag.objects.filter(name="b", slug="b").exclude(pk=second).exists()

    def test_is_refused_if_more_posts_have_the_tag_than_expected(self, editor: User) -> None:
        TagFactory(name="a")
        ids = pks("a")
        PostFactory(tags=["a"])
        with pytest.raises(CurationError, match="More posts"):
            curation.delete(ids, editor, expected_uses=0)


class TestPages:
    @pytest.fixture
    def client(self, editor: User) -> Client:
        return client_of(editor)

    def test_preview_what_merging_changes(self, client: Client) -> None:
        PostFactory(title="First", tags=["a", "b"])
        PostFactory(title="Second", tags=["b"])
        first, second = pks("a", "b")
        data: dict[str, Any] = {"action": "merge_selected", "_selected_action": [first, second]}
        page = client.post("/admin/tags/tag/", data).content.decode()
        assert "0 posts will get the tag “b”." in page
        data = {"tags": f"{first},{second}", "target": first, "other": "", "confirm": second}
        # Another tag was chosen than the one whose preview was confirmed.
        page = client.post("/admin/tags/tag/merge/", data).content.decode()
        assert "1 post will get the tag “a”." in page
        assert "Second" in page
        assert "/tag/b/" in page
        assert Tag.objects.count() == 2
        response = client.post("/admin/tags/tag/merge/", data | {"confirm": first}, follow=True)
        assert "“b” merged into “a”." in response.content.decode()
        assert Tag.objects.get().name == "a"

    def test_merge_into_a_tag_that_was_not_selected(self, client: Client) -> None:
        PostFactory(tags=["a", "b"])
        first, second = pks("a", "b")
        data = {"tags": first, "other": "B"}
        assert "will get the tag “b”" in client.post("/admin/tags/tag/merge/", data).content.decode()
        client.post("/admin/tags/tag/merge/", data | {"confirm": second})
        assert Tag.objects.get().name == "b"
        page = client.post("/admin/tags/tag/merge/", {"tags": second, "other": "nothing"}).content.decode()
        assert "There is no tag with this name." in page

    def test_preview_what_renaming_changes_and_offer_to_merge(self, client: Client) -> None:
        PostFactory(tags=["a", "b"])
        url = f"/admin/tags/tag/{pk('a')}/rename/"
        page = client.post(url, {"name": "c", "slug": ""}).content.decode()
        assert "1 post will show the tag as “c”." in page
        assert "/tag/c/" in page
        assert "<bdi>/tag/حقوق/</bdi>" in client.post(url, {"name": "حقوق", "slug": ""}).content.decode()
        assert Tag.objects.filter(name="a").exists()
        page = client.post(url, {"name": "B", "slug": ""}).content.decode()
        assert page.count("There is already a tag called “b”.") == 1
        assert "Merge the two instead" in page
        client.post(url, {"name": "c", "slug": "", "confirm": "c c"})
        assert Tag.objects.filter(name="c", slug="c").exists()

    def test_refuse_a_name_that_no_database_can_hold(self, client: Client) -> None:
        TagFactory(name="a")
        page = client.post(f"/admin/tags/tag/{pk('a')}/rename/", {"name": "b\0", "slug": ""}).content.decode()
        assert "Null characters are not allowed." in page

    def test_preview_what_deleting_changes(self, client: Client) -> None:
        PostFactory(tags=["a"])
        TagFactory(name="unused")
        data: dict[str, Any] = {"action": "delete_selected", "_selected_action": pks("unused"), "select_across": "1"}
        page = client.post("/admin/tags/tag/?use=unused", data).content.decode()
        assert "/tag/unused/" in page
        assert "/tag/a/" not in page
        client.post("/admin/tags/tag/delete/", {"tags": pks("unused"), "confirm": "0"})
        assert Tag.objects.get().name == "a"

    def test_list_changes_and_undo_them(self, client: Client) -> None:
        post = PostFactory(tags=["a", "b"])
        first, second = pks("a", "b")
        client.post("/admin/tags/tag/merge/", {"tags": second, "target": first, "other": "", "confirm": first})
        client.post("/admin/tags/tag/merge/", {"tags": f"{first},{second}", "target": first, "confirm": first})
        page = client.get("/admin/tags/tagchange/").content.decode()
        assert "“b” merged into “a”" in page
        url = f"/admin/tags/tagchange/{TagChange.objects.get().pk}/undo/"
        assert url in page
        assert client.get(url).status_code == 405
        client.post(url)
        assert names(post) == {"a", "b"}
        assert "already been undone" in client.post(url, follow=True).content.decode()

    @pytest.mark.parametrize("ids", ["", "x", "999999", "1" * 400, ",,", "-1"])
    def test_report_unknown_tags(self, client: Client, ids: str) -> None:
        for page in ("merge", "delete"):
            response = client.get(f"/admin/tags/tag/{page}/", {"tags": ids}, follow=True)
            assert "nothing was changed" in response.content.decode()


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_opposite_merges_lose_no_post(self, editor: User, at_once: AtOnce) -> None:
        posts = [PostFactory(tags=["a"]), PostFactory(tags=["b"])]
        first, second = pks("a", "b")

        def attempt(source: int, target: int) -> str:
            try:
                return str(curation.merge([source], target, editor))
            except CurationError as error:
                return str(error)

        results = at_once(lambda: attempt(first, second), lambda: attempt(second, first))
        assert sum("Someone else" in result for result in results) == 1
        (left,) = Tag.objects.all()
        assert [names(post) for post in posts] == [{left.name}, {left.name}]

    @pytest.mark.parametrize("change", ["merge", "rename", "delete"])
    def test_saving_a_post_and_changing_its_tag_never_deadlock(
        self, editor: User, change: str, at_once: AtOnce
    ) -> None:
        post = PostFactory(tags=["a", "b"])
        first, second = pks("a", "b")
        changes: dict[str, Callable[[], object]] = {
            "merge": lambda: curation.merge([first], second, editor),
            "rename": lambda: curation.rename(first, "c", "", editor),
            "delete": lambda: curation.delete([first], editor, expected_uses=1),
        }
        is_locked, has_ended = Event(), Event()

        def save() -> None:
            with transaction.atomic():
                stored = publishing.lock_stored(post)
                is_locked.set()
                # It waits for this transaction.
                assert not has_ended.wait(0.3)
                publishing.save_entry(post, editor, tags=["a", "new"], stored=stored)

        def change_tag() -> None:
            is_locked.wait()
            changes[change]()
            has_ended.set()

        at_once(save, change_tag)
        assert names(post) == {"new", *{"merge": ["b"], "rename": ["c"], "delete": []}[change]}

    @pytest.mark.parametrize("change", ["merge", "rename", "delete"])
    def test_saving_the_form_of_a_tag_reverts_no_change_that_is_just_being_made(
        self, editor: User, change: str, at_once: AtOnce
    ) -> None:
        PostFactory(tags=["a", "b"])
        first, second = pks("a", "b")
        changes: dict[str, Callable[[], object]] = {
            "merge": lambda: curation.merge([first], second, editor),
            "rename": lambda: curation.rename(first, "c", "", editor),
            "delete": lambda: curation.delete([first], editor, expected_uses=1),
        }
        client, is_made, has_ended = client_of(editor), Event(), Event()

        def change_tag() -> None:
            with transaction.atomic():
                changes[change]()
                is_made.set()
                # Saving waits until this transaction has ended.
                assert not has_ended.wait(0.3)

        def save() -> Any:
            is_made.wait()
            data = {"description": "More about it", "aliases-TOTAL_FORMS": 0, "aliases-INITIAL_FORMS": 0}
            response = client.post(f"/admin/tags/tag/{first}/change/", data)
            has_ended.set()
            return response

        _none, response = at_once(change_tag, save)
        left = {"merge": {"b": ""}, "rename": {"b": "", "c": "More about it"}, "delete": {"b": ""}}[change]
        assert dict(Tag.objects.values_list("name", "description")) == left
        assert response.status_code == (302 if change == "rename" else 404)
        assert set(TagAlias.objects.values_list("slug", flat=True)) == (set() if change == "delete" else {"a"})

    def test_a_post_that_is_given_a_tag_being_merged_away_gets_the_target(self, editor: User, at_once: AtOnce) -> None:
        post, tagged = PostFactory(), PostFactory(tags=["a", "b"])
        first, second = pks("a", "b")
        client = client_of(editor)
        url = f"/admin/blog/post/{post.pk}/change/"
        data = form_data(post, tags="A, new")
        response, _change = at_once(lambda: client.post(url, data), lambda: curation.merge([first], second, editor))
        assert response.status_code == 302
        assert [names(post), names(tagged)] == [{"b", "new"}, {"b"}]
