"""Revisions of posts and pages: what is kept, what is shown, and that restoring loses nothing."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from blog import publishing
from blog.models import Page, Post, Revision, Status
from blog.revisions.comparing import compare, matches, paragraphs, shorten, words
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.admin import admin_url, client_of, form_data, user_in_role
from tests.factories.responses import find, one, read, text
from tests.factories.types import GrowsWithLength


@pytest.fixture
def editor(db: None) -> User:
    user: User = UserFactory(role="Editor", display_name="Ruth")
    return user


@pytest.fixture
def client(editor: User) -> Client:
    return client_of(editor)


def save(client: Client, entry: Post | Page, **changes: Any) -> None:
    stored = type(entry).objects.get(pk=entry.pk)
    assert client.post(admin_url(stored, "change"), form_data(stored, **changes)).status_code == 302


def kept(entry: Post | Page) -> list[str]:
    """Return the texts in its revisions, the newest first."""
    return list(Revision.objects.filter(entry=entry.pk).values_list("source", flat=True))


def restore(client: Client, entry: Post | Page, revision: Revision, version: str | None = None) -> Any:
    stored = type(entry).objects.get(pk=entry.pk)
    data = {"revision": revision.pk, "version": version or stored.modified_at.isoformat()}
    return client.post(admin_url(entry, "revisions"), data, follow=True)


class TestKeeping:
    def test_those_of_the_same_minute_are_told_apart(self, client: Client) -> None:
        post = PostFactory(source="One")
        save(client, post, source="Two")
        for second, revision in enumerate(Revision.objects.all()):
            revision.created_at = at(2020, 1, 2) + dt.timedelta(seconds=second)
            revision.save()
        page = read(client.get(admin_url(post, "revisions")))
        times = [text(time) for time in find(page, "ol time")]
        assert len({*times}) == len(times) == 2

    def test_each_saved_change_is_kept_with_its_author(self, client: Client, editor: User) -> None:
        client.post(admin_url(Post, "add"), form_data(title="New", source="One", author=editor.pk))
        post = Post.objects.get()
        save(client, post, source="Two")
        assert kept(post) == ["Two", "One"]
        assert {revision.by for revision in Revision.objects.all()} == {editor}

    def test_saving_the_same_again_makes_no_revision(self, client: Client) -> None:
        post = PostFactory(source="Same", tags=["b", "A"], categories=[CategoryFactory()])
        for source in ("Same", "Changed", "Changed"):
            save(client, post, source=source)
        assert kept(post) == ["Changed", "Same"]

    def test_an_imported_post_has_none_until_it_is_edited_and_then_keeps_the_imported_text(
        self, client: Client, editor: User
    ) -> None:
        post = PostFactory(source="As imported", tags=["old"])
        assert kept(post) == []
        save(client, post, source="Edited", tags="new")
        first, second = Revision.objects.order_by("pk")
        assert (first.source, first.by, first.settings["tags"]) == ("As imported", None, ["old"])
        assert (second.source, second.by, second.settings["tags"]) == ("Edited", editor, ["new"])

    def test_bulk_changes_are_kept_before_the_next_edit(self, client: Client, editor: User) -> None:
        post = PostFactory(source="One")
        save(client, post, title="Edited")
        Post.objects.update(source="From an import", modified_at=timezone.now())
        save(client, post, source="Two")
        assert kept(post) == ["Two", "From an import", "One", "One"]

    def test_categories_tags_and_every_setting_count_as_a_change(self, client: Client) -> None:
        post = PostFactory(tags=["a"])
        changes: list[dict[str, Any]] = [
            {"tags": "a, b"},
            {"categories": [CategoryFactory().pk]},
            {"slug": "other"},
            {"_step": "unpublish"},
            {"language": "ar"},
            {"excerpt": "Short"},
            {"password": "secret"},
            {"comments_open": None},
            {"published_at": "2020-03-01T12:00"},
        ]
        for change in changes:
            save(client, post, **change)
        assert len(kept(post)) == len(changes) + 1

    def test_deleting_a_post_deletes_its_revisions(self, client: Client) -> None:
        post = PostFactory()
        save(client, post, source="Two", _step="trash")
        client.post(admin_url(post, "delete"), {"post": "yes"})
        assert not Revision.objects.exists()

    def test_deleting_an_account_leaves_its_revisions_without_a_name(self, client: Client, editor: User) -> None:
        post = PostFactory()
        save(client, post, source="Two")
        editor.delete()
        assert set(Revision.objects.values_list("by", flat=True)) == {None}

    def test_saving_a_long_post_takes_at_most_25_queries(self, client: Client) -> None:
        post = PostFactory(source="word " * 2000, tags=["a", "b"], categories=[CategoryFactory()])
        save(client, post, title="First")
        data = form_data(Post.objects.get(), source="words " * 2000, tags="a, b")
        with CaptureQueriesContext(connection) as statements:
            assert client.post(admin_url(post, "change"), data).status_code == 302
        queries = [each["sql"] for each in statements if "SAVEPOINT" not in each["sql"]]
        assert len(queries) <= 25


class TestRestoring:
    def test_text_categories_and_tags_come_back_and_the_newer_text_stays_in_the_revisions(
        self, client: Client, editor: User
    ) -> None:
        old = CategoryFactory(name="old")
        post = PostFactory(title="One", source="First words", tags=["first"], categories=[old])
        save(client, post, title="Two", source="Newer words", tags="second", categories=[])
        response = restore(client, post, Revision.objects.order_by("pk")[0])
        assert "The version it replaced is still in the revisions." in response.content.decode()
        stored = Post.objects.get()
        assert (stored.title, stored.source) == ("One", "First words")
        assert [tag.name for tag in stored.tags.all()] == ["first"]
        assert list(stored.categories.all()) == [old]
        assert "First words" in stored.body
        assert kept(post) == ["First words", "Newer words", "First words"]
        assert Revision.objects.all()[0].by == editor

    def test_a_text_that_was_never_in_a_revision_stays_as_well(self, client: Client) -> None:
        post = PostFactory(source="First")
        save(client, post, source="Second")
        Post.objects.update(source="Newest, by an import", modified_at=timezone.now())
        restore(client, post, Revision.objects.order_by("pk")[0])
        assert kept(post) == ["First", "Newest, by an import", "Second", "First"]

    def test_the_language_stays_if_a_translation_is_in_the_other_one(self, client: Client) -> None:
        post = PostFactory(source="First", language="en")
        save(client, post, source="Second", language="fr")
        translation = PostFactory(language="en")
        Post.objects.filter(pk__in=[post.pk, translation.pk]).update(translation_group=uuid4())
        response = restore(client, post, Revision.objects.order_by("pk")[0])
        assert "The language was not restored" in response.content.decode()
        stored = Post.objects.get(pk=post.pk)
        assert (stored.source, stored.language) == ("First", "fr")

    def test_a_version_that_was_not_seen_is_not_overwritten(self, client: Client) -> None:
        post = PostFactory(source="First")
        seen = post.modified_at.isoformat()
        save(client, post, source="Newer")
        response = restore(client, post, Revision.objects.order_by("pk")[0], version=seen)
        assert "Someone else changed this first" in response.content.decode()
        assert Post.objects.get().source == "Newer"

    def test_nothing_is_published_unpublished_or_moved(self, client: Client) -> None:
        post = PostFactory(source="Draft", status=Status.DRAFT, slug="draft-slug")
        save(client, post, source="Final", _step="publish", slug="final-slug")
        restore(client, post, Revision.objects.order_by("pk")[0])
        stored = Post.objects.get()
        assert (stored.source, stored.status, stored.slug) == ("Draft", Status.PUBLISHED, "final-slug")

    def test_a_category_that_was_deleted_is_left_out(self, client: Client) -> None:
        gone = CategoryFactory()
        post = PostFactory(source="First", categories=[gone])
        save(client, post, source="Second", categories=[])
        gone.delete()
        restore(client, post, Revision.objects.order_by("pk")[0])
        assert Post.objects.get().source == "First"

    def test_pages_are_restored_as_well(self, client: Client) -> None:
        page = PageFactory(source="First")
        save(client, page, source="Second")
        restore(client, page, Revision.objects.order_by("pk")[0])
        assert Page.objects.get().source == "First"

    def test_older_revisions_can_be_deleted_for_good(self, client: Client) -> None:
        post = PostFactory(source="With a name")
        save(client, post, source="Without it")
        data = {"delete": "", "revision": Revision.objects.all()[0].pk}
        button = one(read(client.get(admin_url(post, "revisions"))), "button[name=delete]")
        assert "danger" in button.get("class", "")
        client.post(admin_url(post, "revisions"), data)
        assert kept(post) == ["Without it"]


# What each role may do with the revisions of a post.
SEE, RESTORE, DELETE = "see", "restore", "delete"
ALL = {SEE, RESTORE, DELETE}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "whose", "status", "may"),
    [
        ("Author", "own", "draft", {SEE, RESTORE}),
        ("Author", "own", "pending", {SEE, RESTORE}),
        ("Author", "own", "published", {SEE}),
        ("Author", "own", "trash", {SEE}),
        ("Author", "other", "draft", set()),
        ("Author", "other", "published", set()),
        ("Editor", "other", "draft", ALL),
        ("Editor", "other", "published", ALL),
        ("superuser", "other", "private", ALL),
        ("Moderator", "own", "draft", set()),
        ("Moderator", "other", "published", set()),
        ("staff", "own", "draft", set()),
        ("anonymous", "other", "published", set()),
    ],
)
def test_permissions(role: str, whose: str, status: str, may: set[str]) -> None:
    user = user_in_role(role)
    post = PostFactory(source="First", status=status, author=user if whose == "own" else UserFactory())
    publisher = UserFactory(is_staff=True, is_superuser=True)
    post.source = "Second"
    publishing.save_entry(post, publisher)
    oldest = Revision.objects.order_by("pk")[0]
    # Nothing older than the oldest can be deleted.
    Revision.objects.create(
        entry=post, created_at=post.modified_at, title="", source="x", markup="markdown", settings={}, digest="x"
    )
    client = client_of(user)
    response = client.get(admin_url(post, "revisions"))
    assert (response.status_code == 200) == (SEE in may)
    restore(client, post, oldest)
    assert (Post.objects.get().source == "First") == (RESTORE in may)
    client.post(admin_url(post, "revisions"), {"delete": "", "revision": Revision.objects.all()[0].pk})
    assert (not Revision.objects.filter(pk=oldest.pk).exists()) == (DELETE in may)


class TestPage:
    def test_shows_what_a_revision_changed_word_by_word_and_in_its_settings(self, client: Client) -> None:
        post = PostFactory(title="A lamp", source="One small lamp.\n\nAnd <b>more</b>.", tags=["old"])
        save(
            client, post, title="A light", source="One bright lamp.\n\nAnd <b>more</b>.", tags="new", password="secret"
        )
        page = client.get(admin_url(post, "revisions")).content.decode()
        for changed in ("small", "lamp", "old"):
            assert f"</span>{changed}<span" in page
        assert "bright<span" in page
        assert escape("<b>more</b>") in page
        assert "Ruth" in page
        assert "secret" not in page

    def test_compares_with_the_current_version_and_is_linked_from_the_form(self, client: Client) -> None:
        post = PostFactory(source="First words")
        save(client, post, source="Second words")
        save(client, post, source="Third words")
        oldest = Revision.objects.order_by("pk")[0]
        url = admin_url(post, "revisions")
        assert f'href="{url}"' in client.get(admin_url(post, "change")).content.decode()
        page = client.get(f"{url}?revision={oldest.pk}&current").content.decode()
        assert "First<span" in page
        assert "Third<span" in page
        assert "Second" not in page

    @pytest.mark.parametrize("query", ["?revision=0", "?revision=x", "?revision=99999999999999999999", "?p=-1"])
    def test_a_forged_query_shows_existing_revisions(self, client: Client, query: str) -> None:
        post = PostFactory()
        assert client.get(admin_url(post, "revisions") + query).status_code == 200

    def test_an_impossible_id_is_not_restored(self, client: Client) -> None:
        response = client.post(admin_url(PostFactory(), "revisions"), {"revision": "9" * 5_000})
        assert response.status_code == 404

    def test_a_revision_of_another_post_is_not_shown_or_restored(self, client: Client) -> None:
        post, other = PostFactory(source="Mine"), PostFactory(source="Elsewhere")
        save(client, other, source="Edited")
        foreign = Revision.objects.order_by("pk")[0]
        response = client.get(admin_url(post, "revisions"), {"revision": foreign.pk})
        assert "Elsewhere" not in response.content.decode()
        assert restore(client, post, foreign).status_code == 404

    def test_takes_a_fixed_number_of_statements(self, client: Client, editor: User) -> None:
        post = PostFactory()
        for index in range(30):
            post.source = f"Version {index}"
            publishing.save_entry(post, editor)
        with CaptureQueriesContext(connection) as statements:
            client.get(admin_url(post, "revisions"))
        assert len(statements) <= 14


TEXT = st.text(alphabet="ab \n.字é", max_size=60)


class TestComparing:
    @given(TEXT, TEXT)
    def test_both_texts_can_be_read_from_the_comparison(self, before: str, after: str) -> None:
        pieces = compare(before, after)
        assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
        assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after

    @given(st.text())
    def test_dividing_a_text_loses_nothing(self, text: str) -> None:
        assert "".join(paragraphs(text)) == "".join(words(text)) == text

    def test_only_whole_words_next_to_a_change_are_shown(self) -> None:
        before = " ".join(f"before{number}" for number in range(100))
        after = " ".join(f"after{number}" for number in range(100))
        pieces = compare(f"{before} old {after}", f"{before} new {after}")
        first, *_, last = (piece.text for piece in shorten(pieces) if piece.kind == "same")
        assert set(first.split()) < set(before.split())
        assert set(last.split()) < set(after.split())
        assert [piece.kind for piece in shorten(pieces)] == ["gap", "same", "removed", "added", "same", "gap"]

    def test_finds_the_words_that_differ(self) -> None:
        pieces = compare("The same.\n\nA small lamp burns.", "The same.\n\nA bright lamp burns.")
        assert [(piece.kind, piece.text) for piece in pieces] == [
            ("same", "The same.\n\nA "),
            ("removed", "small"),
            ("added", "bright"),
            ("same", " lamp burns."),
        ]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("a b " * 50_000, "b a " * 50_000),
            ("\n".join("ab" * 50_000), "\n".join("ba" * 49_999)),
            (" ".join(map(str, range(50_000))), " ".join(map(str, range(50_000, 0, -1)))),
        ],
    )
    def test_hostile_texts_take_no_more_comparisons_than_there_are_words(self, before: str, after: str) -> None:
        """Counted, because time means nothing on a busy machine: each comparison of two items calls `__eq__`."""
        count = 0

        class Counted(str):
            __hash__ = str.__hash__

            def __eq__(self, other: object) -> bool:
                nonlocal count
                count += 1
                return str.__eq__(self, other)

        old, new = ([Counted(word) for word in words(text)[:20_000]] for text in (before, after))
        matches(old, new)
        assert count < 100 * (len(old) + len(new))

    def test_time_grows_with_the_length_of_the_text(self, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(lambda text: compare(text, f"x\n{text}"), f"{'🎉' * 10}\n" * 25_000)
