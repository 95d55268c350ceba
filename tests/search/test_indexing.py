"""The index is up to date after every change to posts, pages, tags and comments."""

import datetime as dt
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test import RequestFactory
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from blog import publishing
from blog.curation import merge as merge_categories
from blog.editing import bulk_editing
from blog.models import Category, Entry, Page, Post, Status
from comments import personal_data
from comments.models import Comment, CommentSettings, CommentStatus
from comments.moderation import decisions, deletion, submission
from core.models import SiteSettings
from search import indexing
from search.finding import find_comments, find_entries
from search.indexes import entry_index
from search.indexes.base import Document
from search.indexes.queries import Expression, Phrase
from search.indexing import count_stale, update_entries
from search.labels import ANY, PUBLIC
from search.models import STALE, IndexedEntry
from search.queries import parse
from search.tasks import index_stale_entries, unfinished_indexing
from tags import curation
from tags.models import Tag
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory, wxr
from tests.factories.database import everything_stored
from tests.factories.types import ImportParts
from wordpress.importing.undo import undo_run
from wordpress.models import ImportRun

pytestmark = pytest.mark.django_db


def found(typed: str) -> set[str]:
    """Return the titles of the entries that readers find."""
    hits = find_entries(parse(typed), SiteSettings.current())
    assert not hits.has_more
    return set(Entry.objects.filter(pk__in=hits.pks).values_list("title", flat=True))


def found_comments(typed: str) -> set[str]:
    return set(
        Comment.objects.filter(pk__in=find_comments(parse(typed), SiteSettings.current()).pks).values_list(
            "text", flat=True
        )
    )


@pytest.fixture(autouse=True)
def index_is_right() -> Any:
    """After each test, check that the index contains exactly what a rebuild would store."""
    yield
    assert not +count_stale(lambda *args: None)


@pytest.fixture
def editor() -> User:
    user: User = UserFactory(role="Editor")
    return user


class TestEntries:
    def test_posts_and_pages_are_found_by_title_text_excerpt_and_tags(self) -> None:
        PostFactory(title="Lantern", source="About **harb**our life.", excerpt="Zebra", tags=["Ferries and boats"])
        PageFactory(title="Contact", source="Write to the quay.")
        for typed in ("lantern", "harbour", "zebra", "boats", "ferries life"):
            assert found(typed) == {"Lantern"}, typed
        assert found("quay") == {"Contact"}

    def test_a_changed_text_is_found_only_by_its_new_words(self, editor: User) -> None:
        post = PostFactory(title="One", source="old")
        post.source = "new"
        publishing.save_entry(post, editor, tags=["fresh"])
        assert (found("old"), found("new"), found("fresh")) == (set(), {"One"}, {"One"})

    def test_bulk_actions_update_the_index(self, editor: User) -> None:
        PostFactory(title="One", source="word")
        posts = Post.objects.all()
        publishing.trash(posts, editor)
        assert found("word") == set()
        publishing.restore(posts, editor)
        assert found("word") == set()
        publishing.publish(posts, editor)
        assert found("word") == {"One"}
        bulk_editing.edit(
            posts, editor, bulk_editing.Changes(add_tags=["extra"], add_categories=[CategoryFactory(name="Filed")])
        )
        assert found("extra category:filed") == {"One"}
        publishing.unpublish(posts, editor)
        assert found("word") == set()

    def test_deleted_entries_are_not_found(self) -> None:
        post = PostFactory(title="One", source="word")
        CommentFactory(entry=post, text="remark")
        PostFactory(title="Two", source="word")
        post.delete()
        assert (found("word"), found_comments("remark")) == ({"Two"}, set())
        Entry.objects.all().delete()
        assert found("word") == set()

    def test_importing_again_updates_the_index(self, import_parts: ImportParts) -> None:
        import_parts(wxr.item(1, title="One", content="lighthouse", inside=[wxr.comment(5, content="seagull")]))
        assert (found("lighthouse"), found_comments("seagull")) == ({"One"}, {"seagull"})
        import_parts(wxr.item(1, title="One", content="beacon", inside=[wxr.comment(5, content="gull")]))
        assert (found("lighthouse"), found("beacon")) == (set(), {"One"})
        assert (found_comments("seagull"), found_comments("gull")) == (set(), {"gull"})

    def test_importing_a_renamed_tag_updates_the_index(self, import_parts: ImportParts) -> None:
        post = wxr.item(1, title="One", inside=[wxr.filed("post_tag", "x", "Heron")])
        import_parts(wxr.tag("x", "Heron"), post)
        assert found("heron") == {"One"}
        import_parts(wxr.tag("x", "Egret"), post)
        assert (found("heron"), found("egret")) == (set(), {"One"})

    def test_entries_of_an_undone_import_are_not_found(self, import_parts: ImportParts) -> None:
        import_parts(wxr.item(1, content="lighthouse", inside=[wxr.comment(5, content="seagull")]))
        undo_run(ImportRun.objects.get())
        assert found("lighthouse") == found_comments("seagull") == set()

    def test_a_rollback_reverts_the_index(self) -> None:
        post = PostFactory(title="One", source="old")
        with transaction.atomic():
            post.source = "new"
            post.save()
            transaction.set_rollback(True)
        assert (found("old"), found("new")) == ({"One"}, set())

    @pytest.mark.parametrize("limit", [1, 2, 4, 5, 9])
    def test_documents_far_apart_are_found_once_and_the_newest_first(self, limit: int) -> None:
        # On PostgreSQL, 93,000 is the first of the newest documents, which are searched separately.
        pks = [100_999, 93_001, 93_000, 92_999, 1]
        entry_index().write(Document(pk, "word") for pk in pks)
        expression = Expression(((Phrase(("word",)),),))
        assert entry_index().find([expression], limit=limit) == (pks[:limit], limit < len(pks))
        entry_index().remove(pks)


