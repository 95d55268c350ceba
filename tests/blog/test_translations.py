"""Posts and pages that are linked to their translations into other languages."""

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from blog import publishing
from blog.editing import translations
from blog.models import Entry, Post, Revision, Status
from blog.revisions.describing import differences
from media.models import Picture
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import ROLES, admin_url, client_of, form_data, user_in_role
from tests.factories.files import picture_file
from tests.factories.responses import find, read

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("button", ["_link", "_unlink", "_original"])
def test_an_impossible_id_is_not_found(editor: User, button: str) -> None:
    post = PostFactory(language="en")
    assert client_of(editor).post(admin_url(post, "translations"), {button: "9" * 5_000}).status_code == 404


def test_a_new_translation_of_an_impossible_id_is_an_error(editor: User) -> None:
    response = client_of(editor).post(admin_url(Post, "add"), form_data(translation_of="9" * 5_000))
    assert "translation_of" in response.context["adminform"].form.errors


def linked(*languages: str, by: User | None = None, **fields: Any) -> list[Any]:
    """Return published posts in these languages that are translations of each other."""
    by = by or UserFactory(role="Editor")
    posts = [PostFactory(language=language, title=f"In {language}", **fields) for language in languages]
    for post in posts[1:]:
        translations.link(post, posts[0], by)
    return [Entry.objects.get(pk=post.pk) for post in posts]


def languages_linked_to(entry: Entry) -> list[str]:
    return [each.language for each in Entry.objects.get(pk=entry.pk).translations()]


class TestLinking:
    def test_all_in_a_group_are_translations_of_each_other(self) -> None:
        english, arabic, french = linked("en", "ar", "fr")
        assert languages_linked_to(english) == ["ar", "fr"]
        assert languages_linked_to(arabic) == ["en", "fr"]
        assert languages_linked_to(french) == ["ar", "en"]

    def test_two_groups_become_one(self, editor: User) -> None:
        english, _arabic = linked("en", "ar")
        french, _german = linked("fr", "de")
        translations.link(english, french, editor)
        assert languages_linked_to(french) == ["ar", "de", "en"]

    @pytest.mark.parametrize(
        ("other", "reason"), [("en", "Only one .* language: English"), ("ar", "language: العربي"), ("", "isn't set")]
    )
    def test_there_is_one_for_each_language(self, editor: User, other: str, reason: str) -> None:
        english, _arabic = linked("en", "ar")
        with pytest.raises(translations.LinkError, match=reason):
            translations.link(english, PostFactory(language=other), editor)
        assert languages_linked_to(english) == ["ar"]

    def test_the_database_refuses_a_second_one(self) -> None:
        english, arabic = linked("en", "ar")
        with pytest.raises(IntegrityError), transaction.atomic():
            Entry.objects.filter(pk=arabic.pk).update(language=english.language)

    def test_a_post_is_not_a_translation_of_a_page(self, editor: User) -> None:
        with pytest.raises(translations.LinkError, match="page"):
            translations.link(PostFactory(language="en"), PageFactory(language="ar"), editor)

    def test_a_single_remaining_post_has_no_group(self, editor: User) -> None:
        english, arabic = linked("en", "ar")
        translations.unlink(arabic, editor)
        assert not Entry.objects.exclude(translation_group=None).exists()
        assert languages_linked_to(english) == []

    def test_unlinking_a_post_that_was_linked_elsewhere_since_leaves_no_single_one(self, editor: User) -> None:
        _english, opened = linked("en", "ar")
        arabic = Entry.objects.get(pk=opened.pk)
        translations.unlink(arabic, editor)
        translations.link(arabic, PostFactory(language="fr"), editor)
        translations.unlink(opened, editor)
        assert not Entry.objects.exclude(translation_group=None).exists()

    def test_unlinking_leaves_the_others_linked(self, editor: User) -> None:
        english, arabic, _french = linked("en", "ar", "fr")
        translations.unlink(arabic, editor)
        assert languages_linked_to(english) == ["fr"]

    @pytest.mark.parametrize(
        ("role", "own", "status", "allowed"),
        [
            ("Author", True, Status.DRAFT, True),
            ("Author", True, Status.PUBLISHED, False),
            ("Author", False, Status.DRAFT, False),
            ("Editor", False, Status.PUBLISHED, True),
            ("Moderator", False, Status.DRAFT, False),
        ],
    )
    def test_users_who_may_change_a_text_may_link_and_unlink_it(
        self, role: str, own: bool, status: str, allowed: bool
    ) -> None:
        user: Any = user_in_role(role)
        fields = {"author": user} if own else {}
        draft = PostFactory(language="ar", status=status, **fields)
        other = PostFactory(language="en", **fields)
        if allowed:
            translations.link(draft, other, user)
            translations.unlink(draft, user)
            return
        with pytest.raises(PermissionDenied):
            translations.link(draft, other, user)
        with pytest.raises(PermissionDenied):
            translations.unlink(draft, user)


