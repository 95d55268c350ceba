"""The letters under which an index files names in all scripts."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import fold
from tags.letters import SYMBOLS, letter_of, script_of, sort_key_of


def letter(name: str) -> str:
    return letter_of(sort_key_of(name))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NGOs", "n"),
        ("Élan", "e"),
        ("e\u0301lan", "e"),
        ("Øresund", "o"),
        ("İHD", "i"),
        ("Œuvre", "o"),
        ("ﬁlm", "f"),
        ("Свобода", "с"),
        ("Йемен", "й"),
        ("Ёлка", "е"),
        ("Їжа", "ї"),
        ("Ελλάδα", "ε"),
        ("Άρθρο", "α"),
        ("שלום", "ש"),
        ("שָׁלוֹם", "ש"),
        ("ひと", "ひ"),
        ("がっこう", "か"),
        ("カナ", "か"),
        ("ヷ", "わ"),
        ("인권", "ㅇ"),
        ("人权", "汉"),
        ("人權", "汉"),
        ("แม่น้ำ", "ม"),
        ("मानव", "म"),
    ],
)
def test_each_script_has_its_own_letters(name: str, expected: str) -> None:
    assert letter(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("حرية", "ح"),
        ("الحرية", "ح"),
        ("الْحُرِّيَّة", "ح"),
        ("أحمد", "ا"),
        ("إيران", "ا"),
        ("آسيا", "ا"),
        ("ٱلحرية", "ح"),
        ("کرامت", "ك"),
        ("یمن", "ي"),
        # Without the article, nothing would be left of these, or it is not an article.
        ("ال", "ا"),
        ("الا", "ا"),
        ("الله", "ا"),
    ],
)
def test_arabic_names_are_filed_without_article_and_vowels(name: str, expected: str) -> None:
    assert letter(name) == expected


def test_names_with_an_article_are_sorted_among_the_others() -> None:
    assert sorted(["الحرية", "حقوق", "حاكم"], key=sort_key_of) == ["حاكم", "الحرية", "حقوق"]


@pytest.mark.parametrize(
    ("name", "expected"), [("“Arab Spring”", "a"), ("#MeToo", "m"), ("@broadside", "b"), ("«Новая газета»", "н")]
)
def test_punctuation_before_a_name_does_not_count(name: str, expected: str) -> None:
    assert letter(name) == expected


@pytest.mark.parametrize("name", ["20th anniversary", "٢٠١١", "🎉", "+++", "#1", "½", "\u200b", "𗀀"])
def test_digits_and_symbols_are_together(name: str) -> None:
    assert letter(name) == SYMBOLS


def has_consistent_letter(name: str) -> bool:
    found = letter(name)
    return found == SYMBOLS or (len(found) == 1 and letter(found) == found and bool(script_of(found)))


@given(st.text(min_size=1))
def test_every_name_is_filed_under_one_letter_that_is_filed_under_itself(name: str) -> None:
    assert has_consistent_letter(name)


def test_every_character_of_unicode_is_filed_in_the_same_way() -> None:
    # Three quarters of the code points are not characters yet.
    chars = (char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char) != "Cn")
    assert [char for char in chars if not has_consistent_letter(char)] == []


@given(st.text(min_size=1))
def test_case_and_accents_make_no_difference(name: str) -> None:
    assert letter(name) == letter(name.casefold())
    assert sort_key_of(name) or not fold(name)
