"""The language of the interface around a text, names of languages, and the translation catalogues."""

import gettext
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils.translation import get_language
from pytest_django import Settings

from core.languages import (
    SHIPPED,
    alternates,
    in_quotes,
    in_words,
    interface_language,
    language_choices,
    language_name,
    override_language,
)

LOCALE = Path(django_settings.LOCALE_PATHS[0])
TAG = re.compile(r"</?[a-zA-Z][^>]*>")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")


@pytest.mark.parametrize(
    ("site", "text", "spoken"),
    [
        ("en", "ar", "ar"),
        ("en", "ar-dz", "ar"),
        ("ar", "en", "en"),
        ("en", "de", "en"),
        ("de", "nl", "de"),
        ("fr", "", "fr"),
        # The site's own variant, rather than the language in general.
        ("en-gb", "en", "en-gb"),
        ("es-mx", "es", "es-mx"),
    ],
)
def test_the_interface_around_a_text_uses_its_language_if_that_ships(
    settings: Settings, site: str, text: str, spoken: str
) -> None:
    settings.LANGUAGE_CODE = site
    assert interface_language(text) == spoken


def test_the_previous_language_is_restored() -> None:
    with override_language("ar"):
        assert get_language() == "ar"
        assert in_quotes("x") == "«x»"
    assert get_language() == "en"


@pytest.mark.parametrize(
    ("items", "words"), [(["one"], "one"), (["one", "two"], "one and two"), (["one", "two", 3], "one, two and 3")]
)
def test_a_list_is_written_out_in_words(items: list[object], words: str) -> None:
    assert in_words(items) == words


def test_languages_are_named_in_their_own_language() -> None:
    assert dict(language_choices())["ar"] == "العربيّة"
    assert (language_name("fr"), language_name("xx"), language_name("")) == ("français", "xx", "")
    # Django doesn't know this one.
    assert language_name("ti") == "ትግርኛ"


def test_alternates_include_a_default(settings: Settings) -> None:
    assert alternates({"ar": "/a/", "fr": "/f/"}) == [("ar", "/a/"), ("fr", "/f/"), ("x-default", "/a/")]
    settings.LANGUAGE_CODE = "fr"
    assert alternates({"ar": "/a/", "fr": "/f/"})[-1] == ("x-default", "/f/")
    assert alternates({"fr": "/f/"}) == []


def test_shipped_languages_are_those_with_a_catalogue() -> None:
    assert sorted(path.name for path in LOCALE.iterdir()) == list(SHIPPED)


def messages(language: str) -> dict[Any, str]:
    """Return the translations of a catalogue, keyed by message, or by message and form for plurals."""
    with (LOCALE / language / "LC_MESSAGES/django.mo").open("rb") as file:
        catalogue: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # there is no other way to list them
    return {key: text for key, text in catalogue.items() if key}


@pytest.mark.parametrize("language", [language for language in SHIPPED if language != "en"])
class TestCatalogues:
    """`make check` verifies that they are complete."""

    def test_have_the_same_markup_as_the_messages(self, language: str) -> None:
        wrong = {
            key: text
            for key, text in messages(language).items()
            if isinstance(key, str) and sorted(TAG.findall(key)) != sorted(TAG.findall(text))
        }
        assert wrong == {}

    def test_have_the_same_placeholders_as_the_messages(self, language: str) -> None:
        wrong = {
            key: text
            for key, text in messages(language).items()
            if isinstance(key, str) and set(PLACEHOLDER.findall(key)) != set(PLACEHOLDER.findall(text))
        }
        assert wrong == {}
