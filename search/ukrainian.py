"""The stems of Ukrainian words, for which Snowball has no algorithm."""

import re
from typing import Final

# The vowel that the last syllable of some plurals has, but no other form: “жінок” of “жінка”.
_FLEETING_VOWEL: Final = re.compile("(?<=...)о(?=к$)")
# What nouns and adjectives end in. The endings of verbs are those of other nouns as well, such as “адвокати”.
# Words are normalised, so that “ї” is “і”.
_ENDING: Final = re.compile(
    "(?<=...)(?:ість|істю|ост(?:і|ей|ям|ями|ях)|"
    "ий|ого|ому|ими|их|им|о[іює]|(?<=[сцз]ьк)ій|"
    "[ая](?:ми?|х)|[еоє]м|[еє]ю|[оеє]ві|ів|ей|"
    "[аяоеєиіуюьй])$"
)
# “Рішення” has two of them, and its plural “рішень” one.
_DOUBLED: Final = re.compile("(?<=..)нн$")


def stem(word: str) -> str:
    """Return the stem of a normalised word, which may be the word itself."""
    return _DOUBLED.sub("н", _ENDING.sub("", _FLEETING_VOWEL.sub("", word)))
