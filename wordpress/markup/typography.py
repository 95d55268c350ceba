"""The quotation marks, apostrophes, primes and dashes of WordPress by the language of a site, as data.

WordPress leaves the choice to its translators: each mark is a message with a context such as “opening curly double
quote”, and the words that begin or end with an apostrophe are another. Source: wp-includes/formatting.php, and those
messages in the language packs of WordPress 6 (of 2016 to 2019 for Armenian, Icelandic, Nynorsk and the Spanish of
Colombia). Languages that are not in the table have the marks of English there, such as Arabic, Greek, Italian,
Japanese, Persian, Turkish and Ukrainian.
"""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

_ENGLISH_WORDS: Final = "'tain't 'twere 'twas 'tis 'twill 'til 'bout 'nuff 'round 'cause 'em"


class Marks(NamedTuple):
    """The typographic characters of a language. `words` are those that begin or end with an apostrophe."""

    opening: str = "“"
    closing: str = "”"
    opening_single: str = "‘"
    closing_single: str = "’"
    apostrophe: str = "’"
    prime: str = "′"
    double_prime: str = "″"
    en_dash: str = "–"
    em_dash: str = "—"
    words: str = ""


ENGLISH: Final = Marks()
_GERMAN: Final = Marks("„", "“", "‚", "‘", words="'n 's")
# By language code, in lower case. A code without a region stands for all regions without an entry of their own.
_MARKS: Final[Mapping[str, Marks]] = MappingProxyType(
    {
        "bg": Marks("„", "“", em_dash="–"),
        "bs": Marks(apostrophe="'", prime="'", double_prime='"'),
        "cs": Marks("„", "“", "‚", "‘", words="pad' nes' leh' moh' řek' ved' myslej' chtěj' maj'"),
        "de": _GERMAN,
        "de-ch": _GERMAN._replace(opening="«", closing="»"),
        "es": Marks("«", "»"),
        "es-ar": ENGLISH,
        "es-co": ENGLISH,
        "es-mx": ENGLISH,
        "fi": Marks("”", "”", "’"),
        "fr": Marks("«\xa0", "\xa0»"),
        # Abbreviations are written with straight quotes: ארה"ב.
        "he": Marks('"', '"', "'", "'", "'", "'", '"'),
        "hu": Marks("„"),
        "hy": Marks(en_dash="—"),
        "is": Marks("„", "“"),
        "kk": Marks("«", "»", en_dash="—"),
        "lt": Marks("„"),
        "nb": Marks("«", "»"),
        "nl": Marks(words="'s 'n 't"),
        "nn": Marks("«", "»", "«", "»"),
        "no": Marks("«", "»"),
        "pl": Marks("„", opening_single="'"),
        "pt": Marks(words="'tá 'teve 'tou"),
        "pt-br": ENGLISH,
        "ro": Marks("„", em_dash="–"),
        "ru": Marks("«", "»", en_dash="—"),
        "sk": Marks("„", "“", "‚", "‘", words="čos' ktos' bols'"),
        "sr": Marks("„", "“"),
        "sv": Marks("”", "”", "’"),
        "ug": Marks("«", "»", "›", "‹"),
    }
)


def marks_of(language: str) -> Marks:
    """Return the marks of a language. Its code may have a region, such as `de-ch`."""
    code = language.lower()
    return _MARKS.get(code) or _MARKS.get(code.partition("-")[0], ENGLISH)


@cache
def apostrophes(words: str) -> re.Pattern[str]:
    """Return a pattern for the straight quotes that are the apostrophes of `words` and of the English ones."""
    typed = f"{_ENGLISH_WORDS} {words}".split()
    begin = "|".join(word[1:].replace("'", "['’]") for word in typed if word[0] == "'")
    end = "".join(rf"|(?<=\b{word})(?!\w)" for word in typed if word[0] != "'")
    return re.compile(rf"'(?:(?=(?:{begin})(?![\w'’])){end})", re.IGNORECASE)
