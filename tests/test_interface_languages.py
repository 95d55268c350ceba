"""In each shipped language, every page of a site is entirely in that language, with no English messages left."""

import gettext
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import django
import pytest
from django.conf import settings as django_settings
from django.test import Client
from lxml import html
from pytest_django import Settings

from accounts.models import User
from core.languages import SHIPPED
from tests.factories.whole_site import PUBLIC, admin_paths, make_blog, make_owner

pytestmark = [pytest.mark.django_db, pytest.mark.long]

TRANSLATIONS: Final = [language for language in SHIPPED if language != "en"]
_OURS: Final = Path(django_settings.LOCALE_PATHS[0])
_DJANGO: Final = Path(django.__file__).parent
# The parts of Django whose messages appear in the admin.
_PACKAGES: Final = ("conf", "contrib/admin", "contrib/auth")
_SHOWN_ATTRIBUTES: Final = ("aria-label", "alt", "placeholder", "title")
# Elements with text that users have written, and with the names of keys.
_WITHOUT_MESSAGES: Final = (
    "//script | //style | //textarea | //kbd | //*[@contenteditable] | //*[contains(@class, 'entry-body')]"
)
_MARKUP: Final = re.compile(r"<[^>]*>|%\(\w+\)[a-z]|%[sd]|\{\w*\}")


@cache
def translations(folder: Path, language: str) -> dict[str, list[str]]:
    """Return the messages of a catalogue, with all forms of their translations."""
    with (folder / language / "LC_MESSAGES/django.mo").open("rb") as file:
        catalogue: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # there is no other way to list them
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key, text in catalogue.items():
        # A plural has a key for each form, and a context comes first.
        found[(key[0] if isinstance(key, tuple) else key).rpartition("\4")[2]].append(text)
    return dict(found)


@cache
def english_of(language: str) -> tuple[frozenset[str], re.Pattern[str]]:
    """Return the English that could be left on a page in this language: whole texts, and parts of sentences.

    A part is the longest piece of a message between its placeholders. Text that both languages share is left out.
    Messages that are translated into another language but not into this one count as English too.
    """
    whole: set[str] = set()
    parts: set[str] = set()
    folders = [_OURS, *(_DJANGO / name / "locale" for name in _PACKAGES)]
    here: defaultdict[str, list[str]] = defaultdict(list)
    for folder in folders:
        for message, forms in translations(folder, language).items():
            here[message] += forms
    everywhere = {message for folder in folders for other in TRANSLATIONS for message in translations(folder, other)}
    for message in everywhere - {""}:
        forms = here[message]
        pieces = [" ".join(piece.split()) for piece in _MARKUP.split(message)]
        if len(pieces) == 1 and message not in forms:
            whole.add(pieces[0])
        longest = max(pieces, key=len)
        if len(longest.split()) > 2 and not any(longest in text for text in forms):
            parts.add(longest)
    # An English text may also be this language's translation of another message.
    whole -= {" ".join(text.split()) for forms in here.values() for text in forms}
    # Without these groups, each of the thousands of parts would be compared at each character.
    by_first: defaultdict[str, list[str]] = defaultdict(list)
    for part in sorted(parts, key=len, reverse=True):
        by_first[part[0]].append(re.escape(part[1:]))
    pattern = "|".join(f"{re.escape(first)}(?:{'|'.join(rests)})" for first, rests in by_first.items())
    return frozenset(whole), re.compile(pattern)


def texts(page: bytes) -> Iterator[str]:
    """Yield the texts of a page that users see or hear, in pieces, without what users have written."""
    root: Any = html.fromstring(page)
    for element in root.xpath(_WITHOUT_MESSAGES):
        element.drop_tree()
    for element in root.iter():
        if isinstance(element.tag, str):
            yield from filter(None, [element.text, *(element.get(name) for name in _SHOWN_ATTRIBUTES)])
        yield element.tail or ""


# Cached, because most texts appear on every page of the admin.
@cache
def english_in(text: str, language: str) -> frozenset[str]:
    """Return the English found in a text that should be in this language."""
    whole, parts = english_of(language)
    text = " ".join(text.split())
    return frozenset({text} & whole | {match[0] for match in parts.finditer(text)})


def foreign(page: bytes, language: str) -> list[str]:
    """Return the English found on a page that should be in this language."""
    return sorted({english for text in texts(page) for english in english_in(text, language)})


def found_on(client: Client, paths: dict[str, str], language: str) -> dict[str, list[str]]:
    found = {}
    for name, path in paths.items():
        response = client.get(path, follow=True)
        assert response.status_code in {200, 404}, path
        assert f'lang="{language}"' in response.content.decode(), path
        found[f"{language}: {name}"] = foreign(response.content, language)
    return {name: english for name, english in found.items() if english}


def test_leftover_english_is_detected(client: Client) -> None:
    """Otherwise, the tests below could not fail."""
    make_blog()
    page = client.get(PUBLIC["post with comments"]).content
    for language in TRANSLATIONS:
        assert {"Leave a Reply", "Related posts"} < set(foreign(page, language))


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_public_pages_are_in_the_language_of_the_site(client: Client, settings: Settings, language: str) -> None:
    settings.LANGUAGE_CODE = language
    make_blog()
    # The page of a post in another language is in that language.
    paths = {name: path for name, path in PUBLIC.items() if name != "Arabic post"}
    assert found_on(client, paths, language) == {}


def test_the_admin_is_in_the_language_of_its_user(client: Client) -> None:
    make_blog()
    owner = make_owner()
    client.force_login(owner)
    paths = {path: path for path in admin_paths(owner)}
    found: dict[str, list[str]] = {}
    for language in TRANSLATIONS:
        User.objects.filter(pk=owner.pk).update(language=language)
        found |= found_on(client, paths, language)
    assert found == {}
