"""The letter and the position at which an index of names in all scripts lists a name."""

import re
import unicodedata
from typing import Final

from core.text import fold

# The index's letters for digits and symbols, and for Chinese characters, of which there are too many.
SYMBOLS: Final = "#"
HAN: Final = "汉"

# Arabic letters that readers look for under another one, and the stroke that only stretches words.
_ARABIC: Final = str.maketrans("ٱکیىگ", "اكييك", "ـ")
# The article, but not in a name of two letters, and not in the name of God, which is listed with it.
_ARTICLE: Final = re.compile(r"^ال(?=\w{2})(?!له\b)")
# Letters of Russian, Ukrainian and Belarusian that Unicode treats as other letters with an accent.
_OWN_LETTERS: Final = frozenset("йїў")
# Vowels that are written before the consonant under which Thai and Lao words are listed.
_LEADING_VOWELS: Final = frozenset("เแโใไເແໂໃໄ")
_LETTERS: Final = frozenset({"Lu", "Ll", "Lt", "Lo"})
_KATAKANA: Final = range(0x30A1, 0x30F7)
_TO_HIRAGANA: Final = 0x60
# The consonants with which Korean syllables begin, in Unicode's order.
_FIRST_CONSONANT: Final = 0x1100
_CONSONANTS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"


def sort_key_of(name: str) -> str:
    """Return the sort key of `name`: `“Élan”` becomes `elan`, and Arabic words lose their vowels and article.

    It has no punctuation or symbols at its beginning, unless there is nothing else. It begins with the letter that
    `letter_of` returns, or with another form of it.
    """
    key = fold(name).translate(_ARABIC)
    start = next((place for place, char in enumerate(key) if _is_letter(char) or char.isnumeric()), 0)
    key = key[start:]
    own = next((char for char in unicodedata.normalize("NFKC", name).casefold() if _is_letter(char)), "")
    if own in _OWN_LETTERS and key[:1] == unicodedata.normalize("NFD", own)[0]:
        key = own + key[1:]
    return _ARTICLE.sub("", key)


def letter_of(sort_key: str) -> str:
    """Return the character under which an index lists the name with this sort key (see `sort_key_of`)."""
    char = sort_key[1:2] if sort_key[:1] in _LEADING_VOWELS and _is_letter(sort_key[1:2]) else sort_key[:1]
    char_name = unicodedata.name(char, "") if _is_letter(char) else ""
    if not char_name:  # Python does not name the letters of Tangut, so `script_of` could not return their script.
        return SYMBOLS
    if "IDEOGRAPH" in char_name:
        return HAN
    if char in _OWN_LETTERS:
        return char
    base = unicodedata.normalize("NFD", char)[0]
    if ord(base) in _KATAKANA:
        return chr(ord(base) - _TO_HIRAGANA)
    if 0 <= (consonant := ord(base) - _FIRST_CONSONANT) < len(_CONSONANTS):
        return _CONSONANTS[consonant]
    return base


def script_of(letter: str) -> str:
    """Return the script that a letter of the index belongs to, as Unicode calls it; empty for symbols."""
    return "" if letter == SYMBOLS else unicodedata.name(letter, "").partition(" ")[0]


def _is_letter(char: str) -> bool:
    return bool(char) and unicodedata.category(char) in _LETTERS
