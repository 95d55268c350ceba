"""How text is normalised, split into tokens and stemmed."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search import arabic
from search import text as text_module
from search.text import GAP, MAX_TOKEN_LENGTH, compounds_of, normalise, stem_of, stems_by_word, tokens_of, words_of
from search.tiers import Tier
from tests.factories.types import GrowsWithLength


class TestNormalising:
    @pytest.mark.parametrize(
        ("written", "searched"),
        [
            ("Coöperation", "cooperation"),
            ("coo\u0308peration", "COÖPERATION"),
            ("CAFÉ", "cafe"),
            ("İHD", "ihd"),
            ("Ёлка", "елка"),
            ("Straße", "STRASSE"),
            ("ﬁnal", "final"),
            ("Ｗｉｄｅ", "wide"),
            ("Łódź", "lodz"),
            ("œuvre", "oeuvre"),
            ("الكِتَابُ", "الكتاب"),
            ("القُرآن", "القران"),
            ("أحمد", "احمد"),
            ("مصطفى", "مصطفي"),
            ("مدرسة", "مدرسه"),
            ("حـــقوق", "حقوق"),
            ("ایران", "ايران"),
            ("کتاب", "كتاب"),
            ("می\u200cخواهم", "میخواهم"),
            ("hu\u00adman", "human"),
            ("שָׁלוֹם", "שלום"),
            ("об\u02bcєднання", "об'єднання"),
            ("Ґонґадзе", "Гонгадзе"),
            ("٢٠١٩ ۲۰۱۹ २०१९", "2019 2019 2019"),
            ("アムネスティ・インターナショナル", "ｱﾑﾈｽﾃｨインターナショナル"),
            ("avocat·e·s", "avocates"),
        ],
    )
    def test_both_spellings_become_the_same(self, written: str, searched: str) -> None:
        assert normalise(written) == normalise(searched)

    def test_letters_that_only_look_like_variants_stay_different(self) -> None:
        """The breve of й is part of the letter, like the vowel signs of Indic scripts and Thai."""
        assert normalise("мой") != normalise("мои")
        assert normalise("कि") != normalise("क")
        assert normalise("กุ") != normalise("ก")

    @given(st.text())
    @example("ŉ\u0345ΐ")
    def test_normalising_twice_changes_nothing(self, text: str) -> None:
        assert normalise(normalise(text)) == normalise(text)

    @given(st.text())
    def test_case_and_composition_make_no_difference(self, text: str) -> None:
        assert normalise(text) == normalise(unicodedata.normalize("NFD", text))


class TestTokens:
    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            ("Human-rights defenders’ 2019!", ["human", "rights", "defenders", "2019"]),
            ("l'avocate a_b", ["l", "avocate", "a", "b"]),
            ("मानव अधिकार", ["मानव", "अधिकार"]),
            ("人权捍卫者", ["人权", "权捍", "捍卫", "卫者", "者"]),
            ("UN人权", ["un", "人权", "权"]),
            ("인권", ["인권", "권"]),
            ("", []),
            ("— * \"' \0", []),
        ],
    )
    def test_words_are_separated_and_other_scripts_become_pairs(self, text: str, tokens: list[str]) -> None:
        assert tokens_of(text) == tokens

    @given(st.text())
    def test_no_token_can_be_split_by_an_index(self, text: str) -> None:
        for token in tokens_of(text):
            assert 0 < len(token) <= MAX_TOKEN_LENGTH
            assert not token.startswith(GAP)
            assert token.isascii() <= token.isalnum()
            assert len(token.split()) == 1
            assert not set(token) & set("\"'\\*():&|!<>^\0")

    @given(st.lists(st.text()).map(" ".join))
    @example("‘Don’t’ Ꭰꭰ Ολα ΟΛΑΣ a\u0338 =\u0338b \u0301c \x1c\u0e48 и\u0306 कि\xa0कि")
    def test_normalising_word_by_word_gives_the_same_tokens_as_the_whole_text(self, text: str) -> None:
        assert tokens_of(text) == [token for word in words_of(text) for token in tokens_of(word)]

    def test_a_limited_number_of_words_and_no_long_ones_are_cached(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(text_module, "_MAX_REMEMBERED", 3)
        words = [f"слово{number}" for number in range(10)]
        for _time in range(2):
            assert tokens_of(" ".join([*words, "д" * 33])) == [*words, "д" * 33]
            assert len(text_module._tokens) <= 3
            assert "д" * 33 not in text_module._tokens

    @given(st.text(), st.text())
    def test_joined_texts_have_the_tokens_of_both(self, one: str, other: str) -> None:
        assert tokens_of(f"{one} . {other}") == tokens_of(one) + tokens_of(other)

    @pytest.mark.parametrize("text", ["a", "人", "ا\u064e", "é ", "a\u200d", "่", "<", "_", "ﷺ"])
    def test_take_time_in_proportion_to_the_length(self, text: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(lambda part: stems_by_word(tokens_of(part), "ar"), text * 12_500)

    @pytest.mark.parametrize("part", ["ü", "a-", "A.", "1,", ",000"])
    def test_compounds_take_time_in_proportion_to_the_length(
        self, part: str, grows_with_length: GrowsWithLength
    ) -> None:
        text = f"Ü{part * 12_500}1"
        assert grows_with_length(lambda part: list(compounds_of(part)), text)


class TestStems:
    @pytest.mark.parametrize(
        ("language", "written", "searched"),
        [
            ("en", "defenders", "defender"),
            ("en-GB", "awarded", "awards"),
            ("fr", "avocates", "avocate"),
            ("nl", "verdedigers", "verdediger"),
            ("ru", "правозащитников", "правозащитники"),
            ("ru", "русского", "русский"),
            ("ar", "والكتب", "الكتب"),
            ("ar", "والأمة", "الأمة"),
            ("ar", "المدافعون", "مدافعون"),
            ("ar", "للحقوق", "الحقوق"),
            ("ar", "والمعتقلات", "معتقل"),
            ("ar", "الصحفيين", "صحفي"),
            ("uk", "правозахисників", "правозахисник"),
            ("uk", "організацій", "організація"),
            ("uk", "української", "українські"),
            ("uk", "активісток", "активістка"),
            ("uk", "рішень", "рішення"),
            ("uk", "адвокатами", "адвокати"),
            ("en", "organisations", "organization"),
            ("en", "criminalised", "criminalizing"),
            ("en", "labourers", "labor"),
            ("en", "defence", "defense"),
            ("en", "analysed", "analyze"),
            ("en", "women", "woman"),
            ("en", "policemen", "policeman"),
            ("en", "children", "child"),
            ("en", "crises", "crisis"),
            ("ar", "المسئولين", "مسؤول"),
            ("ar", "سياسيين", "سياسي"),
            ("ar", "الفائزين", "فائز"),
            ("ar", "معتقلي", "معتقلون"),
            ("ar", "وحقوقهم", "حق"),
            ("ar", "للنساء", "المرأة"),
            ("ar", "النشطاء", "ناشطة"),
            ("ar", "محاكم", "المحكمة"),
            ("ar", "والأسرى", "أسير"),
        ],
    )
    def test_forms_of_a_word_share_a_stem(self, language: str, written: str, searched: str) -> None:
        def forms(word: str) -> set[str]:
            (token,) = tokens_of(word)
            return {token, stem_of(token, language)}

        assert forms(written) & forms(searched)

    @pytest.mark.parametrize(
        ("language", "one", "other"),
        [
            ("en", "analysis", "analyze"),
            ("en", "hour", "hor"),
            ("en", "omen", "Oman"),
            ("uk", "журналіст", "журналістка"),
            ("ar", "لجنة", "جنة"),
            ("ar", "محاكمة", "محكمة"),
            ("ar", "مدني", "مدن"),
            ("ar", "جمعية", "جمعة"),
        ],
    )
    def test_different_words_have_different_stems(self, language: str, one: str, other: str) -> None:
        assert stem_of(one, language) != stem_of(other, language)

    def test_irregular_arabic_words_are_spelled_as_they_are_looked_up(self) -> None:
        assert [word for word in arabic._known if normalise(word) != word] == []

    def test_words_in_an_unknown_language_are_not_stemmed(self) -> None:
        assert stems_by_word(["defenders"], "tlh") == stems_by_word(["defenders"], "") == {"defenders": "defenders"}

    @given(st.text(), st.sampled_from(["ar", "de", "en", "fr", "hi", "ru", "ta", "tr", "uk"]))
    def test_any_word_has_a_valid_stem(self, text: str, language: str) -> None:
        for stem in stems_by_word(tokens_of(text), language).values():
            assert len(stem.split()) == 1
            assert not stem.startswith(("_", *filter(None, Tier)))
