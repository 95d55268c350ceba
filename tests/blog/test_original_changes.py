"""The changes in the original of a translation since the translation was last up to date."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from blog import publishing
from blog.editing import original_changes, translations
from blog.editing.original_changes import (
    ChangedAgainError,
    ParagraphChange,
    bring_up_to_date,
    changes_since,
    translated_version,
)
from blog.models import Entry, Post, Revision, Status, TranslatedVersion
from blog.review.paragraphs import split_paragraphs
from tests.factories import PostFactory
from tests.factories.admin import admin_url, client_of, form_data, user_in_role

pytestmark = pytest.mark.django_db

ORIGINAL = "One.\n\nTwo.\n\nThree."
TRANSLATED = "Un.\n\nDeux.\n\nTrois."


@pytest.fixture
def pair(editor: User) -> tuple[Post, Post]:
    """An original and its translation, which is up to date with it."""
    original = PostFactory(title="Counting", language="en", source=ORIGINAL)
    translation = PostFactory(title="Compter", language="fr", source=TRANSLATED)
    translations.link(translation, original, editor)
    bring_up_to_date(translation, original, editor)
    return original, translation


def rewrite(post: Post, editor: User, source: str, **fields: Any) -> Post:
    changed: Post = Post.objects.get(pk=post.pk)
    changed.source, changed.modified_at = source, timezone.now()
    for name, value in fields.items():
        setattr(changed, name, value)
    publishing.save_entry(changed, editor)
    return Post.objects.get(pk=post.pk)


def changes(original: Post, translation: Post) -> list[ParagraphChange]:
    seen = translated_version(translation)
    assert seen is not None
    return list(changes_since(seen, original, translation).paragraphs)


class TestParagraphs:
    def test_nothing_has_changed_at_first(self, pair: tuple[Post, Post]) -> None:
        original, translation = pair
        assert changes(original, translation) == []

    @pytest.mark.parametrize(
        ("source", "place", "translated"),
        [
            ("One.\n\nTwo and a half.\n\nThree.", (2, 2), ["Deux."]),
            ("One.\n\nTwo.\n\nAnd more.\n\nThree.", (3, 3), []),
            ("One.\n\nThree.", (2, 1), ["Deux."]),
            ("Zero.\n\nOnes.\n\nTwo.\n\nThree.", (1, 2), ["Un."]),
            (f"{ORIGINAL}\n\nFour.\n\nFive.", (4, 5), []),
        ],
    )
    def test_changed_ones_are_found(
        self, pair: tuple[Post, Post], editor: User, source: str, place: tuple[int, int], translated: list[str]
    ) -> None:
        original, translation = pair
        (change,) = changes(rewrite(original, editor, source), translation)
        assert (change.first, change.last) == place
        assert list(change.translation) == translated

    def test_in_a_translation_with_different_paragraphs_no_place_corresponds(
        self, pair: tuple[Post, Post], editor: User
    ) -> None:
        original, translation = pair
        translation = rewrite(translation, editor, "Un et deux.\n\nTrois.")
        (change,) = changes(rewrite(original, editor, "One.\n\n2.\n\nThree."), translation)
        assert change.translation == []

    def test_the_title_counts_but_settings_do_not(self, pair: tuple[Post, Post], editor: User) -> None:
        original, translation = pair
        seen = translated_version(translation)
        assert seen is not None
        changed = rewrite(original, editor, ORIGINAL, excerpt="Another one", sticky=True)
        assert not changes_since(seen, changed, translation)
        changed = rewrite(original, editor, ORIGINAL, title="Counting <b>up</b>")
        found = changes_since(seen, changed, translation)
        assert "&lt;b&gt;up" in found.title

    @given(st.lists(st.sampled_from("abcde"), max_size=8), st.lists(st.sampled_from("abcdef"), max_size=8))
    def test_every_difference_is_in_a_change(self, old: list[str], new: list[str]) -> None:
        before, after = "\n\n".join(old), "\n\n".join(new)
        found = list(original_changes._changes(before, after, ""))
        assert bool(found) == (split_paragraphs(before) != split_paragraphs(after))
        # In order, and without overlapping.
        places = [place for change in found for place in (change.first, change.last + 1)]
        assert places == sorted(places)


class TestBringingUpToDate:
    def test_marks_the_version_that_was_seen(self, pair: tuple[Post, Post], editor: User) -> None:
        original, translation = pair
        seen = rewrite(original, editor, "One.\n\n2.\n\nThree.")
        newest = rewrite(original, editor, "One.\n\n2.\n\nIII.")
        bring_up_to_date(translation, newest, editor, seen_at=seen.modified_at)
        (change,) = changes(newest, translation)
        assert (change.first, change.last) == (3, 3)

    def test_an_unknown_version_is_refused(self, pair: tuple[Post, Post], editor: User) -> None:
        original, translation = pair
        with pytest.raises(ChangedAgainError):
            bring_up_to_date(translation, original, editor, seen_at=timezone.now())

    def test_twice_makes_no_further_revision(self, pair: tuple[Post, Post], editor: User) -> None:
        original, translation = pair
        count = Revision.objects.count()
        bring_up_to_date(translation, original, editor)
        assert Revision.objects.count() == count

    @pytest.mark.parametrize(
        ("role", "own", "status", "allowed"),
        [
            ("Editor", False, Status.PUBLISHED, True),
            ("Author", True, Status.DRAFT, True),
            ("Author", True, Status.PUBLISHED, False),
            ("Author", False, Status.DRAFT, False),
            ("Moderator", False, Status.DRAFT, False),
        ],
    )
    def test_is_only_for_users_who_may_change_the_translation(
        self, editor: User, role: str, own: bool, status: str, allowed: bool
    ) -> None:
        user: Any = user_in_role(role)
        fields = {"author": user} if own else {}
        original = PostFactory(language="en", **fields)
        translation = PostFactory(language="fr", status=status, **fields)
        translations.link(translation, original, editor)
        if allowed:
            bring_up_to_date(translation, original, user)
        else:
            with pytest.raises(PermissionDenied):
                bring_up_to_date(translation, original, user)
        assert TranslatedVersion.objects.exists() == allowed


class TestInTheAdmin:
    def test_a_new_translation_is_of_the_version_that_its_translator_saw_first(self, editor: User) -> None:
        original = PostFactory(language="en", source=ORIGINAL)
        client = client_of(editor)
        form = client.get(admin_url(Post, "add"), {"translation_of": original.pk, "language": "fr"})
        initial = form.context["adminform"].form.initial
        changed = rewrite(original, editor, "One.\n\n2.\n\nThree.")
        fields = {"translation_of": original.pk, "original_version": initial["original_version"], "language": "fr"}
        client.post(admin_url(Post, "add"), form_data(title="Compter", source=TRANSLATED, author=editor.pk, **fields))
        translation = Post.objects.get(title="Compter")
        assert [(change.first, change.last) for change in changes(changed, translation)] == [(2, 2)]

    def test_the_translator_sees_the_changes_and_marks_them_as_done(
        self, pair: tuple[Post, Post], editor: User
    ) -> None:
        original, translation = pair
        client = client_of(editor)
        section = admin_url(translation, "translations")
        assert "This text is up to date with it" in client.get(section).content.decode()
        changed = rewrite(original, editor, "One.\n\n2.\n\nThree.")
        assert "The original has changed since it was translated" in client.get(section).content.decode()
        page = client.get(admin_url(translation, "original"))
        text = page.content.decode()
        assert "Paragraph 2" in text
        assert "Deux." in text
        client.post(admin_url(translation, "original"), {"original_version": page.context["version"]})
        assert changes(changed, translation) == []

    def test_later_changes_do_not_count_as_seen(self, pair: tuple[Post, Post], editor: User) -> None:
        original, translation = pair
        client = client_of(editor)
        Entry.objects.filter(pk=original.pk).update(source="Changed without a trace.", modified_at=timezone.now())
        stale = original.modified_at.isoformat()
        Revision.objects.filter(entry=original.pk, created_at=original.modified_at).delete()
        data = {"_original": original.pk, "original_version": stale}
        page = client.post(admin_url(translation, "translations"), data, follow=True)
        assert "has changed again" in page.content.decode()

    def test_a_time_that_cannot_be_stored_is_not_a_version(self, pair: tuple[Post, Post], editor: User) -> None:
        original, translation = pair
        data = {"_original": original.pk, "original_version": "0001-01-01T00:00+14:00"}
        page = client_of(editor).post(admin_url(translation, "translations"), data, follow=True)
        assert "Marked as up to date" in page.content.decode()

    def test_an_entry_without_a_known_original_has_no_such_page(self, editor: User, client: Client) -> None:
        post = PostFactory(language="fr")
        assert client_of(editor).get(admin_url(post, "original")).status_code == 404
        assert client.get(admin_url(post, "original")).status_code == 302
