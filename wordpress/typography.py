"""Typographic quotes, dashes and dots for straight ones, in plain text between tags.

What becomes what follows the observed behaviour of WordPress (wptexturize), in its English form. It
differs on purpose where WordPress errs: a quote opens after another one that opens, after a dash or a «, and
what stands behind an element's end does not begin anew; words such as ’em and ’tis are whole words, whatever
their case; and no quote stays straight. Addresses stay as typed.

All of it takes time in proportion to the length of the text.
"""

import re

# In all of these the sign comes first and what must stand before it is looked at afterwards: that is much faster.
_WORTH_A_LOOK = re.compile(r"""["'`]|--|\.\.\.|-(?<!\S-)(?!\S)|-&|;-|x(?<=[0-9.,]x)(?=[0-9])|\(tm\)""")
# Addresses and shortcodes stay as typed; punctuation after an address is not part of it.
_KEPT = re.compile(
    r"""((?:https?|ftp)://[^\s<>"\[\]“”]*[^\s<>"\[\]“”'.,;:!?)]"""
    r"""|\bwww\.[^\s<>"\[\]“”]*[^\s<>"\[\]“”'.,;:!?)]"""
    r"""|\[/?[A-Za-z][\w-]*[^\[\]<>\n]*=[^\[\]<>\n]*\])"""
)
# Each straight quote is first marked for what it is, so that signs typed as such are not taken for it.
_OPEN, _CLOSE, _OPEN_DOUBLE, _CLOSE_DOUBLE, _APOSTROPHE = "\x01", "\x02", "\x03", "\x04", "\x05"
_SIGNS = {_OPEN: "‘", _CLOSE: "’", _OPEN_DOUBLE: "“", _CLOSE_DOUBLE: "”", _APOSTROPHE: "’"}

_BLANK = r"(?:\s|&nbsp;|&\#160;)"
_ENDS = rf"(?=\Z|[-.,:;!?)}}\]]|&gt;|{_BLANK})"
_OPENS = r"\s(\[{\-–—“‘«¿¡" + _OPEN + _OPEN_DOUBLE
_AFTER_NOTHING = re.compile(rf"[{_OPENS}]")


def _after_blank(sign: str) -> str:
    return rf"{sign}(?:(?<=\s{sign})|(?<=&nbsp;{sign})|(?<=&\#160;{sign}))"


def _opening(sign: str, also: str = "") -> str:
    return rf"{sign}(?:(?<=[{_OPENS}{also}]{sign})|(?<=&lt;{sign})|(?<=&nbsp;{sign})|(?<=&\#160;{sign}))"


