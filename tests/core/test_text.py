"""Text that databases, XML and HTML can contain."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import (
    fold,
    is_storable,
    remove_controls,
    remove_non_xml,
    remove_unstorable,
    shorten,
    unify_line_ends,
)

# By default, Hypothesis generates no surrogates.
any_text = st.text(st.characters(codec=None) | st.sampled_from("\x00\x0b\x7f\ud800\udfff\ufffe\uffff\r\n"))


def test_only_long_texts_are_shortened() -> None:
    assert [shorten("one two", length) for length in (7, 6, 5, 4)] == ["one two", "one t…", "one…", "one…"]


def test_line_ends_become_newlines() -> None:
    assert unify_line_ends("a\r\nb\rc\nd\r\r\n") == "a\nb\nc\nd\n\n"


def test_controls_are_removed_except_tabs_and_line_ends() -> None:
    assert remove_controls("a\x00b\x1b[31m\ufffe\x7f\x9b\ud800\tc\r\nd\x0b\x0c") == "ab[31m\tc\nd"


def test_nul_and_lone_surrogates_are_not_storable() -> None:
    for character in ("\x00", "\ud800", "\udfff"):
        assert not is_storable(f"a{character}b")
        assert remove_unstorable(f"a{character}b") == "ab"


def test_everything_else_is_storable() -> None:
    text = "\x01\x7f\ufffe\uffff😀"
    assert is_storable(text)
    assert remove_unstorable(text) == text


@given(any_text)
def test_text_is_storable_after_removing_unstorable_characters(text: str) -> None:
    stored = remove_unstorable(text)
    assert is_storable(stored)
    assert stored.encode().decode() == stored


@given(any_text)
def test_xml_is_readable_after_removing_non_xml_characters(text: str) -> None:
    element = ElementTree.Element("a")
    element.text = remove_non_xml(text)
    read = ElementTree.fromstring(ElementTree.tostring(element, encoding="unicode"))
    assert (read.text or "") == unify_line_ends(element.text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        (" COÖPERATION  now ", "cooperation now"),
        ("coo\u0308peration", "cooperation"),
        ("Łódź Ørsted Straße", "lodz orsted strasse"),
        ("ﬁlm", "film"),
        ("soft\xadhyphen", "softhyphen"),
        ("Ёж", "еж"),
        ("हिन्दी", "हिन्दी"),
        ("🎉", "🎉"),
        ("\u0301", ""),
    ],
)
def test_folding_removes_case_and_accents(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(any_text)
def test_folding_keeps_one_line_without_outer_spaces(text: str) -> None:
    assert fold(text) == " ".join(fold(text).split())