class TestPhrases:
    DOCUMENTS = (
        Document(1, "the grey heron flies"),
        Document(2, "heron grey heron"),
        Document(3, "heron the grey flies"),
        Document(4, "grey _ heron"),
        Document(5, f"{' '.join(f'w{n} v{n}' for n in range(8_000))} grey heron"),
        Document(6, "grey heronry"),
        Document(7, "the grey heron flew"),
    )

    @pytest.mark.parametrize(
        ("expression", "pks"),
        [
            (Expression(((Phrase(("grey", "heron")),),)), [7, 5, 2, 1]),
            (Expression(((Phrase(("the", "grey", "heron")),),)), [7, 1]),
            (Expression(((Phrase(("the", "grey", "her"), is_prefix=True),),)), [7, 1]),
            (Expression(((Phrase(("grey", "her"), is_prefix=True),),)), [7, 6, 5, 2, 1]),
            (Expression(((Phrase(("grey", "heron")), Phrase(("heron", "the"))),)), [7, 5, 3, 2, 1]),
            (Expression(((Phrase(("grey", "heron")),), (Phrase(("flies",)), Phrase(("flew",))))), [7, 1]),
            (Expression(((Phrase(("heron",)),),), excluded=(Phrase(("grey", "heron")),)), [4, 3]),
            (Expression(((Phrase(("heron",)),),), excluded=(Phrase(("heron", "fl"), is_prefix=True),)), [5, 4, 3, 2]),
            (Expression(((Phrase(("grey", "heron")),),), excluded=(Phrase(("the", "grey")), Phrase(("w0",)))), [2]),
            (Expression(((Phrase(("heron", "grey")),),), excluded=(Phrase(("flies",)),)), [2]),
        ],
    )
    def test_are_found_only_where_the_words_follow_each_other(self, expression: Expression, pks: list[int]) -> None:
        entry_index().write(self.DOCUMENTS)
        assert entry_index().find([expression], limit=9).pks == pks
        entry_index().remove([document.pk for document in self.DOCUMENTS])

    @pytest.mark.skipif(connection.vendor == "sqlite", reason="FTS5 has positions, and needs no filters")
    @pytest.mark.parametrize(("pairs", "pks"), [(bytes(8), []), (None, [1])])
    def test_are_looked_for_unless_a_filter_lacks_their_pairs(self, pairs: bytes | None, pks: list[int]) -> None:
        entry_index().write(self.DOCUMENTS[:1])
        with connection.cursor() as cursor:
            cursor.execute("UPDATE search_entry_words SET pairs = %s", [pairs])
        phrase = Phrase(("grey", "heron"))
        without = Expression(((Phrase(("heron",)),),), excluded=(phrase,))
        assert entry_index().find([Expression(((phrase,),))], limit=9).pks == pks
        # The filter of a document that has the phrase never lacks its pair, so this one shows that it was not read.
        assert entry_index().find([without], limit=9).pks == [pk for pk in [1] if pk not in pks]
        entry_index().remove([1])


