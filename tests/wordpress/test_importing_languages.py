"""The languages of imported texts, which are not in WordPress's exports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from blog.models import Entry, Page, Post
from tests.factories import wxr
from tests.factories.types import ImportParts
from wordpress.importing.languages import guess_language
from wordpress.wxr.extensions import EXTENSION_KEY, checksum, to_json

ENGLISH = "Human rights defenders are under attack in many countries, and states do too little to protect them."
FRENCH = "Les défenseurs des droits humains sont attaqués dans de nombreux pays, et les États les protègent trop peu."
ARABIC = "يتعرض المدافعون عن حقوق الإنسان للهجوم في العديد من البلدان، ولا تفعل الدول ما يكفي لحمايتهم."
PERSIAN = "مدافعان حقوق بشر در بسیاری از کشورها مورد حمله قرار می‌گیرند و دولت‌ها از آنها حمایت نمی‌کنند."
URDU = "انسانی حقوق کے محافظ بہت سے ممالک میں حملوں کی زد میں ہیں اور ریاستیں ان کی حفاظت نہیں کرتیں۔"


class TestGuessing:
    @pytest.mark.parametrize(
        ("text", "language"),
        [
            (ENGLISH, "en"),
            (FRENCH, "fr"),
            (ARABIC, "ar"),
            (PERSIAN, "fa"),
            (URDU, "ur"),
            ("מגיני זכויות אדם מותקפים במדינות רבות.", "he"),
            ("የሰብአዊ መብት ተሟጋቾች በብዙ አገሮች ጥቃት ይደርስባቸዋል።", "am"),
            (
                "د افغانستان په کابل ښار کې د بشري حقونو مدافعان نيول شوي دي.",
                "ps",
            ),
            ("Правозащитники подвергаются нападениям во многих странах.", "ru"),
            ("Nå må regjeringen svare på hva den har tenkt å gjøre, sier lederen av organisasjonen.", "nb"),
            (ENGLISH.upper(), "en"),
            ("صحافیوں کے لیے نیا انعام ہے جو کل دیا گیا", "ur"),
            ("人权捍卫者在许多国家受到攻击，而各国对他们的保护太少。", "zh-hans"),
            ("人權捍衛者在許多國家受到攻擊，而各國對他們的保護太少。", "zh-hant"),
            # The dash is a character of the charset for traditional Chinese only.
            ("下面是使用方法和安装步骤，其中最重要的是第一步——上传文件——————然后在后台启用。", "zh-hans"),
        ],
    )
    def test_the_language_of_a_sentence_is_recognised(self, text: str, language: str) -> None:
        assert guess_language("", f"<p>{text}</p>") == language

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "",
                "MEA 2010",
                "Hans Thoolen",
                "1 2 3 4 5 6 7 8 9 10 11 12",
                "😀 😀 😀",
                "UN OHCHR EU ISHR FIDH OMCT NGO",
            ),
            "Nabeel Rajab, Abdul-Hadi Al-Khawaja, Maryam Al-Khawaja",
            f"{ENGLISH} {FRENCH}",
            f"{ARABIC} {ENGLISH}",
            " ".join([ENGLISH] * 5 + [ARABIC] * 5),
        ],
    )
    def test_no_language_is_guessed_for_short_or_mixed_texts(self, text: str) -> None:
        assert guess_language("", f"<p>{text}</p>") == ""

    def test_the_title_counts_too(self) -> None:
        assert (
            guess_language("Neuer Preis für die Verteidiger der Menschenrechte in aller Welt", "<p><img></p>") == "de"
        )

    def test_markup_urls_and_code_do_not_count(self) -> None:
        english = '<a href="https://example.org/human-rights-defenders" title="the report of the rapporteur">'
        html = f"<p>{english}دعم</a> https://example.org/the-report</p><pre>for each in the list: return it</pre>"
        assert guess_language("", html) == ""
        assert guess_language("", f"{html}<p>{ARABIC}</p>") == "ar"

    @given(st.text(), st.text(alphabet="<>/pre&;ا \x00\ud800"))
    def test_any_text_is_accepted(self, title: str, html: str) -> None:
        guess_language(title, html)


class TestImporting:
    def test_each_post_and_page_gets_the_language_of_its_text(self, import_parts: ImportParts) -> None:
        import_parts(
            wxr.item(1, title="a", content=ENGLISH),
            wxr.item(2, title="b", content=f"<b>{ARABIC}</b>"),
            wxr.item(3, title="c", content=FRENCH, post_type="page"),
            wxr.item(4, title="d", content="MEA"),
        )
        assert dict(Post.objects.values_list("title", "language")) == {"a": "en", "b": "ar", "d": ""}
        assert Page.objects.get().language == "fr"

    def test_the_report_lists_texts_that_are_not_in_the_language_of_the_site(self, import_parts: ImportParts) -> None:
        report = import_parts(wxr.item(1, title="a", content=ENGLISH), wxr.item(2, title="b", content=ARABIC))
        notes = [(note.title, note.text) for note in report.notes]
        assert notes == [("b", "Its language is not in the export. It looks like this one: Arabic.")]

    def test_the_report_omits_texts_in_another_script_of_the_site_language(
        self, import_parts: ImportParts, settings: Settings
    ) -> None:
        settings.LANGUAGE_CODE = "zh-hans"
        report = import_parts(wxr.item(content="人權捍衛者在許多國家受到攻擊，而各國對他們的保護太少。"))
        assert Post.objects.get().language == "zh-hant"
        assert not list(report.notes)

    def test_the_language_in_an_export_takes_precedence(self, import_parts: ImportParts) -> None:
        import_parts(wxr.item(1, content=ENGLISH, inside=[wxr.filed("language", "fr")]))
        assert Post.objects.get().language == "fr"

    def test_the_language_that_wpml_exports_is_kept_and_not_reported(self, import_parts: ImportParts) -> None:
        fields = [wxr.meta("_wpml_import_language_code", "fr"), wxr.meta("_wpml_import_translation_group", "9")]
        report = import_parts(wxr.item(1, content=ENGLISH, inside=fields))
        assert Post.objects.get().language == "fr"
        assert not list(report.notes)

    @pytest.mark.parametrize(
        ("stated", "language"),
        [
            ("pt-br", "pt-br"),
            ("pt-BR", "pt-br"),
            ("pt_BR", "pt-br"),
            ("FR", "fr"),
            ("zu", "zu"),
            ("ZU", "en"),
            ("a/b", "en"),
        ],
    )
    def test_the_language_in_our_own_export_is_used_if_it_is_valid(
        self, import_parts: ImportParts, stated: str, language: str
    ) -> None:
        values = to_json({"language": stated, "mark": checksum("A title", ENGLISH, "", "one")})
        fields = [wxr.meta(EXTENSION_KEY, values)]
        import_parts(wxr.item(1, title="A title", content=ENGLISH, post_name="one", excerpt="", inside=fields))
        assert Post.objects.get().language == language

    def test_a_language_that_was_set_here_is_kept_when_the_text_changes(self, import_parts: ImportParts) -> None:
        import_parts(wxr.item(1, content=ENGLISH))
        Entry.objects.update(language="nl")
        import_parts(wxr.item(1, content=f"{ENGLISH} Changed."))
        post = Post.objects.get()
        assert post.source.endswith("Changed.")
        assert post.language == "nl"

    def test_a_second_import_changes_nothing(self, import_parts: ImportParts) -> None:
        import_parts(wxr.item(1, content=ARABIC))
        assert not import_parts(wxr.item(1, content=ARABIC)).has_changes
