"""How long it takes to read a text, by the same rule as in the editor (static/admin-broadside/editor/preview.js)."""

import re
from html import unescape
from typing import Final

_WORDS_PER_MINUTE: Final = 230

# In sanitised HTML, "<" and ">" always belong to a tag.
_TAG: Final = re.compile(r"<[^<>]*>")
# Words with their accents, vowel signs and apostrophes. A hyphen or dash separates two words.
_WORD: Final = re.compile(r"\w[^\s\-–—/]*")
# Scripts without spaces between words, with the average number of characters in a word, as browsers segment texts:
# Thai, Lao, Burmese and Khmer; Chinese and Japanese.
_UNSPACED: Final = (
    (re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"), 4.2),
    (re.compile("[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"), 1.6),
)


def count_words(html: str) -> int:
    """Return the approximate number of words that a reader sees in sanitised HTML."""
    text = unescape(_TAG.sub("", html))
    words = 0.0
    if not text.isascii():
        for characters, length in _UNSPACED:
            text, count = characters.subn(" ", text)
            words += count / length
    return round(words) + len(_WORD.findall(text))


def minutes_to_read(words: int) -> int:
    """Return how many minutes it takes to read this many words: at least one."""
    return max(1, -(-words // _WORDS_PER_MINUTE))
