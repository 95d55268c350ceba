"""Notes on posts and pages: who may do what with them, where they are shown, and how they follow the text."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from blog import publishing
from blog.editing.advice import advice_for
from blog.models import Page, Post, ReviewNote, Status
from blog.permissions import may_review
from blog.review import notes
from blog.review.paragraphs import MAX_QUOTE_LENGTH, Paragraphs, split_paragraphs
from blog.review.threads import threads_of
from core.personal_data import personal_rows
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, form_data, user_in_role
from tests.factories.responses import find, message, one, read, text, text_of
from tests.factories.types import GrowsWithLength
from tests.factories.wxr import exported

pytestmark = pytest.mark.django_db

SPRING = "It began in spring, when the lamps were lit early."
SOURCE = f"The first paragraph.\n\n{SPRING}\n\nThe last one."


@pytest.fixture
def author() -> User:
    user: User = UserFactory(role="Author", display_name="Amina")
    return user


@pytest.fixture
def editor() -> User:
    user: User = UserFactory(role="Editor", display_name="Ruth")
    return user


@pytest.fixture
def post(author: User) -> Post:
    post: Post = PostFactory(author=author, title="A paper", source=SOURCE, status=Status.PENDING)
    return post


def send(client: Client, entry: Post | Page, **data: Any) -> Any:
    return client.post(admin_url(entry, "notes"), data)


def shown(client: Client, entry: Post | Page) -> str:
    return text(one(read(client.get(admin_url(entry, "change"))), "#review-notes"))


# What each role may do with notes on whose entry. Others' notes are a second editor's; `delete` is for own notes.
SEE, WRITE, DELETE, DELETE_OTHERS = "see", "write", "delete", "delete others"
_OWN = {SEE, WRITE, DELETE}
_ALL = {SEE, WRITE, DELETE, DELETE_OTHERS}
MATRIX: list[tuple[str, str, str, str, set[str]]] = [
    *[("Author", "post", "own", status, _OWN) for status in ("draft", "pending", "published", "private")],
    ("Author", "post", "own", "trash", {SEE}),
    *[("Author", "post", "other", status, set()) for status in ("draft", "pending", "published", "private", "trash")],
    ("Author", "page", "own", "draft", set()),
    *[
        (role, kind, whose, status, _ALL)
        for role, kind, whose in (
            ("Editor", "post", "own"),
            ("Editor", "post", "other"),
            ("Editor", "page", "other"),
            ("superuser", "post", "other"),
        )
        for status in ("draft", "pending", "published", "private")
    ],
    ("Editor", "post", "own", "trash", {SEE}),
    ("Editor", "post", "other", "trash", {SEE}),
    ("superuser", "page", "other", "trash", {SEE}),
    *[
        (role, kind, whose, "draft", set())
        for role in ("Moderator", "staff", "anonymous")
        for kind in ("post", "page")
        for whose in ("own", "other")
    ],
    ("Moderator", "post", "other", "published", set()),
    ("anonymous", "post", "other", "published", set()),
]


@pytest.mark.parametrize(("role", "kind", "whose", "status", "may"), MATRIX)
def test_permissions(role: str, kind: str, whose: str, status: str, may: set[str]) -> None:
    """Each action through the admin, with a forged form."""
    user = user_in_role(role)
    factory = PostFactory if kind == "post" else PageFactory
    entry = factory(status=Status.DRAFT, author=user if whose == "own" and user else UserFactory())
    second = UserFactory(role="Editor")
    others, resolved = notes.add(entry, second, "Others"), notes.add(entry, second, "Resolved")
    notes.resolve(resolved, second)
    # Stored as if it had been written while that was possible.
    own = ReviewNote.objects.create(entry=entry, author=user, text="Own")
    type(entry).objects.filter(pk=entry.pk).update(status=status, published_at=timezone.now())
    entry.refresh_from_db()
    client = client_of(user)
    page = client.get(admin_url(entry, "notes"))
    assert (page.status_code == 200 and "Others" in page.content.decode()) == (SEE in may)

    send(client, entry, add="1", text="Added")
    send(client, entry, answer=others.pk, **{f"answer-{others.pk}": "Answered"})
    send(client, entry, resolve=others.pk)
    send(client, entry, reopen=resolved.pk)
    others.refresh_from_db()
    resolved.refresh_from_db()
    written = (
        ReviewNote.objects.filter(text="Added").exists(),
        others.answers.exists(),
        others.resolved_at is not None,
        resolved.resolved_at is None,
    )
    assert written == (WRITE in may,) * 4
    if user is not None:
        assert may_review(user, entry) == (WRITE in may)

    send(client, entry, delete=own.pk)
    send(client, entry, delete=others.pk)
    assert ReviewNote.objects.filter(pk=own.pk).exists() == (DELETE not in may)
    assert ReviewNote.objects.filter(pk=others.pk).exists() == (DELETE_OTHERS not in may)


class TestWriting:
    def test_a_note_is_answered_resolved_and_reopened(self, author: User, editor: User, post: Post) -> None:
        theirs, mine = client_of(editor), client_of(author)
        assert message(theirs.get(send(theirs, post, add="1", text="Which year?")["Location"])) == "Note added."
        note = ReviewNote.objects.get()
        send(mine, post, answer=note.pk, **{f"answer-{note.pk}": "2019."})
        assert "Which year?" in shown(theirs, post)
        assert "Amina" in shown(theirs, post)
        assert "2019." in shown(theirs, post)
        send(theirs, post, resolve=note.pk)
        send(theirs, post, resolve=note.pk)
        note.refresh_from_db()
        assert note.resolved_by == editor
        assert "There are no open notes. 1 resolved note" in shown(mine, post)
        send(mine, post, reopen=note.pk)
        note.refresh_from_db()
        assert note.resolved_at is None
        assert ReviewNote.objects.filter(resolved_by=None, pk=note.pk).exists()

    def test_a_reply_reopens_a_resolved_note(self, author: User, editor: User, post: Post) -> None:
        note = notes.add(post, editor, "Which year?")
        notes.resolve(note, author)
        notes.answer(note, editor, "Really?")
        note.refresh_from_db()
        assert note.resolved_at is None

    def test_a_reply_to_a_reply_belongs_to_the_note(self, author: User, editor: User, post: Post) -> None:
        note = notes.add(post, editor, "Which year?")
        answer = notes.answer(notes.answer(note, author, "2019."), editor, "Thanks.")
        assert answer.parent == note

    def test_pressing_a_button_twice_writes_once(self, author: User, editor: User, post: Post) -> None:
        for _ in range(2):
            note = notes.add(post, editor, "Which year?", quote=SPRING)
            notes.answer(note, author, "2019.")
        assert ReviewNote.objects.count() == 2
        notes.resolve(note, editor)
        notes.add(post, editor, "Which year?", quote=SPRING)
        assert ReviewNote.objects.count() == 3

    @pytest.mark.parametrize(
        ("typed", "said"),
        [(" \r\n", "Write something first."), ("x" * 5_001, "The note is longer than 5000 characters. Shorten it.")],
    )
    def test_a_mistake_is_shown_at_its_field_with_what_was_typed(
        self, editor: User, post: Post, typed: str, said: str
    ) -> None:
        note = notes.add(post, editor, "Which year?")
        client = client_of(editor)
        for field, data in (("text", {"add": "1"}), (f"answer-{note.pk}", {"answer": note.pk})):
            page = read(send(client, post, **data, **{field: typed}))
            assert said in text(page)
            assert (one(page, f"#id_{field if field != 'text' else 'note_text'}").text or "").strip() == typed.strip()
        assert ReviewNote.objects.count() == 1

    def test_there_is_a_limit_to_open_notes(self, editor: User, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(notes, "MAX_OPEN", 2)
        first = notes.add(post, editor, "1")
        notes.add(post, editor, "2")
        page = send(client_of(editor), post, add="1", text="3").content.decode()
        assert "There are too many notes here already. Resolve or delete some first." in page
        notes.resolve(first, editor)
        assert notes.add(post, editor, "3").pk

    def test_line_breaks_stay_and_nothing_is_html(self, editor: User, post: Post) -> None:
        send(client_of(editor), post, add="1", text="One\r\n<b>two</b>\0", quote="<i>x</i>")
        assert ReviewNote.objects.get().text == "One\n<b>two</b>"
        page = client_of(editor).get(admin_url(post, "change")).content.decode()
        assert "One<br>&lt;b&gt;two&lt;/b&gt;" in page
        assert "&lt;i&gt;x&lt;/i&gt;" in page

    @pytest.mark.parametrize("pk", ["", "0", "²", "9" * 30, "-1", "x"])
    @pytest.mark.parametrize("action", ["answer", "resolve", "reopen", "delete"])
    def test_forged_ids_are_not_found(self, editor: User, post: Post, action: str, pk: str) -> None:
        assert send(client_of(editor), post, **{action: pk}).status_code == 404

    def test_notes_of_other_entries_are_not_found(self, author: User, editor: User, post: Post) -> None:
        foreign = notes.add(PostFactory(), editor, "Secret")
        assert send(client_of(author), post, resolve=foreign.pk).status_code == 404

    def test_a_note_with_replies_can_only_be_deleted_by_editors(self, author: User, editor: User, post: Post) -> None:
        note = notes.add(post, author, "Is this right?")
        answer = notes.answer(note, editor, "Yes.")
        with pytest.raises(PermissionDenied):
            notes.delete(note, author)
        with pytest.raises(PermissionDenied):
            notes.delete(answer, author)
        notes.delete(note, editor)
        assert not ReviewNote.objects.exists()

    def test_unsaved_text_is_not_part_of_it(self, editor: User, post: Post) -> None:
        """Notes have their own form, so that neither form submits the fields of the other."""
        notes.add(post, editor, "Which year?")
        page = read(client_of(editor).get(admin_url(post, "change")))
        section = one(page, "#review-section")
        fields = [*section.iter("textarea"), *section.iter("input"), *section.iter("button")]
        assert len(fields) > 5
        assert {field.get("form") for field in fields if field.get("type") != "button"} == {"review-notes-form"}
        before = Post.objects.values().get()
        send(client_of(editor), post, add="1", text="Another", title="Changed", source="Changed")
        assert Post.objects.values().get() == before


class TestParagraphs:
    def test_a_note_follows_its_paragraph(self, editor: User, post: Post) -> None:
        notes.add(post, editor, "Last", quote="The last one.")
        notes.add(post, editor, "Spring", quote=SPRING)
        notes.add(post, editor, "Whole")
        edited = SPRING.replace("lit early", "lit very early")
        post.source = f"Something new.\n\n{edited}\n\nThe first paragraph.\n\nThe last   one."
        threads = threads_of(post, editor).open
        assert [(thread.note.text, thread.paragraph, thread.has_changed) for thread in threads] == [
            ("Whole", "", False),
            ("Spring", edited, True),
            # Spaces make no difference.
            ("Last", "The last   one.", False),
        ]

    def test_it_says_so_if_the_paragraph_has_changed_or_is_gone(self, editor: User, post: Post) -> None:
        notes.add(post, editor, "Spring", quote=SPRING)
        client = client_of(editor)
        assert "has changed" not in shown(client, post)
        Post.objects.update(source=SOURCE.replace("early", "late"))
        assert "The paragraph has changed since the note was written." in shown(client, post)
        Post.objects.update(source="Nothing of it is left.")
        page = shown(client, post)
        assert "The paragraph has changed and can no longer be found." in page
        assert SPRING in page

    def test_without_a_script_it_is_chosen_from_a_list(self, editor: User, post: Post) -> None:
        client = client_of(editor)
        page = read(client.get(admin_url(post, "notes")))
        options = [option.get("value") for option in find(page, "#id_paragraph option")]
        assert options == ["", "0:The first paragraph.", f"1:{SPRING}", "2:The last one."]
        send(client, post, add="1", text="Spring", paragraph=options[2])
        # In the meantime, another user has added a paragraph before it.
        Post.objects.update(source=f"New.\n\n{SOURCE}")
        send(client, post, add="1", text="Moved", paragraph=options[2])
        send(client, post, add="1", text="Forged", paragraph="9" * 30)
        assert list(ReviewNote.objects.values_list("text", "quote")) == [
            ("Spring", SPRING),
            ("Moved", SPRING),
            ("Forged", ""),
        ]

    def test_long_ones_are_recognised_by_their_beginning(self, editor: User, post: Post) -> None:
        long = "word " * 2_000
        note = notes.add(post, editor, "Long", quote=long)
        assert len(note.quote) <= MAX_QUOTE_LENGTH
        assert Paragraphs(f"First.\n\n{long}").find(note.quote) == 1

    @given(st.lists(st.text("ab \t\n\r\x85", max_size=8)))
    def test_none_is_lost_or_empty(self, parts: list[str]) -> None:
        source = "".join(parts)
        paragraphs = split_paragraphs(source)
        assert all(paragraph.strip() for paragraph in paragraphs)
        assert "".join(source.split()) == "".join("".join(paragraphs).split())

    @given(st.lists(st.text("abc ", min_size=1, max_size=20), min_size=1), st.data())
    def test_unchanged_ones_are_found_wherever_they_are(self, texts: list[str], data: st.DataObject) -> None:
        paragraphs = Paragraphs("\n\n".join(texts))
        for text_of_paragraph in paragraphs.texts:
            found = paragraphs.find(text_of_paragraph)
            assert found is not None
            assert paragraphs.texts[found].split() == text_of_paragraph.split()
            assert paragraphs.is_unchanged(text_of_paragraph)

    @pytest.mark.parametrize("piece", ["a\n\n", "word ", "\n", " \n", "a b c\n\n"])
    def test_time_grows_with_the_length_of_the_text(self, piece: str, grows_with_length: GrowsWithLength) -> None:
        def work(source: str) -> None:
            paragraphs = Paragraphs(source)
            for number in range(50):
                paragraphs.find(f"a word {number}")

        assert grows_with_length(work, piece * (50_000 // len(piece)))


class TestWhereTheyAreShown:
    def test_readers_never_see_them(self, editor: User, tmp_path: Path) -> None:
        post = PostFactory(source="Words.", status=Status.PUBLISHED)
        notes.add(post, editor, "Xylophone")
        for path in (post.get_absolute_url(), "/", "/feed/", post.get_preview_url()):
            assert "Xylophone" not in Client().get(path, follow=True).content.decode(), path
            assert "Xylophone" not in client_of(editor).get(path, follow=True).content.decode(), path
        export = exported(tmp_path).read_bytes()
        assert b"Words." in export
        assert b"Xylophone" not in export

    def test_the_bar_lists_and_dashboard_count_open_ones(self, author: User, editor: User, post: Post) -> None:
        notes.resolve(notes.add(post, editor, "1"), editor)
        notes.answer(notes.add(post, editor, "2"), author, "3")
        notes.add(post, editor, "4")
        for client, urls in (
            (client_of(author), ["/admin/", "/admin/blog/post/", admin_url(post, "change")]),
            (client_of(editor), ["/admin/", "/admin/blog/post/"]),
        ):
            for url in urls:
                assert "2 open notes" in client.get(url).content.decode(), url

    def test_they_are_advice_and_no_obstacle(self, editor: User, post: Post) -> None:
        notes.add(post, editor, "1")
        assert "There is 1 open note." in advice_for(post, [], []).sentences
        client_of(editor).post(admin_url(post, "change"), form_data(post, _step="publish"))
        assert Post.objects.get().is_public

    def test_lists_take_no_more_queries_with_them(self, editor: User) -> None:
        posts = PostFactory.create_batch(3)
        client = client_of(editor)

        def count(url: str) -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get(url)
            return len(queries)

        count("/admin/blog/post/")
        without = count("/admin/blog/post/")
        for post in posts:
            notes.add(post, editor, "1")
            notes.add(post, editor, "2")
        assert count("/admin/blog/post/") == without
        form = admin_url(posts[0], "change")
        few = count(form)
        for number in range(9):
            notes.answer(notes.add(posts[0], editor, f"{number}"), editor, "Yes.")
        assert count(form) <= few + 1

    def test_own_replies_take_no_more_queries(
        self, author: User, editor: User, post: Post, django_assert_num_queries: Any
    ) -> None:
        note = notes.add(post, editor, "Why?")
        for number in range(3):
            notes.answer(note, author, f"{number}")
        threads_of(post, author)
        with django_assert_num_queries(2):
            (thread,) = threads_of(post, author).open
        assert [answer.may_delete for answer in thread.answers] == [True] * 3


class TestLifeTime:
    def test_the_trash_keeps_them_and_deleting_removes_them(self, editor: User, post: Post) -> None:
        notes.add(post, editor, "1")
        publishing.trash(Post.objects.all(), editor)
        page = client_of(editor).get(admin_url(Post.objects.get(), "delete")).content.decode()
        assert "Notes: 1" in text_of(page)
        assert "notice" not in page
        publishing.restore(Post.objects.all(), editor)
        assert post.review_notes.count() == 1
        Post.objects.all().delete()
        assert not ReviewNote.objects.exists()

    def test_notes_of_a_deleted_person_stay_without_their_name(self, editor: User, author: User, post: Post) -> None:
        notes.resolve(notes.add(post, editor, "1"), editor)
        editor.delete()
        note = ReviewNote.objects.get()
        assert (note.author, note.resolved_by) == (None, None)
        assert "Someone" in shown(client_of(author), post)

    def test_they_are_personal_data(self, editor: User, author: User, post: Post) -> None:
        User.objects.filter(pk=editor.pk).update(email="ruth@example.org")
        notes.add(post, editor, "1")
        notes.add(post, author, "2")
        rows = personal_rows["blog.review_notes"]
        assert [row["text"] for row in rows.disclose("Ruth@example.org")] == ["1"]
        assert rows.erase("ruth@example.org") == 1
        assert ReviewNote.objects.get().text == "2"
        assert list(personal_rows.find_problems("blog.review_notes", rows)) == []


class TestConstraints:
    @pytest.mark.parametrize(
        "fields",
        [
            {"text": ""},
            {"is_answer": True, "quote": "A paragraph"},
            {"is_answer": True, "resolved_at": dt.datetime(2019, 1, 1, tzinfo=dt.UTC)},
            {"is_resolved_by_someone": True},
        ],
    )
    def test_the_database_refuses(self, editor: User, post: Post, fields: dict[str, Any]) -> None:
        note = notes.add(post, editor, "1")
        values = {"text": "2"} | fields
        if values.pop("is_answer", False):
            values["parent"] = note
        if values.pop("is_resolved_by_someone", False):
            values["resolved_by"] = editor
        with pytest.raises(IntegrityError), transaction.atomic():
            ReviewNote.objects.create(entry=post, author=editor, **values)
