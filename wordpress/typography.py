"""Typographic quotes, dashes and dots for straight ones, in plain text between tags.

What becomes what follows the documented behaviour of WordPress (wptexturize), in its English form.
All of it takes time in proportion to the length of the text.
"""

import re

# In all of these the sign comes first and what must stand before it is looked at afterwards: that is much faster.
_WORTH_A_LOOK = re.compile(r"""["'`]|--|\.\.\.|-(?<!\S-)(?!\S)""")
# Addresses and shortcodes stay as typed; punctuation after an address is not part of it.
_KEPT = re.compile(
    r"""((?:https?|ftp)://[^\s<>"\[\]“”]*[^\s<>"\[\]“”'.,;:!?)]"""
    r"""|\bwww\.[^\s<>"\[\]“”]*[^\s<>"\[\]“”'.,;:!?)]"""
    r"""|\[/?[A-Za-z][\w-]*[^\[\]<>\n]*=[^\[\]<>\n]*\])"""
)
_OPENS = r"\s(\[{<>\-–—“‘«¿¡"
_AFTER_NOTHING = re.compile(rf"[{_OPENS}]")
_OPENING_QUOTES = re.compile(rf"""["'](?:(?<![^{_OPENS}]["'])|(?<=&nbsp;["'])|(?<=&\#160;["']))["']*+(?!\s)""")
# '90s; and the words that begin with an apostrophe.
_LEADING_APOSTROPHE = re.compile(
    r"'(?<!\w')(?=\d\ds\b|(?:tain|twere|twas|tis|twill|til|bout|nuff|round|cause|em)\b)", re.IGNORECASE
)
# Feet and inches, degrees in minutes and seconds.
_PRIMES = re.compile(r"""'(?<=\d')(\d{1,2})"(?!\w)""")
_DASH_ALONE = re.compile(r"-(?<!\S-)-?(?!\S)")
_DASHES = re.compile(r"--(?<!xn--)")


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
    text = (" " if not before or _AFTER_NOTHING.match(before) else "x") + text
    text = text.replace("...", "…")
    if "-" in text:
        text = text.replace("---", "—")
        text = _DASH_ALONE.sub(lambda dash: "–" if len(dash[0]) == 1 else "—", text)
        text = _DASHES.sub("–", text)
    if "'" in text or '"' in text:
        text = text.replace("``", "“").replace("''", "”")
        text = _PRIMES.sub(r"′\1″", text)
        text = _LEADING_APOSTROPHE.sub("’", text)
        text = _OPENING_QUOTES.sub(lambda quotes: _opening(quotes[0]), text)
        text = text.replace('"', "”").replace("'", "’")
    return text[1:]


def _opening(quotes: str) -> str:
    return "“”" if quotes == '""' else quotes.replace('"', "“").replace("'", "‘")