class TestChangingTheLanguage:
    def test_the_language_of_a_translation_is_an_error_at_the_field(self, editor: User) -> None:
        english, _arabic = linked("en", "ar")
        response = client_of(editor).post(admin_url(english, "change"), form_data(english, language="ar", title="New"))
        assert "already linked to a translation" in response.context["adminform"].form.errors["language"][0]
        assert "New" in response.content.decode()

    def test_setting_the_language_of_many_skips_such_posts(self, editor: User) -> None:
        english, _arabic = linked("en", "ar")
        change = publishing.set_language(Post.objects.all(), editor, "ar")
        assert (change.changed, change.refused) == ([], [english])
        publishing.set_language(Post.objects.all(), editor, "fr")
        # Only the first of the two.
        assert sorted(Post.objects.values_list("language", flat=True)) == ["ar", "fr"]


class TestReading:
    def test_readers_find_the_translations(self, client: Client) -> None:
        english, arabic = linked("en", "ar")
        page = client.get(english.get_absolute_url()).content.decode()
        url = arabic.get_absolute_url()
        assert "Read this in:" in page
        assert f'href="{url}" hreflang="ar" lang="ar" dir="rtl">العربيّة</a>' in " ".join(page.split())
        assert f'<link rel="alternate" hreflang="ar" href="http://testserver{url}">' in page
        assert f'<link rel="alternate" hreflang="en" href="http://testserver{english.get_absolute_url()}">' in page

    @pytest.mark.parametrize(
        "hidden",
        [
            {"status": Status.DRAFT},
            {"status": Status.PRIVATE},
            {"status": Status.TRASH},
            {"published_at": timezone.now() + dt.timedelta(days=1)},
        ],
    )
    def test_readers_only_find_public_ones(self, client: Client, hidden: dict[str, Any]) -> None:
        english, arabic = linked("en", "ar")
        Entry.objects.filter(pk=arabic.pk).update(**hidden)
        page = client.get(english.get_absolute_url()).content.decode()
        assert "Read this in:" not in page
        assert "hreflang" not in page

    def test_pages_have_translations_too(self, client: Client, editor: User) -> None:
        about, arabic = PageFactory(language="en"), PageFactory(language="ar", title="من نحن")
        translations.link(about, arabic, editor)
        assert "Read this in:" in client.get(about.get_absolute_url()).content.decode()

    def test_a_post_takes_one_more_query_and_a_listing_none(self, client: Client) -> None:
        def queries(url: str) -> int:
            cache.clear()
            with CaptureQueriesContext(connection) as captured:
                assert client.get(url).status_code == 200
            return len(captured)

        english, _arabic = linked("en", "ar")
        urls = (english.get_absolute_url(), "/")
        post, listing = map(queries, urls)
        Entry.objects.update(translation_group=None)
        assert tuple(map(queries, urls)) == (post - 1, listing)


class TestRevisions:
    def test_the_history_of_both_says_what_was_linked(self, editor: User) -> None:
        english, arabic = linked("en", "ar", by=editor)
        translations.unlink(arabic, editor)
        for entry, title in ((english, "In ar"), (arabic, "In en")):
            revisions = list(Revision.objects.filter(entry=entry.pk).order_by("pk"))
            assert len(revisions) == 3
            for before, after in pairwise(revisions):
                (difference,) = differences(before, after)
                assert difference.label == "Translations"
                assert title in difference.html
                assert after.by == editor

    def test_the_history_names_only_public_translations(self, editor: User) -> None:
        author: Any = UserFactory(role="Author")
        own = PostFactory(language="en", author=author, status=Status.DRAFT)
        hidden = PostFactory(language="de", title="Secret plan", status=Status.DRAFT)
        page = client_of(editor).post(admin_url(own, "translations"), {"_link": hidden.pk}, follow=True)
        assert "Linked to “Secret plan” as a translation." in page.content.decode()
        before, after = Revision.objects.filter(entry=own.pk).order_by("pk")
        assert [difference.label for difference in differences(before, after)] == ["Translations"]
        for name in ("history", "revisions", "change"):
            shown = client_of(author).get(admin_url(own, name)).content.decode()
            assert "Secret plan" not in shown
            assert "Deutsch" in shown

    def test_the_time_of_the_last_change_stays(self, editor: User) -> None:
        english = PostFactory(language="en")
        translations.link(PostFactory(language="ar"), english, editor)
        assert Entry.objects.get(pk=english.pk).modified_at == english.modified_at


