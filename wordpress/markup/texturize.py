"""Curly quotes, dashes and ellipses in the text between tags.

The rules follow the observed behaviour of WordPress (wptexturize), except where it is wrong: a quote opens after
another opening quote, a dash or a «; the text after an element is not the start of a text; words such as ’em and ’tis
are matched as whole words, ignoring case; and no quote stays straight, unless the language has straight ones.
Everything takes linear time.
"""

import re
from typing import Final

from django.conf import settings

from wordpress.markup.typography import Marks, apostrophes, marks_of

# These patterns match a character first and then look behind it, which is much faster than the other way round.
_ANYTHING_TO_DO = re.compile(r"""["'`]|--|\.\.\.|-(?<!\S-)(?!\S)|-&|;-|x(?<=[0-9.,]x)(?=[0-9])|\(tm\)""")
# URLs and shortcodes stay as typed. The punctuation after a URL is not part of it.
_UNCHANGED = re.compile(
    r"""((?:https?|ftp)://[^\s<>"\[\]“”]*[^\s<>"\[\]“”'.,;:!?)]"""
    r"""|\bwww\.[^\s<>"\[\]“”]*[^\s<>"\[\]“”'.,;:!?)]"""
    r"""|\[/?[A-Za-z][^\[\]<>\n=]*+=[^\[\]<>\n]*+\])"""
)
# Straight quotes are first replaced with placeholders, to distinguish them from curly quotes in the text. They are in
# the order of the fields of Marks.
_PLACEHOLDERS: Final = ("\x03", "\x04", "\x01", "\x02", "\x05", "\x06", "\x07")
_OPEN_DOUBLE, _CLOSE_DOUBLE, _OPEN, _CLOSE, _APOSTROPHE, _PRIME, _DOUBLE_PRIME = _PLACEHOLDERS

_SPACE = r"(?:\s|&nbsp;|&\#160;)"
_END_FOLLOWS = rf"(?=\Z|[-.,:;!?)}}\]]|&gt;|{_SPACE})"
_BEFORE_OPENING = r"\s(\[{\-–—“‘«¿¡" + _OPEN + _OPEN_DOUBLE
_MAY_OPEN_AFTER = re.compile(rf"[{_BEFORE_OPENING}]")


def _after_space(char: str) -> str:
    return rf"{char}(?:(?<=\s{char})|(?<=&nbsp;{char})|(?<=&\#160;{char}))"


def _opening(char: str, also: str = "") -> str:
    return rf"{char}(?:(?<=[{_BEFORE_OPENING}{also}]{char})|(?<=&lt;{char})|(?<=&nbsp;{char})|(?<=&\#160;{char}))"


