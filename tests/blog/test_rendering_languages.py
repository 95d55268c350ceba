"""The few words that rendering adds to a text are in its language, and not in the language of the user who saves it."""

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext
from pytest_django import Settings

from blog import publishing
from blog.models import Entry, Post
from blog.rendering import RenderInput, SourceTooLongError, limits, render_all
from core.languages import SHIPPED
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.types import ImportParts
from tests.factories.wxr import filed, item

pytestmark = pytest.mark.django_db

UNFOLDS = "<details><p>More.</p></details>"
FRENCH = "<p>Les défenseurs des droits humains sont attaqués dans de nombreux pays, et les États les protègent peu.</p>"


def details(language: str) -> str:
    """Return the word for “Details” in a language."""
    with translation.override(language):
        return gettext("Details")


def word_of(html: str) -> str:
    return html.partition("<summary>")[2].partition("</summary>")[0]


def stored_word(entry: Entry) -> str:
    return word_of(Entry.objects.get(pk=entry.pk).body_html)


def a_post(language: str = "", source: str = UNFOLDS) -> Post:
    post: Post = PostFactory(markup="html", source=source, language=language)
    return post


class TestWords:
    @pytest.mark.parametrize("language", SHIPPED)
    def test_are_in_the_language_of_the_text(self, language: str) -> None:
        assert stored_word(a_post(language)) == details(language)

    @pytest.mark.parametrize(("language", "spoken"), [("", "en"), ("de", "en"), ("fr-ca", "fr")])
    def test_are_in_the_language_of_the_site_if_the_texts_is_not_supported(self, language: str, spoken: str) -> None:
        assert stored_word(a_post(language)) == details(spoken)

    def test_do_not_depend_on_the_user_who_saves(self) -> None:
        with translation.override("ru"):
            assert stored_word(a_post()) == "Details"
            assert stored_word(a_post("fr")) == details("fr")
            # And the user's own language is active again afterwards.
            assert translation.get_language() == "ru"

    def test_name_documents(self) -> None:
        with translation.override("ar"):
            words = gettext("Click to access %(name)s") % {"name": "report.pdf"}
        post = a_post("ar", "<p>https://example.org/report.pdf</p>")
        assert f">{words}</a>" in post.body_html
        assert "Click" not in post.body_html + post.lead_html + post.auto_excerpt

    def test_differ_within_one_batch(self) -> None:
        languages = ["en", "fr", "fr", "", "ar", "en"]
        rendered = list(render_all(RenderInput(UNFOLDS, "html", language=each) for each in languages))
        assert [word_of(each.body_html) for each in rendered] == [details(each or "en") for each in languages]

    def test_errors_are_in_the_language_of_the_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def message(language: str) -> str:
            with translation.override("fr"), pytest.raises(SourceTooLongError) as caught:
                list(render_all([RenderInput("x" * 3_000_000, "html", language=language)]))
            return str(caught.value)

        assert message("ar") == message("")
        assert limits.MAX_SOURCE_LENGTH < 3_000_000


class TestAnotherLanguage:
    def test_has_the_text_rendered_again_when_it_is_saved(self) -> None:
        post = a_post("en")
        post.language = "uk"
        post.save()
        assert stored_word(post) == details("uk")

    def test_has_texts_rendered_again_when_it_is_set_for_many(self) -> None:
        posts = [a_post("en"), a_post(), a_post("en", "<p>No words of ours.</p>")]
        before = Post.objects.get(pk=posts[2].pk)
        publishing.set_language(Post.objects.all(), UserFactory(role="Editor"), "es")
        assert [stored_word(post) for post in posts] == [details("es"), details("es"), ""]
        # Texts without such words are left alone.
        assert Post.objects.get(pk=posts[2].pk).source_digest == before.source_digest

    def test_of_the_site_needs_a_command(self, settings: Settings) -> None:
        own, of_site = a_post("fr"), a_post()
        settings.LANGUAGE_CODE = "ru"
        call_command("rerender")
        assert stored_word(own) == details("fr")
        assert stored_word(of_site) == details("ru")

    def test_that_changes_nothing_costs_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        post = a_post()
        monkeypatch.setattr(Entry, "render", lambda self: pytest.fail("It was rendered."))
        # The language of the site, now set explicitly.
        post.language = "en"
        post.save()


class TestQuotationMarks:
    def test_of_imported_texts_follow_the_language_of_the_site(self, settings: Settings) -> None:
        PostFactory(markup="wordpress", source='"So"', language="fr")
        settings.LANGUAGE_CODE = "ru"
        call_command("rerender")
        assert Post.objects.get().body_html == "<p>«So»</p>"


class TestPreviews:
    def test_speak_the_language_that_is_chosen_in_the_form(self) -> None:
        client = client_of(user_in_role("Editor"))
        data = {"content": UNFOLDS, "language": "fr"}
        assert word_of(client.post("/admin/markdownx/preview/?markup=html", data).text) == details("fr")


class TestFeeds:
    def test_say_in_the_language_of_a_post_that_it_is_protected(self, client: Client) -> None:
        post = PostFactory(title="Lampe", language="fr", password="x")
        with translation.override("fr"):
            title, summary = str(post), post.summary
        feed = client.get("/feed/").text
        assert f"<title>{title}</title>" in feed
        assert summary in feed.replace("&amp;", "&")


class TestImports:
    def test_take_the_language_of_the_export(self, import_parts: ImportParts) -> None:
        import_parts(item(1, content=UNFOLDS, inside=[filed("language", "ar")]))
        assert stored_word(Post.objects.get()) == details("ar")

    def test_otherwise_detect_the_language_of_the_text(self, import_parts: ImportParts) -> None:
        import_parts(item(1, content=FRENCH + UNFOLDS), item(2, content=FRENCH))
        posts = Post.objects.order_by("pk")
        assert [post.language for post in posts] == ["fr", "fr"]
        assert stored_word(posts[0]) == details("fr")

    def test_leave_nothing_to_be_rendered_again(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import_parts(item(1, content=FRENCH + UNFOLDS), item(2, content=FRENCH), item(3, content="MEA"))
        monkeypatch.setattr(Entry, "render", lambda self: pytest.fail("It was rendered."))
        for post in Post.objects.all():
            post.render_if_stale()

    def test_keep_a_language_that_was_set_here(self, import_parts: ImportParts) -> None:
        import_parts(item(1, content=FRENCH + UNFOLDS))
        Entry.objects.update(language="es")
        import_parts(item(1, content=f"{FRENCH}{UNFOLDS} Encore."))
        assert stored_word(Post.objects.get()) == details("es")