class TestPanel:
    @pytest.mark.parametrize("role", ROLES)
    def test_who_may_open_it(self, role: str) -> None:
        response = client_of(user_in_role(role)).get(admin_url(PostFactory(language="en"), "translations"))
        assert response.status_code == {"Editor": 200, "superuser": 200, "anonymous": 302}.get(role, 404)

    def test_it_is_found_linked_and_unlinked_without_scripts(self, editor: User) -> None:
        client = client_of(editor)
        english = PostFactory(language="en", title="Defenders")
        arabic = PostFactory(language="ar", title="المدافعون عن الحقوق", status=Status.DRAFT)
        PostFactory(language="fr", title="Autre chose")
        url = admin_url(english, "translations")
        page = client.post(url, {"_search": "1", "translation_words": "المدافعون"}).content.decode()
        assert f'name="_link" value="{arabic.pk}"' in " ".join(page.split())
        assert "Autre chose" not in page
        page = client.post(url, {"_link": arabic.pk}, follow=True).content.decode()
        assert "Linked to “المدافعون عن الحقوق” as a translation." in page
        assert languages_linked_to(english) == ["ar"]
        assert "المدافعون" in client.get(admin_url(english, "change")).content.decode()
        page = client.post(url, {"_unlink": arabic.pk}, follow=True).content.decode()
        assert "No longer linked to" in page
        assert languages_linked_to(english) == []

    def test_a_draft_without_a_slug_is_found_whatever_the_case(self, editor: User) -> None:
        english = PostFactory(language="en")
        PostFactory(language="ru", title="Премия мира", slug="", status=Status.DRAFT, published_at=None)
        data = {"_search": "1", "translation_words": "премия"}
        assert "Премия мира" in client_of(editor).post(admin_url(english, "translations"), data).content.decode()

    def test_a_text_in_the_same_language_is_refused(self, editor: User) -> None:
        english, other = PostFactory(language="en"), PostFactory(language="en")
        response = client_of(editor).post(admin_url(english, "translations"), {"_link": other.pk}, follow=True)
        assert "Only one of the linked texts can be in this language: English." in response.content.decode()

    @pytest.mark.parametrize("value", ["0", "x", "²", "999999999999999999999999"])
    def test_a_missing_text_is_not_found(self, editor: User, value: str) -> None:
        response = client_of(editor).post(admin_url(PostFactory(language="en"), "translations"), {"_link": value})
        assert response.status_code == 404

    def test_authors_learn_the_titles_only_of_public_translations(self) -> None:
        author: Any = UserFactory(role="Author")
        own, public, hidden = linked("en", "ar", "de")
        Entry.objects.filter(pk=own.pk).update(author=author, status=Status.DRAFT)
        Entry.objects.filter(pk=public.pk).update(title="Public march")
        Entry.objects.filter(pk=hidden.pk).update(title="Secret plan", status=Status.DRAFT)
        page = client_of(author).get(admin_url(own, "translations")).content.decode()
        assert "Public march" in page
        assert "Secret plan" not in page
        # That there is one must be known, because a second one would be refused.
        assert "Deutsch · Draft" in page
        assert "Secret plan" in client_of(user_in_role("Editor")).get(admin_url(own, "translations")).content.decode()

    def test_authors_do_not_learn_the_title_of_a_hidden_translation_from_an_error(self) -> None:
        author: Any = UserFactory(role="Author")
        own, hidden = linked("en", "de")
        Entry.objects.filter(pk=own.pk).update(author=author, status=Status.DRAFT)
        Entry.objects.filter(pk=hidden.pk).update(title="Secret plan", status=Status.DRAFT)
        other = PostFactory(language="de", author=author, status=Status.DRAFT)
        browser, data = client_of(author), form_data(own, language="de")
        for url, sent in ((admin_url(own, "translations"), {"_link": other.pk}), (admin_url(own, "change"), data)):
            page = browser.post(url, sent, follow=True).content.decode()
            assert "in this language" in page
            assert "Secret plan" not in page

    def test_authors_find_only_their_own_posts(self) -> None:
        author: Any = UserFactory(role="Author")
        own = PostFactory(author=author, language="en", status=Status.DRAFT)
        other = PostFactory(language="ar")
        client = client_of(author)
        url = admin_url(own, "translations")
        assert "0 found" in client.post(url, {"_search": "1", "translation_words": ""}).content.decode()
        assert client.post(url, {"_link": other.pk}).status_code == 404


