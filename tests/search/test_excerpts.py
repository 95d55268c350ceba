"""The excerpt of a text in the search results, with the matches marked."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.excerpts import Marker
from search.queries import parse
from tests.factories.types import GrowsWithLength


def marker(typed: str, language: str = "") -> Marker:
    return Marker(parse(typed).words, language)


def marked(typed: str, text: str, language: str = "") -> list[str]:
    return re.findall("<mark>(.*?)</mark>", marker(typed, language).marked(text))


class TestMarking:
    @pytest.mark.parametrize(
        ("typed", "text", "words"),
        [
            ("defender", "The Defenders defended a DEFENDER.", ["Defenders", "defended", "DEFENDER"]),
            ("defen", "The defence", ["defence"]),
            ("art", "art in martial arts", ["art", "arts"]),
            ('"human rights"', "Human  rights, humans’ rights, human-rights", ["Human  rights", "human-rights"]),
            ('"art"', "arts and art", ["art"]),
            ("cooperation", "Coöperation, coo\u0308peration", ["Coöperation", "coo\u0308peration"]),
            ("انسان", "حقوق الإنسان", ["الإنسان"]),
            ("مدافعون", "والمُدافعون", ["والمُدافعون"]),
            ("елка", "Ёлка", ["Ёлка"]),
            ("strasse", "In der Straße steht", ["Straße"]),
            ("office", "An oﬃce, the ﬁrst", ["oﬃce"]),
            ("2019", "في ٢٠١٩ و2018", ["٢٠١٩"]),
            ("محمد", "محمدٌ رسول", ["محمدٌ"]),
            ("محاكمة", "بعد بمحاكمة", ["بمحاكمة"]),
            ("ناشط", "والنشطاء ونشاط", ["والنشطاء"]),
            ("نساء", "امرأة", ["امرأة"]),
            ("mueller", "Frau Müller", ["Müller"]),
            ("Müller", "Mueller und Muller", ["Mueller", "Muller"]),
            ("1000", "1,000 and 1000", ["1,000", "1000"]),
            ("avocate", "les avocat·e·s · droits", ["avocat·e·s"]),
            ("인권", "인권…", ["인권"]),
            ("ngo 2019", "国際NGO団体は2019年の報告書", ["NGO", "2019"]),
            ('"un women"', "联合国UN Women发布", ["UN Women"]),
            ("人权", "联合国人权捍卫者", ["人权"]),
            ("हिन्दी", "यह हिन्दी में है", ["हिन्दी"]),
            ("রক্ষক", "মানবাধিকার রক্ষক", ["রক্ষক"]),
            ("உரிமை", "மனித உரிமை", ["உரிமை"]),
            ('"மனித உரிமை"', "மனித உரிமை, மனித உரிமைகள்", ["மனித உரிமை"]),
            ('"क ख"', "क ख, कि ख", ["क ख"]),
            ('"lantern"', "lantern_maker and a_lantern", ["lantern", "lantern"]),
            ("alkhawaja", "Abdul-Hadi Al-Khawaja’s", ["Al-Khawaja"]),
            ("al-khawaja", "Al-Khawaja, Alkhawaja", ["Al", "Khawaja", "Alkhawaja"]),
            ("un", "The U.N. and the UN", ["U.N", "UN"]),
            ("x", "a < b & c", []),
        ],
    )
    def test_marks_all_forms_of_a_word_and_nothing_else(self, typed: str, text: str, words: list[str]) -> None:
        assert marked(typed, text, "ar") == [html.escape(word) for word in words]

    @pytest.mark.parametrize(
        ("language", "typed", "text", "words"),
        [
            ("ar", "المدافعين", "مدافعون عن حقوق", ["مدافعون"]),
            ("fr", "former", "Former, formés, in form", ["Former", "formés", "form"]),
            # Forms of another language are other words in this one.
            ("en", "former", "Formers are in form", ["Formers"]),
            ("", "letter", "Let me send letters", ["letters"]),
            ("fr", "awards", "un award", ["award"]),
            ("fr", "journal", "les journaux", ["journaux"]),
            ("en", "organizing labor", "organised labour", ["organised", "labour"]),
        ],
    )
    def test_marks_forms_in_the_languages_of_the_text_and_the_site(
        self, language: str, typed: str, text: str, words: list[str]
    ) -> None:
        assert marked(typed, text, language) == words

    @given(st.text(), st.text(max_size=20))
    def test_changes_no_text_and_escapes_it(self, text: str, typed: str) -> None:
        found = re.sub("</?mark>", "", marker(typed).marked(text))
        assert found == html.escape(text)

    @given(st.text(alphabet="aé\u0301ıİß ﬁ人\u064e", min_size=1))
    def test_marks_positions_in_the_original_text(self, text: str) -> None:
        assert html.unescape(re.sub("</?mark>", "", marker(text).marked(text))) == text


class TestExcerpts:
    def test_surround_the_most_different_words_and_end_at_spaces(self) -> None:
        text = "An award. " + "Filler words here. " * 40 + "The award of the lawyer. " + "More words. " * 40
        excerpt = str(marker("lawyer award").excerpt(text))
        assert "The <mark>award</mark> of the <mark>lawyer</mark>." in excerpt
        # As in the excerpts of lists, which Django shortens.
        assert re.fullmatch(r"…\S.*\S…", excerpt)
        assert set(re.sub("</?mark>", "", excerpt).strip("…").split()) <= set(text.split())

    def test_of_a_short_text_are_the_whole_text_escaped(self) -> None:
        assert marker("award").excerpt("An <b>award</b>") == "An &lt;b&gt;<mark>award</mark>&lt;/b&gt;"

    def test_are_none_without_a_match(self) -> None:
        assert marker("award").excerpt("Nothing") is None

    @given(st.text(max_size=2000), st.text(max_size=30))
    def test_are_short_and_contain_no_markup_but_marks(self, text: str, typed: str) -> None:
        excerpt = marker(typed).excerpt(text)
        if excerpt is not None:
            bare = re.sub("</?mark>", "", excerpt)
            assert "<" not in bare
            assert len(html.unescape(bare)) <= 500

    @pytest.mark.parametrize("text", ["award ", "a", "人权", "é", "a\u0301", "wawa"])
    def test_take_time_in_proportion_to_the_length(self, text: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(marker("wawa award 人权").marked, text * 5_000)

    @pytest.mark.parametrize("part", ["lanterna_", "lantern_", "कि"])
    def test_of_a_phrase_take_time_in_proportion_to_the_length(
        self, part: str, grows_with_length: GrowsWithLength
    ) -> None:
        text = part * (50_000 // len(part)) + " lantern"
        for typed in ('"lantern"', '"lantern maker"', "lantern", '"कि"', '"कि कि"'):
            assert grows_with_length(marker(typed).marked, text)
