"""Validation of an owner's custom CSS, which readers get as a file of its own.

It is never altered: anything that may load files from elsewhere or run code is rejected with its line number. The
pages' Content-Security-Policy forbids both as well. Source: CSS Syntax Module Level 3.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import tinycss2
from django.conf import settings
from django.utils.translation import gettext

# In characters.
MAX_LENGTH: Final = 32_000
# Rules that only define styles, and load nothing.
_AT_RULES: Final = frozenset(
    {
        *("media", "supports", "container", "layer", "scope", "starting-style", "property", "page", "counter-style"),
        *("keyframes", "-webkit-keyframes", "font-face", "font-feature-values", "font-palette-values"),
        *("view-transition", "position-try"),
    }
)
# Functions that load URLs from strings or custom properties, or run code, if only in old browsers.
_FUNCTIONS: Final = frozenset(
    {"src", "image", "image-set", "-webkit-image-set", "cross-fade", "-webkit-cross-fade", "expression"}
)
_PROPERTIES: Final = frozenset({"behavior", "-ms-behavior", "-moz-binding"})

# Types of tokens that contain further tokens.
_NESTED: Final = frozenset({"function", "{} block", "() block", "[] block"})


class Problem(NamedTuple):
    line: int
    text: str


def find_problems(source: str) -> list[Problem]:
    """Return the reasons for rejecting these styles, in the order of their lines; none if they are valid."""
    try:
        tokens = tinycss2.parse_component_value_list(source)
        return list(_problems(tokens))
    except RecursionError:
        return [Problem(1, gettext("The brackets are nested too deeply."))]


def library_urls(source: str) -> list[str]:
    """Return the URLs in valid styles."""
    return list(_urls(tinycss2.parse_component_value_list(source)))


def _urls(tokens: Iterable[Any]) -> Iterator[str]:
    for token in tokens:
        if token.type == "url":
            yield token.value
        elif token.type == "function" and token.lower_name == "url":
            yield from (each.value for each in token.arguments if each.type == "string")
        elif token.type in _NESTED:
            yield from _urls(token.arguments if token.type == "function" else token.content)


def _problems(tokens: Iterable[Any]) -> Iterator[Problem]:
    """Yield the problems of these tokens, and of those inside them."""
    property_name = ""
    for token in tokens:
        match token.type:
            case "whitespace" | "comment":
                continue
            case "error":
                yield Problem(token.source_line, gettext("This isn't valid CSS."))
            case "at-keyword" if token.lower_value not in _AT_RULES:
                yield Problem(token.source_line, gettext("@%(name)s can't be used here.") % {"name": token.value})
            case "url" if not _is_own(token.value):
                yield Problem(token.source_line, _not_own(token.value))
            case "function":
                yield from _problems_of_function(token)
            case "literal" if token.value == ":" and property_name in _PROPERTIES:
                yield Problem(token.source_line, gettext("“%(name)s” can't be used here.") % {"name": property_name})
            case kind if kind in _NESTED:
                yield from _problems(token.content)
        property_name = token.lower_value if token.type == "ident" else ""


def _problems_of_function(function: Any) -> Iterator[Problem]:
    if function.lower_name in _FUNCTIONS:
        name = f"{function.name}()"
        yield Problem(function.source_line, gettext("“%(name)s” can't be used here.") % {"name": name})
    elif function.lower_name == "url":
        # With a quoted URL, url() is a function. Without quotation marks, it is a token of its own.
        texts = [token.value for token in function.arguments if token.type == "string"]
        if len(texts) != 1 or not _is_own(texts[0]):
            yield Problem(function.source_line, _not_own("".join(texts)))
    else:
        yield from _problems(function.arguments)


def _is_own(url: str) -> bool:
    """Return whether the URL belongs to a file in the media library."""
    is_plain = not any(character in "\\?#" or character.isspace() for character in url)
    return url.startswith(settings.MEDIA_URL) and is_plain and ".." not in url


def _not_own(url: str) -> str:
    text = gettext("“%(url)s” is not a file in your media library, whose URLs begin with %(beginning)s.")
    return text % {"url": url[:100], "beginning": settings.MEDIA_URL}
