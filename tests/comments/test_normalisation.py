"""How words and hosts are compared, regardless of case, accents and script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comments.normalisation import fold, host, hosts, line, phrase, start, starts, tokens, with_parents, words
from tests.factories.types import GrowsWithLength


class TestFolding:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Café", "CAFE"),
            ("ｃａｓｉｎｏ", "casino"),
            ("Straße", "STRASSE"),
            ("Ёлка", "елка"),
            ("ΚΑΖΙΝΟΣ", "καζινος"),
            ("كَازِينُو", "كازينو"),
            ("cas\u00adi\u200bno", "casino"),
            ("Ⅷ", "viii"),
            ("İstanbul", "istanbul"),
            ("Vie\u0302\u0323t", "Việt"),
        ],
    )
    def test_these_are_equal(self, one: str, other: str) -> None:
        assert fold(one) == fold(other)

    @pytest.mark.parametrize(("one", "other"), [("が", "か"), ("कि", "कु"), ("a", "b"), ("博彩", "博客")])
    def test_these_differ(self, one: str, other: str) -> None:
        assert fold(one) != fold(other)

    @given(st.text())
    def test_folding_again_changes_nothing(self, text: str) -> None:
        assert fold(fold(text)) == fold(text)

    @given(st.text())
    def test_case_makes_no_difference(self, text: str) -> None:
        assert fold(text.casefold()) == fold(text)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Don't—stop! 2nd try", ["don", "t", "stop", "2nd", "try"]),
            ("Лучшее казино…", ["лучшее", "казино"]),
            ("हिन्दी में", ["हिन्दी", "में"]),
            ("  ", []),
            ("🙂!", []),
        ],
    )
    def test_they_are_separated_by_spaces_and_punctuation(self, text: str, found: list[str]) -> None:
        assert words(text) == found

    @pytest.mark.parametrize(
        ("blocked", "text", "is_found"),
        [
            ("press", "WordPress", False),
            ("press", "The PRESS, again", True),
            ("free spins", "Free   spins!", True),
            ("free spins", "spins free", False),
            ("казино", "Онлайн-КАЗИНО", True),
            ("博彩", "最佳博彩网站", True),
            ("คาสิโน", "เล่นคาสิโนออนไลน์", True),
            ("vpn博彩", "VPN博彩 now", True),
            ("vpn博彩", "MyVPN博彩", False),
        ],
    )
    def test_phrases_match_whole_words_or_any_part_in_scripts_without_spaces(
        self, blocked: str, text: str, is_found: bool
    ) -> None:
        assert (phrase(blocked) in line(text)) is is_found

    @given(st.text(), st.text(), st.text())
    def test_phrases_between_spaces_are_found(self, before: str, blocked: str, after: str) -> None:
        assert phrase(blocked) in line(f"{before} {blocked} {after}")

    @given(st.text("ab 在线กé-", max_size=6), st.text("ab 在线กé-", max_size=12))
    def test_if_a_phrase_is_found_its_start_is_too(self, blocked: str, text: str) -> None:
        if phrase(blocked) and phrase(blocked) in line(text):
            assert start(phrase(blocked)) in starts(text)

    def test_a_phrase_without_words_is_empty(self) -> None:
        assert phrase("!?") == ""

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Hello World", ["hello", "world"]),
            ("在线赌场", ["在线", "线赌", "赌场"]),
            ("好", ["好"]),
            ("VPN赌场x", ["vpn", "赌场", "x"]),
        ],
    )
    def test_tokens_are_words_and_pairs_of_characters(self, text: str, found: list[str]) -> None:
        assert list(tokens(text)) == found

    @given(st.text())
    def test_tokens_of_any_text_are_not_empty_and_have_no_spaces(self, text: str) -> None:
        assert all(token and " " not in token for token in tokens(text))


class TestHosts:
    @pytest.mark.parametrize(
        ("typed", "found"),
        [
            ("Example.ORG", "example.org"),
            ("https://www.example.org:8080/a?b#c", "example.org"),
            ("someone@mail.example.org", "mail.example.org"),
            ("xn--bcher-kva.example", "bücher.example"),
            ("BÜCHER.example", "bücher.example"),
            ("www.example", "www.example"),
            ("ｅｘａｍｐｌｅ．org", "example.org"),
            ("ex%61mple.org", "example.org"),
            ("localhost", ""),
            ("", ""),
            ("a" * 260 + ".org", ""),
            ("xn--\xff.example", "xn--ÿ.example"),
        ],
    )
    def test_every_spelling_of_a_host_is_normalised(self, typed: str, found: str) -> None:
        assert host(typed) == found

    def test_each_host_in_a_text_is_found_once_those_in_urls_first(self) -> None:
        text = "See shop.example or http://good.example@bad.example/x, HTTP://www.Bad.example and //c.example."
        assert hosts(text) == ["good.example", "bad.example", "c.example", "shop.example"]

    def test_a_host_has_parents(self) -> None:
        assert with_parents("a.b.example.org") == ["a.b.example.org", "b.example.org", "example.org"]

    @given(st.from_regex(r"[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){1,4}", fullmatch=True))
    def test_normalising_again_changes_nothing(self, name: str) -> None:
        assert host(host(name)) == host(name)

    @given(st.text())
    def test_any_text_is_accepted(self, text: str) -> None:
        for name in hosts(text):
            assert name in [*with_parents(name), name]

    def test_many_labels_have_few_parents(self) -> None:
        assert hosts("a." * 10_000 + "org") == []
        assert len(with_parents(".".join("a" * 120))) == 7

    @pytest.mark.parametrize("piece", ["a", "-", "a-", ".", "a.", "www.", "//", "http://", "@", "é", "%41"])
    def test_searching_a_long_text_takes_linear_time(self, piece: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(hosts, piece * 50_000)
