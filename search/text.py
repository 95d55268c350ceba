"""Text as it is indexed. The same functions prepare documents and queries.

Text is normalised before it is split into tokens, or an accent, a vowel sign or an invisible joiner between two letters
would split a word.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from itertools import groupby
from typing import Final

from Stemmer import Stemmer

from core.text import UNDECOMPOSED
from search import arabic, ukrainian

# Longer tokens are cut. They are not words, and PostgreSQL rejects tokens of more than 2,046 bytes.
MAX_TOKEN_LENGTH: Final = 64
# How many words are remembered by each function, and the stems of how many languages. Longer words rarely occur again.
_MAX_REMEMBERED: Final = 65_536
_MAX_REMEMBERED_LENGTH: Final = 32
_MAX_REMEMBERED_LANGUAGES: Final = 8
# Separates texts that don't follow each other, so that no phrase is found across them.
GAP: Final = "_"
# Stems begin with this, which no word does. They are only indexed where they differ from the word.
STEM: Final = "_"


def _ranges(chars: Iterable[str]) -> str:
    """Return sorted characters as the content of a character class."""
    parts = []
    for _offset, group in groupby(enumerate(map(ord, chars)), key=lambda pair: pair[1] - pair[0]):
        points = [point for _index, point in group]
        parts.append(f"\\U{points[0]:08x}-\\U{points[-1]:08x}")
    return "".join(parts)


def _is_accent(char: str) -> bool:
    """Whether `char` is an accent, or a vowel sign of Hebrew or Arabic. Vowel signs of other scripts are letters."""
    combining = unicodedata.combining(char)
    return 10 <= combining <= 36 or combining >= 200


# The marks and formatting characters of Unicode. Code points above these are neither accents nor parts of words, apart
# from rare ideographs.
_CATEGORIES: Final = {
    char: category
    for char in map(chr, range(0x20000))
    if (category := unicodedata.category(char)) in {"Mn", "Mc", "Cf"}
}
_TATWEEL: Final = "\u0640"
# Dots within words, as in “アムネスティ・インターナショナル”, “col·legi” and “avocat·e·s”.
_MIDDLE_DOTS: Final = "\u00b7\u2027\u30fb"
_BREVE: Final = "\u0306"
_IGNORED: Final = re.compile(
    # The breve of й makes it another letter, which Russian endings need.
    f"(?<!и){_BREVE}|[{_TATWEEL}{_MIDDLE_DOTS}"
    f"{_ranges(char for char in _CATEGORIES if char != _BREVE and _is_accent(char))}"
    f"{_ranges(char for char, category in _CATEGORIES.items() if category == 'Cf')}]"
)
# Letters that Unicode does not decompose, interchangeable forms of Arabic letters, and the digits of all scripts.
_LETTERS: Final = UNDECOMPOSED | str.maketrans(
    {char: str(digit) for char in map(chr, range(0x20000)) if (digit := unicodedata.decimal(char, None)) is not None}
    | {
        # The Ukrainian apostrophe is a letter to Unicode, but most people type another one. Many write г for ґ.
        "\u02bc": "'",
        "ґ": "г",
        # Alef without hamza, ya for alef maqsura and the Persian ya, kaf for the Persian kaf, ha for ta marbuta.
        "ٱ": "ا",
        "ى": "ي",
        "ی": "ي",
        "ک": "ك",
        "ة": "ه",
        "ہ": "ه",
        "ھ": "ه",
        "ە": "ه",
    }
)
# Scripts without spaces between words, and Hangul, whose particles are attached to words.
UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
# Signs within words, such as the vowels of Devanagari, which regular expressions don't consider letters.
_SIGNS: Final = _ranges(char for char, category in _CATEGORIES.items() if category != "Cf" and not _is_accent(char))
# A pattern for a character within a word. Marked words must be the same as indexed words.
WITHIN_WORD: Final = rf"(?:[^\W_]|[{_SIGNS}])"
_TOKENS: Final = re.compile(rf"[^\W_]{WITHIN_WORD}*")
# Tokens, once all characters beyond ASCII belong to tokens.
_SEPARATED: Final = re.compile(r"[^\0-/:-@\[-`{-\x7f]+")
# Letters that are written as two where keyboards lack them, as in “Mueller”.
_TRANSCRIBED: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_UMLAUTS: Final = "äöüøåÄÖÜØÅ"
# Words of two or three parts with hyphens, initials with full stops, numbers with separators, and names with umlauts.
# Longer words with hyphens are sentences, such as slugs.
COMPOUND: Final = re.compile(
    r"((?<![\w-])[^\W\d_]+(?:[-\u2010\u2011][^\W_]+){1,2}(?![\w-])"
    r"|(?<![\w.])[^\W\d_](?:\.[^\W\d_])+(?!\.?\w)"
    r"|(?<![\w.,])\d{1,3}(?:[.,\u066c\u00a0\u2009\u202f]\d{3})+(?![.,]?\w)"
    rf"|(?<!\w)(?=[^\W\d_{_UMLAUTS}]*+[{_UMLAUTS}])[A-ZÄÖÜØÅ][^\W\d_]*+(?!\w))"
)
_JOINT: Final = re.compile(r"[-\u2010\u2011.](?=\w)|[,\u066c\u00a0\u2009\u202f](?=\d)")
# Where there may be a compound. Starting with a single class of characters is four times as fast as with alternatives.
_MARK: Final = re.compile(rf"[-\u2010\u2011.,\u066c\u00a0\u2009\u202f{_UMLAUTS}](?:(?=\w)|(?<=[{_UMLAUTS}]))")
_HAS_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_RUNS: Final = re.compile(f"[{UNSPACED}]+|[^{UNSPACED}]+")

# What is spelled in another way in America: “organised”, “analyse”, “defence”, “labour”.
_VARIANT: Final = re.compile(
    "(?<=....i)s(?=(?:e[ds]?|ing|ers?|ations?)$)|(?<=[nr]aly)s(?=(?:e[ds]?|ing)$)"
    "|(?<=defen|offen|licen|reten)c(?=e)|(?<=...)ou(?=r)"
    # And the plurals of “man” and “woman”, but not “omen”.
    "|(?<=^m)e(?=n$)|(?<=^wom)e(?=n$)|(?<=...m)e(?=n$)"
    # “Children” and “crises”.
    "|(?<=^child)ren$|(?<=^cris)es$"
)
_RESPELLED: Final = {"s": "z", "c": "s", "ou": "o", "e": "a", "ren": "", "es": "is"}
# Prepositions that are written as a part of the Arabic word after them: “with”, “like”, “for”.
_ARABIC_PREPOSITIONS: Final = "بكل"
# After shorter words, what looks like a preposition is often a part of another word: “لجنة” is not “for a جنة”.
_AFTER_PREPOSITION: Final = re.compile("[ء-ي]{4,}")
# The algorithms of our own.
_OWN_STEMMERS: Final = {"ar": arabic.stem, "uk": ukrainian.stem}
# The languages that Snowball has stemmers for, by the codes that it knows. Of Norwegian, it doesn't know the two forms.
_NORWEGIAN: Final = frozenset({"nb", "nn"})
_SNOWBALL: Final = _NORWEGIAN.union(
    {"ca", "cs", "da", "de", "el", "en", "eo", "es", "et", "eu", "fa", "fi", "fr", "ga", "hi", "hu"},
    {"hy", "id", "it", "lt", "ne", "nl", "no", "pl", "pt", "ro", "ru", "sr", "sv", "ta", "tr", "yi"},
)


def normalise(text: str) -> str:
    """Return `text` without case, accents, ligatures, invisible characters and variants of the same letter."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).casefold()
    # Egypt writes “مسئول”, and other countries “مسؤول”.
    text = text.replace("ي\u0654و", "و\u0654و")
    return unicodedata.normalize("NFC", _IGNORED.sub("", text)).translate(_LETTERS)