def test_beginnings_of_words_in_hidden_texts_are_not_known() -> None:
    entry_index().write([Document(1, f"{ANY} secretly"), Document(2, f"{PUBLIC} secrecy")])
    assert entry_index().first_known(["secretl", "secret", "secre", "sec"], PUBLIC) == "secre"
    assert entry_index().first_known(["x"], PUBLIC) == ""
    entry_index().remove([1, 2])


class TestTerms:
    def test_merging_renaming_and_deleting_tags_updates_the_index(self, editor: User) -> None:
        PostFactory(title="One", tags=["alpha"])
        target = TagFactory(name="beta")
        change = curation.merge([Tag.objects.get(name="alpha").pk], target.pk, editor)
        assert (found("beta"), found("tag:alpha")) == ({"One"}, {"One"})
        curation.undo(change.pk, editor)
        assert (found("alpha"), found("beta")) == ({"One"}, set())
        tag = Tag.objects.get(name="alpha")
        curation.rename(tag.pk, "gamma", "", editor)
        assert (found("alpha"), found("gamma")) == (set(), {"One"})
        curation.delete([tag.pk], editor, expected_uses=1)
        assert found("gamma") == set()

    def test_merging_categories_updates_the_index(self, editor: User) -> None:
        source, target = CategoryFactory(name="Old"), CategoryFactory(name="New")
        PostFactory(title="One", categories=[source])
        merge_categories([source.pk], target.pk, editor)
        assert found("category:new") == {"One"}
        target.delete()
        assert found("category:new") == set()

    def test_deleted_categories_are_not_found(self) -> None:
        PostFactory(title="One", categories=[CategoryFactory(name="Old")])
        Category.objects.all().delete()
        assert found("category:old") == set()

    def test_a_category_includes_the_posts_of_its_descendants(self) -> None:
        parent = CategoryFactory(name="Courts")
        PostFactory(title="One", categories=[CategoryFactory(name="Appeals", parent=parent)])
        assert found("category:courts") == {"One"}


