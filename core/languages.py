"""The languages of the interface, and the choice of one for each response.

The page at a URL is always in the same language: that of its text, or else the site's. Nothing depends on the reader's
browser.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import get_language, get_language_info, gettext, pgettext

from core.middleware import Middleware
from core.text import fold

# Languages with a complete catalogue in locale/. English is the language of the messages themselves.
SHIPPED: Final = ("ar", "en", "es", "fr", "ru", "uk")
# A language code as it appears in URLs.
CODE: Final = "[a-z]{2,3}(?:-[a-z0-9]{2,8})*"


def interface_language(language: str) -> str:
    """Return the interface language for a text: its own if we ship that, or else the site's.

    `language` may have a region, such as `ar-dz`, or be empty if it is unknown.
    """
    name = _name(language)
    return name if name in SHIPPED and name != _name(settings.LANGUAGE_CODE) else settings.LANGUAGE_CODE


def language_name(language: str) -> str:
    """Return the native name of a language, or its code if Django doesn't know it; empty if the code is."""
    try:
        return str(get_language_info(language)["name_local"])
    except KeyError:
        return language


def may_be_in_url(language: str) -> bool:
    """Return whether a language code matches CODE. Imports have stored others, such as `pt-BR`."""
    return re.fullmatch(CODE, language) is not None


def known_languages() -> Mapping[str, str]:
    """Return the languages that Django knows, by code, named and sorted in the active language."""
    return _known_languages(get_language())


@lru_cache
def _known_languages(active: str | None) -> Mapping[str, str]:
    names = {code: gettext(name) for code, name in settings.LANGUAGES}
    return MappingProxyType(dict(sorted(names.items(), key=lambda item: fold(item[1]))))


def language_choices() -> list[tuple[str, str]]:
    """Return the interface languages with their native names, as the choices of a form field."""
    return [(code, language_name(code)) for code in SHIPPED]


def alternates(urls: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the languages of translations of one text with their `urls`, as links with `hreflang` name them.

    They include `x-default`, for readers of other languages: the translation into the site's language, or the first.
    Empty if there is only one translation. Source: Google, "Tell Google about localized versions of your page".
    """
    if len(urls) < 2:
        return []
    found = sorted(urls.items())
    default = next((url for language, url in found if _name(language) == _name(settings.LANGUAGE_CODE)), found[0][1])
    return [*found, ("x-default", default)]


def in_quotes(text: object) -> str:
    """Return `text` in the quotation marks of the active language."""
    return gettext("“%(title)s”") % {"title": text}


def in_words(items: Sequence[object]) -> str:
    """Join these items for use in a sentence: “one, two and three”."""
    *others, last = map(str, items)
    if not others:
        return last
    return gettext("%(items)s and %(last)s") % {"items": separator().join(others), "last": last}


def separator() -> str:
    """Return what separates the items of a list."""
    return pgettext("between the items of a list", ", ")


def activate_language(language: str) -> None:
    """Activate the interface language for a text, for the rest of this request."""
    translation.activate(interface_language(language))


@contextmanager
def override_language(language: str) -> Iterator[None]:
    """Activate the interface language for a text within the block."""
    name = interface_language(language)
    # In a list, most texts are in the language of the site. Activating the same language again takes longer.
    with nullcontext() if name == get_language() else translation.override(name):
        yield


class LanguageMiddleware(Middleware):
    """Starts each request in the site's language, whatever the previous request on this thread activated."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with translation.override(settings.LANGUAGE_CODE):
            return self.get_response(request)


def _name(language: str) -> str:
    return language.partition("-")[0]