def words_of(text: str) -> list[str]:
    """Return the words of `text`, normalised. Text written without spaces stays in one piece."""
    return _TOKENS.findall(normalise(text))


def tokens_of(text: str) -> list[str]:
    """Return the tokens of `text` in their order: words, and pairs of characters where words are not separated.

    The last character of such a run is a token as well, so that every character begins one.
    """
    if text.isascii():
        text = text.lower()
    else:
        # No word spans a space, before or after it is normalised.
        text = " ".join([part.lower() if part.isascii() else _tokens[part] for part in text.split()])
    return [token[:MAX_TOKEN_LENGTH] for token in _SEPARATED.findall(text)]


def compounds_of(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each compound in `text` as a token, with its start and end."""
    end = 0
    for mark in _MARK.finditer(text):
        if mark.start() >= end:
            # Looking for compounds in all of the text would take as long as everything else that is indexed.
            start = max(text.rfind(" ", end, mark.start()) + 1, end)
            end = text.find(" ", mark.end())
            end = len(text) if end < 0 else end
            yield from ((compound_token(found[0]), found.span()) for found in COMPOUND.finditer(text, start, end))


def compound_token(compound: str) -> str:
    """Return a compound as a single token: “e-mail” as “email”, “1,000” as “1000”, and “Müller” as “mueller”."""
    joined = _JOINT.sub("", compound)
    return normalise(joined if joined != compound else compound.lower().translate(_TRANSCRIBED))[:MAX_TOKEN_LENGTH]


def _separate(text: str) -> str:
    """Return the tokens of `text`, separated by spaces."""
    normalised = normalise(text)
    found = _TOKENS.findall(normalised)
    if normalised.isascii() or not _HAS_UNSPACED.search(normalised):
        return " ".join(found)
    return " ".join([token for word in found for token in _split(word)])


class _Memo(dict[str, str]):
    """The results of a function for words, most of which recur. Looking them up is many times faster."""

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, word: str) -> str:
        made = self._function(word)
        if len(word) <= _MAX_REMEMBERED_LENGTH:
            if len(self) >= _MAX_REMEMBERED:
                self.clear()
            self[word] = made
        return made


_tokens: Final = _Memo(_separate)


def runs_of(word: str) -> list[str]:
    """Return `word` split into the parts that belong to scripts without spaces and the parts that don't."""
    return _RUNS.findall(word)


def _split(word: str) -> Iterator[str]:
    for run in runs_of(word):
        if is_unspaced(run):
            yield from (run[index : index + 2] for index in range(len(run)))
        else:
            yield run


def is_unspaced(token: str) -> bool:
    """Whether `token` belongs to a script that is indexed in pairs of characters."""
    return _HAS_UNSPACED.match(token) is not None


def stems_by_word(words: Iterable[str], language: str) -> dict[str, str]:
    """Return the stem of each of these normalised words, which may be the word itself."""
    code = stemmer_of(language)
    if not code:
        return {word: word for word in words}
    stems = _stems(code)
    return {word: stems[word] for word in dict.fromkeys(words)}


def stem_of(word: str, language: str) -> str:
    """Return the stem of a normalised word, which may be the word itself."""
    code = stemmer_of(language)
    return _stems(code)[word] if code else word


def with_prepositions(word: str) -> list[str]:
    """Return an Arabic word, or its stem, with each of the prepositions in front of it; nothing if it is too short."""
    return [letter + word for letter in _ARABIC_PREPOSITIONS] if _AFTER_PREPOSITION.fullmatch(word) else []


def stemmer_of(language: str) -> str:
    """Return the code of the language without a region; empty if its stems are not known."""
    code = language.partition("-")[0].lower()
    return code if code in _SNOWBALL or code in _OWN_STEMMERS else ""


@lru_cache(maxsize=_MAX_REMEMBERED_LANGUAGES)
def _stems(code: str) -> _Memo:
    """Return the stems of words in this language, some of which are their own."""
    return _Memo(partial(_stem, code=code))


def _stem(token: str, code: str) -> str:
    """Return the stem of a normalised word in this language, or the word itself."""
    if len(token) < 3 or is_unspaced(token):
        return token
    if own := _OWN_STEMMERS.get(code):
        return own(token)
    if code == "en":
        token = _VARIANT.sub(lambda match: _RESPELLED[match[0]], token)
    # A new stemmer for each word, because it has state, which threads must not share. Creating it without a cache
    # takes no time.
    stem: str = Stemmer("no" if code in _NORWEGIAN else code, 0).stemWord(token)
    # The algorithms may leave accents or capitals of their own.
    return normalise(stem) or token