_BEFORE_DIGIT = re.compile("'[0-9]")
_YEAR_AND_END = re.compile(rf"""'([0-9]{{2}})(['"]){_END_FOLLOWS}""")
_YEAR = re.compile(r"'(?=[0-9]{2}(?![%0-9]|[.,][0-9]))")
_NUMBER = re.compile(rf"{_after_space("'")}([0-9][.,0-9]*+)'")
_NUMBER_DOUBLE = re.compile(rf'{_after_space('"')}([0-9][.,0-9]*+)"')
_OPENING = re.compile(_opening("'", also='"'))
_OPENING_DOUBLE = re.compile(_opening('"') + f"(?!{_SPACE})")
# Always an apostrophe.
_BETWEEN_LETTERS = re.compile(r"'(?<=[A-Za-z]')(?=[A-Za-z])")
_IN_WORD = re.compile(rf"""'(?<!\s')(?<!&nbsp;')(?<!&\#160;')(?!\Z|[-.,:;!?"'(){{}}\[\]]|&[lg]t;|{_SPACE})""")
_QUOTE = re.compile(rf"'(?:{_END_FOLLOWS}())?")
_QUOTE_DOUBLE = re.compile(rf'"(?:{_END_FOLLOWS}())?')
_DASH_ALONE = re.compile(rf"{_after_space('-')}-?(?=\Z|{_SPACE})")
_DASHES = re.compile(r"--(?<!xn--)")
_TIMES = re.compile(r"x(?<=[0-9.,]x)(?=[0-9]++\b)", re.ASCII)
# The 3 in 3x4, but not the 0 in 0x3, which is a hexadecimal number.
_FACTOR = re.compile(r"(?:[^\w.,]|^)[.,]*(?!0?$)[0-9.,]+$", re.ASCII)


def texturize(text: str, before: str = "") -> str:
    """Return `text` with the typographic characters of the site's language, as in WordPress.

    `before` is the character before the text, if there is one.
    """
    if not _ANYTHING_TO_DO.search(text):
        return text
    marks = marks_of(settings.LANGUAGE_CODE)
    if "://" not in text and "www." not in text and "[" not in text:
        return _curl(text, before, marks)
    parts = _UNCHANGED.split(text)
    for index in range(0, len(parts), 2):
        parts[index] = _curl(parts[index], parts[index - 1][-1] if index else before, marks)
    return "".join(parts)


def _curl(text: str, before: str, marks: Marks) -> str:
    # Prepend a character that stands for `before`: a quote may open after a space, but not after a `*`.
    text = (" " if not before or _MAY_OPEN_AFTER.match(before) else "*") + text
    text = text.replace("...", "…").replace("``", marks.opening).replace("''", _CLOSE_DOUBLE)
    if "'" in text:
        # Most texts have no other single quotes.
        curled = _BETWEEN_LETTERS.sub(_APOSTROPHE, text)
        text = _curl_single(text, apostrophes(marks.words)) if "'" in curled else curled
    if '"' in text:
        text = _NUMBER_DOUBLE.sub(rf"{_OPEN_DOUBLE}\1{_CLOSE_DOUBLE}", text)
        text = _OPENING_DOUBLE.sub(_OPEN_DOUBLE, text)
        text = _OPEN_DOUBLE.join(
            _close(part, _QUOTE_DOUBLE, _DOUBLE_PRIME, _CLOSE_DOUBLE, is_quoted=index > 0)
            for index, part in enumerate(text.split(_OPEN_DOUBLE))
        ).replace('"', _CLOSE_DOUBLE)
    if "-" in text:
        text = text.replace("---", marks.em_dash)
        text = _DASH_ALONE.sub(lambda dash: marks.en_dash if len(dash[0]) == 1 else marks.em_dash, text)
        text = _DASHES.sub(marks.en_dash, text)
    text = _TIMES.sub(_times, text)
    for placeholder, mark in zip(_PLACEHOLDERS, marks, strict=False):
        text = text.replace(placeholder, mark)
    return text[1:].replace(" (tm)", " ™")


def _curl_single(text: str, in_words: re.Pattern[str]) -> str:
    text = in_words.sub(_APOSTROPHE, text)
    if _BEFORE_DIGIT.search(text):
        text = _YEAR_AND_END.sub(
            lambda year: f"{_APOSTROPHE}{year[1]}{_CLOSE if year[2] == "'" else _CLOSE_DOUBLE}", text
        )
        text = _YEAR.sub(_APOSTROPHE, text)
        text = _NUMBER.sub(rf"{_OPEN}\1{_CLOSE}", text)
    text = _OPENING.sub(_OPEN, text)
    text = _IN_WORD.sub(_APOSTROPHE, text)
    return _OPEN.join(
        _close(part, _QUOTE, _PRIME, _CLOSE, is_quoted=index > 0) for index, part in enumerate(text.split(_OPEN))
    ).replace("'", _APOSTROPHE)


def _times(match: re.Match[str]) -> str:
    # Longer numbers are not factors.
    before = match.string[max(0, match.start() - 20) : match.start()]
    return "×" if _FACTOR.search(before) else "x"


def _close(part: str, quotes: re.Pattern[str], prime: str, close: str, *, is_quoted: bool) -> str:
    """Turn the quotes in `part`, the text from one opening quote to the next, into closing quotes or primes.

    A quote after a digit is a prime, unless the quotation has no other possible end.
    """
    closing: set[int] = set()
    ends = [quote.start() for quote in quotes.finditer(part) if quote[1] is not None]
    if is_quoted and ends and close not in part:
        closing = {end for end in ends if not _after_digit(part, end)}
        if len(ends) == 1 or not closing:
            closing = {next((end for end in reversed(ends) if part[end + 1 : end + 2] == "."), ends[-1])}

    def replacement(quote: re.Match[str]) -> str:
        if quote.start() not in closing and _after_digit(part, quote.start()):
            return prime
        return quote[0] if quote[1] is None else close

    return quotes.sub(replacement, part)


def _after_digit(text: str, at: int) -> bool:
    return at > 0 and text[at - 1] in "0123456789"
