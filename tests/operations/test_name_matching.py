"""A name is found and replaced in texts of all kinds, and nothing else is."""

import html
import json
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from operations.withdrawals.matching import Name
from operations.withdrawals.variants import Variants
from search.text import is_unspaced, words_of

ANN = Name(["Ann Lée"], "[name withdrawn]")

# Letters of scripts that have spaces between words and attach no particles to them.
LETTERS = "abcdefghijklmnopqrstuvwxyzäéñøßłžабвгдежзийклмнαβγδεζաբգդ"
WORDS = st.text(LETTERS, min_size=2, max_size=8).filter(lambda word: len(words_of(word)) == 1)
# Texts that often almost contain the name.
PIECES = st.lists(
    st.sampled_from(
        [
            *'anle <>/b*_[](\\%&;"\n-',
            "&eacute;",
            "Ann",
            "Lée",
            "<b>",
            "</b>",
            "<br>",
            "](/x/)",
            "\u00ad",
            "\u0301",
            "%C3%A9",
        ]
    )
).map("".join)


class TestSpellings:
    @pytest.mark.parametrize(
        "text",
        [
            "Ann Lée",
            "ANN LÉE",
            "ann lee",
            "Ann  Lée",
            "Ann\nLée",
            "Ann\N{NO-BREAK SPACE}Lée",
            "Ann-Lée",
            "Ann Le\N{COMBINING ACUTE ACCENT}e",
            "A\N{SOFT HYPHEN}nn Lée",
            "Ann\N{ZERO WIDTH JOINER} Lée",
            "Ａｎｎ Ｌｅｅ",
            "Ann L&eacute;e",
            "Ann L&#233;e",
            "Ann L&#xE9;e",
            "Ann&nbsp;Lée",
            r"Ann L\u00e9e",
            "<b>Ann</b> Lée",
            "Ann<br>Lée",
            "A<b>n</b>n L<i>é</i>e",
            "**Ann** Lée",
            "*Ann Lée*",
            "_Ann_ Lée",
            "[Ann](/a/) Lée",
            "[Ann][1] Lée",
            "> Ann\n> Lée",
            "Ann\\\nLée",
            "(Ann Lée)",
            "Ann Lée’s",
            "Ann Lée1",
            "Ann Lée<sup>1</sup>",
            "/2014/02/10/ann-lee/",
            "/ann-l%C3%A9e-in-prison/",
            "/category/ann-lees-case/",
            "https://example.org/?q=Ann+Lee",
            "pictures/2014/02/Ann_Lee.jpg",
            "mailto:ann.lee@example.org",
            '<img alt="Ann Lée">',
            "![x](/ann-lee.jpg)",
            '[x](/y/ "Ann Lée")',
            '<!-- wp:image {"alt":"Ann Lée"} -->',
        ],
    )
    def test_are_found_and_replaced(self, text: str) -> None:
        assert ANN.find(text)
        replaced = ANN.replace(text)
        assert "withdrawn" in replaced
        assert not ANN.find(replaced)

    @pytest.mark.parametrize(
        "text",
        [
            "Annual Lée",
            "Joann Lée",
            "Ann Léeds",
            "Ann",
            "Lée",
            "AnnLée",
            "Ann. The Lée",
            "Ann\n\nLée",
            "<p>Ann</p><p>Lée</p>",
            "<b>Ann</b>ual Lée",
            "/annual-lee/",
            "ann-leeds",
        ],
    )
    def test_within_longer_words_or_across_paragraphs_are_not_found(self, text: str) -> None:
        assert not ANN.find(text)
        assert ANN.replace(text) == text

    @pytest.mark.parametrize(
        ("spelling", "text", "replaced"),
        [
            # Vowel signs, forms of alef, tatweel, and particles that are attached to the next word.
            ("أحمد منصور", "قال أَحْمَد منصور", "قال X"),
            ("أحمد منصور", "احمد منصور", "X"),
            ("أحمد منصور", "وأحمد منصـــور", "وX"),
            ("أحمد منصور", "ولأحمد منصور", "ولX"),
            ("أحمد", "محمد", "محمد"),
            ("דוד", "ודוד", "וX"),
            # No spaces between words.
            ("刘晓波", "我是刘晓波的朋友", "我是X的朋友"),
            ("สมชาย", "คุณสมชายครับ", "คุณXครับ"),
            # Particles are attached to the end.
            ("김영희", "김영희는", "X는"),
            ("Ann", "Annさん", "Xさん"),
            # The breve makes a different letter.
            ("Андрей", "андреи", "андреи"),
            ("Андрей", "АНДРЕЙ", "X"),
            ("Al-Khawaja", "al khawaja, alkhawaja, Al–Khawaja", "X, X, X"),
            ("O'Brien", "O’Brien and o-brien and OBrien", "X and X and X"),
            ("Lee, Ann", "Lee, Ann; Lee Ann", "X; Lee Ann"),
            ("Ωραία", "ΩΡΑΙΑ", "X"),
        ],
    )
    def test_in_all_scripts_are_replaced(self, spelling: str, text: str, replaced: str) -> None:
        assert Name([spelling], "X").replace(text) == replaced

    def test_without_letters_are_never_found(self) -> None:
        assert not Name(["!", "", "…"], "X").find("! … anything")

    def test_the_longest_match_is_replaced(self) -> None:
        assert Name(["Ann", "Ann Lee"], "X").replace("Ann Lee and Ann") == "X and X"