class TestLargeChanges:
    """The worker indexes entries when indexing all of them at once would block other writers for too long."""

    @pytest.fixture(autouse=True)
    def _index_only_two_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("search.tasks.AT_ONCE", 2)

    @pytest.fixture
    def tag(self) -> Tag:
        for number in range(4):
            PostFactory(title=str(number), tags=["alpha"])
        tag: Tag = Tag.objects.get(name="alpha")
        return tag

    def test_the_newest_are_indexed_at_once_and_the_others_by_the_worker(
        self, tag: Tag, editor: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            curation.rename(tag.pk, "beta", "", editor)
        assert (found("alpha"), found("beta")) == ({"0", "1"}, {"2", "3"})
        assert found("tag:beta") == {"0", "1", "2", "3"}
        assert DBTaskResult.objects.filter(task_path=index_stale_entries.module_path).count() == 1
        index_stale_entries.call()
        assert (found("alpha"), found("beta")) == (set(), {"0", "1", "2", "3"})

    def test_of_several_batches_only_the_newest_of_the_first_are_indexed_at_once(
        self, tag: Tag, editor: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(publishing, "AT_ONCE", 3)
        for number in range(4, 7):
            PostFactory(title=str(number))
        Post.objects.update(language="de")
        for change in publishing.in_batches(Post.objects.all(), lambda some: publishing.set_language(some, editor, "")):
            change()
        stale = IndexedEntry.objects.filter(digest=STALE).order_by("pk").values_list("pk", flat=True)
        assert list(stale) == list(Post.objects.order_by("pk").values_list("pk", flat=True))[1:-2]
        index_stale_entries.call()
        assert not IndexedEntry.objects.filter(digest=STALE).exists()

    def test_hidden_and_deleted_entries_are_removed_at_once(self, tag: Tag, editor: User) -> None:
        publishing.trash(Post.objects.all(), editor)
        assert found("alpha") == set()
        assert entry_index().find([Expression(((Phrase((PUBLIC,)),),))], limit=5).pks == []
        index_stale_entries.call()
        publishing.restore(Post.objects.all(), editor)
        publishing.publish(Post.objects.all(), editor)
        index_stale_entries.call()
        assert found("alpha") == {"0", "1", "2", "3"}
        Entry.objects.all().delete()
        assert found("alpha") == set()
        assert entry_index().pks() == set()

    def test_without_a_worker_a_rebuild_indexes_the_rest(self, tag: Tag, editor: User) -> None:
        curation.delete([tag.pk], editor, expected_uses=4)
        assert count_stale(lambda *args: None)["entries"] == 2
        call_command("rebuild_search")
        assert found("alpha") == set()

    def test_owners_see_how_many_are_left(self, tag: Tag, editor: User, rf: RequestFactory) -> None:
        assert not list(unfinished_indexing(rf.get("/")))
        curation.rename(tag.pk, "beta", "", editor)
        (concern,) = unfinished_indexing(rf.get("/"))
        assert "2 posts and pages" in concern.text
        index_stale_entries.call()


class TestHiddenContent:
    @pytest.mark.parametrize(
        "state",
        [
            {"status": Status.DRAFT},
            {"status": Status.PENDING},
            {"status": Status.PRIVATE},
            {"status": Status.TRASH},
            {"published_at": timezone.now() + dt.timedelta(days=1)},
            {"password": "word"},
        ],
        ids=["draft", "pending", "private", "trash", "scheduled", "protected"],
    )
    def test_is_never_found_by_readers(self, state: dict[str, Any]) -> None:
        entry = PostFactory(title="Secret", source="secret", tags=["secret"], **state)
        PageFactory(title="Secret", source="secret", **state)
        CommentFactory(entry=entry, text="secret")
        assert found("secret") == found("secr") == found("tag:secret") == found_comments("secret") == set()

    def test_a_scheduled_post_is_found_once_it_is_due(self, monkeypatch: pytest.MonkeyPatch) -> None:
        due = timezone.now() + dt.timedelta(hours=1)
        PostFactory(title="Later", source="word", published_at=due)
        assert found("word") == set()
        monkeypatch.setattr(timezone, "now", lambda: due + dt.timedelta(hours=1))
        assert found("word") == {"Later"}


class TestComments:
    def test_only_approved_comments_are_found(self, editor: User) -> None:
        comment = CommentFactory(text="remark", status=CommentStatus.PENDING)
        assert found_comments("remark") == set()
        decisions.approve([comment], editor)
        assert found_comments("remark") == {"remark"}
        batch = decisions.mark_spam([comment], editor).batch
        assert found_comments("remark") == set()
        decisions.undo(batch, editor)
        assert found_comments("remark") == {"remark"}
        deletion.delete([comment])
        assert found_comments("remark") == set()

    def test_submitted_and_edited_comments_are_found_by_their_text(self, editor: User) -> None:
        settings = CommentSettings.current()
        submission.submit(PostFactory(), text="first words", user=editor, settings=settings)
        comment = Comment.objects.get()
        assert found_comments("first") == {"first words"}
        decisions.edit(comment, {"text": "second words"}, editor)
        assert (found_comments("first"), found_comments("second")) == (set(), {"second words"})

    @pytest.mark.parametrize("keep_text", [True, False])
    def test_an_erased_name_is_gone_from_the_index(self, keep_text: bool) -> None:
        CommentFactory(name="Zanzibar", email="zan@example.org", text="remark")
        assert found_comments("zanzibar") == {"remark"}
        personal_data.erase("zan@example.org", keep_text=keep_text, by=None)
        assert found_comments("zanzibar") == set()
        assert found_comments("remark") == ({"remark"} if keep_text else set())
        # The name is gone from the tables of the index, too, where SQLite may keep removed content for a while.
        assert "zanzibar" not in everything_stored().lower()

    @pytest.mark.parametrize("way", ["form", "list"])
    def test_are_indexed_in_the_new_language_of_their_post(self, editor: User, way: str) -> None:
        post = PostFactory(language="en")
        CommentFactory(entry=post, text="Les chevaux")
        other = CommentFactory(entry=PostFactory(title="Other", language="en"), text="Les chevaux dehors")
        assert found_comments("cheval") == set()
        if way == "form":
            post.language = "fr"
            publishing.save_entry(post, by=editor)
        else:
            publishing.set_language(Entry.objects.filter(pk=post.pk), editor, "fr")
        assert found_comments("cheval") == {"Les chevaux"}
        assert found_comments("dehors") == {other.text}

    def test_that_are_too_many_to_be_indexed_at_once_in_a_new_language_are_indexed_by_the_worker(
        self, editor: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(indexing, "_TRANSLATED", 1)
        post = PostFactory(language="en")
        for text in ("un cheval", "deux chevaux", "trois chevaux"):
            CommentFactory(entry=post, text=text)
        publishing.set_language(Entry.objects.all(), editor, "fr")
        assert found_comments("cheval") == {"un cheval", "trois chevaux"}
        index_stale_entries.call()
        assert found_comments("cheval") == {"un cheval", "deux chevaux", "trois chevaux"}

    def test_are_not_read_when_anything_else_of_their_post_changes(
        self, editor: User, django_assert_num_queries: Any
    ) -> None:
        posts = [PostFactory(language="en") for _ in range(2)]
        CommentFactory.create_batch(3, entry=posts[1])
        Entry.objects.update(title="New")
        for post in posts:
            with django_assert_num_queries(3):
                update_entries([post.pk])

    def test_comments_on_a_hidden_post_are_not_found(self, editor: User) -> None:
        post = CommentFactory(text="remark").entry
        publishing.unpublish(Post.objects.filter(pk=post.pk), editor)
        assert found_comments("remark") == set()


class TestRebuilding:
    def test_repairs_stale_entries_and_comments(self, capsys: pytest.CaptureFixture[str]) -> None:
        PostFactory(title="One", source="word")
        comment = CommentFactory(text="remark")
        Entry.objects.filter(title="One").update(title="Other")
        Comment.objects.filter(pk=comment.pk).update(text="changed", html="changed")
        stale = count_stale(lambda *args: None)
        assert (stale["entries"], stale["comments"]) == (1, 1)
        with pytest.raises(CommandError, match="1 posts and pages, 1 comments"):
            call_command("rebuild_search", "--check")
        call_command("rebuild_search")
        assert found("other") == {"Other"}
        assert found_comments("changed") == {"changed"}

    def test_migrate_indexes_again_what_a_migration_has_marked_and_it_is_found_meanwhile(self) -> None:
        PostFactory(title="One", source="word")
        CommentFactory(text="remark")
        migration = import_module("search.migrations.0003_languages")
        migration.mark_as_stale(apps, None)
        assert (found("word"), found_comments("remark")) == ({"One"}, {"remark"})
        with pytest.raises(CommandError, match="2 posts and pages, 1 comments"):
            call_command("rebuild_search", "--check")
        call_command("migrate", verbosity=0)
        call_command("rebuild_search", "--check")

    @pytest.mark.parametrize("options", [[], ["--from-scratch"]])
    def test_changes_nothing_when_the_index_is_right(self, options: list[str]) -> None:
        PostFactory(title="One", source="word")
        call_command("rebuild_search", *options)
        call_command("rebuild_search", "--check")
        assert found("word") == {"One"}
        assert Page.objects.count() == 0