class TestWritingATranslation:
    @pytest.mark.parametrize(
        ("markup", "source", "text"),
        [
            ("markdown", "![A lamp](/a.png) *lit*", "![A lamp](/a.png) *lit*"),
            ("html", "<p>A <em>lamp</em></p>", "A *lamp*"),
            ("unknown", "?", ""),
        ],
    )
    def test_the_text_and_what_it_has_besides_are_taken_over(
        self, editor: User, markup: str, source: str, text: str
    ) -> None:
        category, picture = CategoryFactory(), Picture.objects.create(file=picture_file())
        settings: dict[str, Any] = {"password": "lamp", "noindex": True, "comments_open": False}
        english = PostFactory(language="en", categories=[category], featured_picture=picture, **settings)
        Post.objects.update(source=source, markup=markup)
        client = client_of(editor)
        sent = {"_write": "1", "translation_language": "ar"}
        response = client.post(admin_url(english, "translations"), sent)
        response = client.get(response["Location"])
        form = response.context["adminform"].form
        expected = settings | {
            "title": None,
            "source": text,
            "language": "ar",
            "categories": [category.pk],
            "featured_picture": picture.pk,
            "translation_of": str(english.pk),
        }
        assert {name: form[name].value() for name in expected} == expected
        (link,) = find(read(response), ".writing-panel > p.help a")
        assert link.get("href") == admin_url(english, "change")

    def test_saving_it_links_it(self, editor: User) -> None:
        english = PostFactory(language="en")
        data = form_data(title="بيان", language="ar", author=editor.pk, translation_of=english.pk)
        client_of(editor).post(admin_url(Post, "add"), data)
        assert languages_linked_to(english) == ["ar"]
        assert Post.objects.get(title="بيان").status == Status.DRAFT

    def test_publishing_it_links_it_even_for_users_who_may_not_change_it_then(self) -> None:
        names = ("add_post", "change_post", "view_post", "publish_post")
        group = Group.objects.create(name="Writers who publish")
        group.permissions.set(Permission.objects.filter(codename__in=names))
        writer = UserFactory(is_staff=True)
        writer.groups.add(group)
        english = PostFactory(language="en", author=writer)
        data = form_data(title="بيان", language="ar", translation_of=english.pk, _step="publish")
        assert client_of(writer).post(admin_url(Post, "add"), data).status_code == 302
        assert languages_linked_to(english) == ["ar"]
        assert Post.objects.get(title="بيان").is_public

    def test_a_language_that_exists_already_is_an_error_at_the_field(self, editor: User) -> None:
        english, _arabic = linked("en", "ar")
        data = form_data(title="Second", language="ar", author=editor.pk, translation_of=english.pk)
        response = client_of(editor).post(admin_url(Post, "add"), data)
        assert "language" in response.context["adminform"].form.errors
        assert not Post.objects.filter(title="Second").exists()

    def test_a_text_is_saved_without_the_link_if_someone_else_links_another_one_at_the_same_time(
        self, editor: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        english, arabic = linked("en", "ar")
        # The form was checked before.
        monkeypatch.setattr("blog.admin.forms.require_possible", lambda entries: None)
        data = form_data(title="Second", language="ar", author=editor.pk, translation_of=english.pk)
        page = client_of(editor).post(admin_url(Post, "add"), data, follow=True).content.decode()
        assert "Only one of the linked texts can be in this language" in page
        assert Post.objects.get(title="Second").translation_group is None
        assert languages_linked_to(english) == [arabic.language]

    def test_one_that_they_may_not_see_is_ignored(self) -> None:
        english = PostFactory(language="en", title="Secret plan", status=Status.DRAFT)
        client = client_of(user_in_role("Author"))
        page = client.get(admin_url(Post, "add"), {"translation_of": english.pk, "language": "ar"}).content.decode()
        assert "Secret plan" not in page
        client.post(admin_url(Post, "add"), form_data(title="Mine", language="ar", translation_of=english.pk))
        assert Post.objects.get(title="Mine").translation_group is None
