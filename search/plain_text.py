"""Sanitised HTML as plain text, for the index and for excerpts."""

import re
from html import unescape
from typing import Final

# Elements within words: what they separate in the source is one word on the page.
_INLINE: Final = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|rp|rt|ruby|s|samp|small|span|strong|sub|sup|u|var)"
    r"(?=[\s/>])[^>]*>"
)
# Titles, which have no full stop, before what they are the titles of.
_TITLE: Final = re.compile(r"</(?<=[^\s>]</)(?:h[1-6]|dt|th|caption|summary)>(?=\s*<)")
_OTHER: Final = re.compile(r"<[^>]*>?")


def plain_text(html: str) -> str:
    """Return the text of sanitised HTML, in which every `<` begins a tag, perhaps one that is cut off at the end.

    It may contain line breaks.

    A dash is between titles and what follows, which would otherwise be read as one sentence.
    """
    return unescape(_OTHER.sub(" ", _TITLE.sub(" – ", _INLINE.sub("", html))))