_WORDS_CUT = re.compile(
    r"'(?=(?:tain['’]t|twere|twas|tis|twill|til|bout|nuff|round|cause|em)(?![\w'’]))", re.IGNORECASE
)
_BEFORE_DIGIT = re.compile("'[0-9]")
_YEAR_AND_END = re.compile(rf"""'([0-9]{{2}})(['"]){_ENDS}""")
_YEAR = re.compile(r"'(?=[0-9]{2}(?![%0-9]|[.,][0-9]))")
_NUMBER = re.compile(rf"{_after_blank("'")}([0-9][.,0-9]*+)'")
_NUMBER_DOUBLE = re.compile(rf'{_after_blank('"')}([0-9][.,0-9]*+)"')
_OPENING = re.compile(_opening("'", also='"'))
_OPENING_DOUBLE = re.compile(_opening('"') + f"(?!{_BLANK})")
# Nothing but an apostrophe, whatever stands around.
_BETWEEN_LETTERS = re.compile(r"'(?<=[A-Za-z]')(?=[A-Za-z])")
_IN_WORD = re.compile(rf"""'(?<!\s')(?<!&nbsp;')(?<!&\#160;')(?!\Z|[-.,:;!?"'(){{}}\[\]]|&[lg]t;|{_BLANK})""")
_QUOTE = re.compile(rf"'(?:{_ENDS}())?")
_QUOTE_DOUBLE = re.compile(rf'"(?:{_ENDS}())?')
_DASH_ALONE = re.compile(rf"{_after_blank('-')}-?(?=\Z|{_BLANK})")
_DASHES = re.compile(r"--(?<!xn--)")
_TIMES = re.compile(r"x(?<=[0-9.,]x)(?=[0-9]++\b)", re.ASCII)
# 3 in 3x4, but not the 0 in the 0x3 of a program.
_FACTOR = re.compile(r"(?:[^\w.,]|^)[.,]*(?!0?$)[0-9.,]+$", re.ASCII)
# Digits. A longer number is multiplied by nobody.
_MAX_FACTOR = 20


def typographic(text: str, before: str = "") -> str:
    """`text` with curly quotes, dashes and an ellipsis. `before` is the sign that stands in front of it, if any."""
    if not _WORTH_A_LOOK.search(text):
        return text
    if "://" not in text and "www." not in text and "[" not in text:
        return _curled(text, before)
    parts = _KEPT.split(text)
    for number in range(0, len(parts), 2):
        parts[number] = _curled(parts[number], parts[number - 1][-1] if number else before)
    return "".join(parts)


def _curled(text: str, before: str) -> str:
    # A stand-in for what is in front: all that counts is whether a quote may open after it.
    text = (" " if not before or _AFTER_NOTHING.match(before) else "*") + text
    text = text.replace("...", "…").replace("``", "“").replace("''", _CLOSE_DOUBLE)
    if "'" in text:
        # In most texts that is all there is.
        curled = _BETWEEN_LETTERS.sub(_APOSTROPHE, text)
        text = _single_curled(text) if "'" in curled else curled
    if '"' in text:
        text = _NUMBER_DOUBLE.sub(rf"{_OPEN_DOUBLE}\1{_CLOSE_DOUBLE}", text)
        text = _OPENING_DOUBLE.sub(_OPEN_DOUBLE, text)
        text = _OPEN_DOUBLE.join(
            _ended(part, _QUOTE_DOUBLE, "″", _CLOSE_DOUBLE, is_quoted=number > 0)
            for number, part in enumerate(text.split(_OPEN_DOUBLE))
        ).replace('"', "”")
    if "-" in text:
        text = text.replace("---", "—")
        text = _DASH_ALONE.sub(lambda dash: "–" if len(dash[0]) == 1 else "—", text)
        text = _DASHES.sub("–", text)
    text = _TIMES.sub(_times, text)
    for mark, sign in _SIGNS.items():
        text = text.replace(mark, sign)
    return text[1:].replace(" (tm)", " ™")


def _single_curled(text: str) -> str:
    text = _WORDS_CUT.sub(_APOSTROPHE, text)
    if _BEFORE_DIGIT.search(text):
        text = _YEAR_AND_END.sub(
            lambda year: f"{_APOSTROPHE}{year[1]}{_CLOSE if year[2] == "'" else _CLOSE_DOUBLE}", text
        )
        text = _YEAR.sub(_APOSTROPHE, text)
        text = _NUMBER.sub(rf"{_OPEN}\1{_CLOSE}", text)
    text = _OPENING.sub(_OPEN, text)
    text = _IN_WORD.sub(_APOSTROPHE, text)
    return _OPEN.join(
        _ended(part, _QUOTE, "′", _CLOSE, is_quoted=number > 0) for number, part in enumerate(text.split(_OPEN))
    ).replace("'", "’")


def _times(sign: re.Match[str]) -> str:
    start = sign.start()
    return "×" if _FACTOR.search(sign.string[max(0, start - _MAX_FACTOR) : start]) else "x"


def _ended(part: str, quotes: re.Pattern[str], prime: str, close: str, *, is_quoted: bool) -> str:
    """`part`, from one opening quote to the next, with its quotes as ends or, after a digit, as primes.

    If the quotation has one possible end only, or none but after digits, one of these is the end.
    """
    found = list(quotes.finditer(part))
    if not found:
        return part
    closing: set[int] = set()
    ends = [quote.start() for quote in found if quote[1] is not None]
    if is_quoted and ends and close not in part:
        closing = {end for end in ends if not _after_digit(part, end)}
        if len(ends) == 1 or not closing:
            closing = {next((end for end in reversed(ends) if part[end + 1 : end + 2] == "."), ends[-1])}
    pieces: list[str] = []
    done = 0
    for quote in found:
        at = quote.start()
        is_prime = at not in closing and _after_digit(part, at)
        pieces += (part[done:at], prime if is_prime else quote[0] if quote[1] is None else close)
        done = at + 1
    return "".join([*pieces, part[done:]])


def _after_digit(text: str, at: int) -> bool:
    return at > 0 and text[at - 1] in "0123456789"
