"""Sanitised HTML as plain text, for the index and for excerpts."""

import re
from html import unescape
from typing import Final

# Elements that occur within words: what they separate in the source is one word on the page.
_INLINE: Final = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|rp|rt|ruby|s|samp|small|span|strong|sub|sup|u|var)"
    r"(?=[\s/>])[^>]*>"
)
# The ends of titles, which have no full stop, before the text that follows.
_TITLE: Final = re.compile(r"</(?<=[^\s>]</)(?:h[1-6]|dt|th|caption|summary)>(?=\s*<)")
_OTHER: Final = re.compile(r"<[^>]*>?")


def plain_text(html: str) -> str:
    """Return the text of sanitised HTML, in which every `<` begins a tag. The last tag may be cut off.

    The text may contain line breaks. A dash separates titles from the text that follows, so that they don't read as one
    sentence.
    """
    return unescape(_OTHER.sub(" ", _TITLE.sub(" – ", _INLINE.sub("", html))))