class TestReplacing:
    @pytest.mark.parametrize(
        ("text", "replaced"),
        [
            ("<b>Ann</b> Lee said", "<b>[name withdrawn]</b> said"),
            ("**Ann** Lee said", "**[name withdrawn]** said"),
            ("[Ann](/ann-lee/) Lee", "[[name withdrawn]](/name-withdrawn/)"),
            ("Ann<br>Lee", "[name withdrawn]<br>"),
            ('<a href="/ann-lee/" title="Ann Lee">x</a>', '<a href="/name-withdrawn/" title="[name withdrawn]">x</a>'),
            ("ann-lee-in-prison", "name-withdrawn-in-prison"),
            ("ann-lees-case", "name-withdrawns-case"),
            ("Ann_Lees_case.jpg", "name-withdrawns_case.jpg"),
            ("Ann Lee-style", "[name withdrawn]-style"),
            ("a_Ann_Lee.jpg", "a_name-withdrawn.jpg"),
            ("/tag/ann%20lee/", "/tag/name-withdrawn/"),
            ("Caf&eacute; Ann Lee &amp; co", "Caf&eacute; [name withdrawn] &amp; co"),
        ],
    )
    def test_keeps_markup_and_makes_slugs_in_urls(self, text: str, replaced: str) -> None:
        assert ANN.replace(text) == replaced

    def test_a_single_word_becomes_a_slug_only_in_urls(self) -> None:
        name = Name(["Malala"], "[…]")
        assert name.replace("malala", is_url=True) == "withdrawn"
        assert name.replace("Malala") == "[…]"

    def test_renamed_files_have_their_new_names(self) -> None:
        name = Name(["Ann Lee"], "X", {"pictures/Ann_Lee.jpg": "pictures/x-2.jpg"})
        assert name.replace("![Ann Lee](/media/pictures/Ann_Lee.jpg)") == "![X](/media/pictures/x-2.jpg)"


def _ways_to_write(first: str, second: str) -> st.SearchStrategy[str]:
    name = f"{first} {second}"
    return st.sampled_from(
        [
            name,
            name.upper(),
            name.title(),
            unicodedata.normalize("NFD", name),
            unicodedata.normalize("NFC", name),
            "\N{SOFT HYPHEN}".join(name),
            f"{first}-{second}",
            f"<em>{first}</em> {second}",
            f"<em class='a'>{first[0]}</em>{first[1:]} <b>{second}</b>",
            f"**{first}** {second}",
            f"{first}\n{second}",
            f"[{first}](/x/) {second}",
            f"/2014/{quote(first)}-{quote(second)}/",
            f"&#{ord(name[0])};{name[1:]}",
            html.escape(name).encode("ascii", "xmlcharrefreplace").decode(),
            json.dumps(name),
        ]
    )


class TestProperties:
    @given(st.data(), WORDS, WORDS)
    def test_a_name_is_found_however_it_is_written(self, data: st.DataObject, first: str, second: str) -> None:
        written = data.draw(_ways_to_write(first, second))
        name = Name([f"{first} {second}"], "[…]")
        text = f"— {written} —"
        assert name.find(text)
        assert not name.find(name.replace(text))

    @given(st.text(LETTERS, max_size=3), st.text(LETTERS, max_size=3), WORDS)
    def test_a_name_is_never_found_in_a_longer_word(self, before: str, after: str, word: str) -> None:
        assume(before or after)
        assert not Name([word], "[…]").find(before + word + after)

    @given(st.text())
    @example("<a<b>c")
    @example("](")
    @example("%e9%C3%A9&eacute&#0;")
    def test_texts_without_the_name_are_not_changed(self, text: str) -> None:
        name = Name(["Xyzzy Plugh"], "[…]")
        assume("xyzzy" not in text.casefold())
        assert name.replace(text) == text

    @given(PIECES)
    def test_the_name_is_not_found_after_replacing(self, text: str) -> None:
        assert not ANN.find(ANN.replace(text))

    @given(PIECES)
    def test_the_quick_check_misses_no_match(self, text: str) -> None:
        class Thorough(Name):
            def may_be_in(self, text: str) -> bool:
                return True

        assert bool(Thorough(["Ann Lée"]).find(text)) <= ANN.may_be_in(text)

    @given(st.text("个人文字กขค가나다", min_size=2, max_size=4))
    def test_in_scripts_without_spaces_a_name_is_found_within_longer_text(self, name: str) -> None:
        assume(all(map(is_unspaced, words_of(name))))
        assert Name([name], "X").find(f" {name}个")


class TestVariants:
    def test_are_similar_spellings_that_occur_in_the_text(self) -> None:
        text = "Lee, Ann; A. Lee; Ann Maria Lee; Anns; AnnLee; Ann Leeova; Lee; Annual; Ann Lee"
        found = Variants(["Ann Lee"]).count(text)
        assert set(found) == {"Lee, Ann", "A. Lee", "ann maria lee", "AnnLee", "ann leeova", "Lee", "Ann"}

    def test_leave_out_the_name_itself(self) -> None:
        assert not Variants(["Ann Lee"]).count("Ann Lee and ann-lee")

    def test_leave_out_spellings_that_are_already_searched_for(self) -> None:
        assert "Lee" not in Variants(["Ann Lee", "Lee"]).count("Lee, Ann and Lee")
