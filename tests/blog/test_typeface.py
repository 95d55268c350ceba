"""The typeface that an owner can choose, which this site serves itself."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from blog.appearance.documents import TypeStyle
from blog.appearance.typeface import FILES, SUBSTITUTES
from tests.factories import PostFactory

type Publish = Callable[..., int]

FOLDER = "vendor/literata"
# In bytes, of each file.
MAX_SIZE = 30_000
PRELOAD = re.compile(r'<link rel="preload" href="([^"]*)" as="font" type="font/woff2" crossorigin>')
STYLE = re.compile(r'href="(/appearance-[0-9a-f]+\.css)"')


def found(name: str) -> Path:
    path = finders.find(f"{FOLDER}/{name}")
    assert isinstance(path, str)
    return Path(path)


def get(path: str = "/") -> str:
    return Client().get(path).content.decode()


def style(page: str) -> str:
    match = STYLE.search(page)
    return get(match[1]) if match else ""


class TestFiles:
    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
    def test_are_small(self, file: object) -> None:
        content = found(f"{file.name}.woff2").read_bytes()  # type: ignore[attr-defined]  # a parameter
        assert content.startswith(b"wOF2")
        assert len(content) <= MAX_SIZE

    def test_come_with_their_licence_which_reserves_no_font_name(self) -> None:
        text = found("LICENSE.txt").read_text("utf-8")
        assert text.startswith("Copyright 2017 The Literata Project Authors")
        assert "SIL OPEN FONT LICENSE Version 1.1" in text
        assert "with Reserved Font Name" not in text

    def test_have_the_characters_for_which_browsers_load_them(self) -> None:
        made = found("build.py").read_text("utf-8").replace('"\n    "', "")
        for unicode_range in {file.unicode_range for file in FILES}:
            assert f'"{unicode_range}"' in made


@pytest.mark.django_db
class TestThePages:
    def test_load_it_if_it_was_chosen(self, publish_appearance: Publish) -> None:
        publish_appearance(type_style="literata")
        page = get()
        assert PRELOAD.findall(page) == ["/static/vendor/literata/literata.woff2"]
        rules = style(page)
        for file in FILES:
            assert f'src:url("/static/{FOLDER}/{file.name}.woff2") format("woff2")' in rules
        # Nothing moves.
        assert rules.count("font-display:optional") == len(FILES)
        assert rules.count("size-adjust:") == rules.count("local(") // 2 == len(SUBSTITUTES)

    @pytest.mark.parametrize("name", [name for name in TypeStyle if name != TypeStyle.LITERATA])
    def test_do_not_mention_it_if_another_typeface_was_chosen(self, name: str, publish_appearance: Publish) -> None:
        publish_appearance(type_style=name, accent="#006600")
        page = get()
        assert "literata" not in page.lower()
        assert 'as="font"' not in page
        assert "@font-face" not in style(page)

    @pytest.mark.parametrize(
        ("language", "name"),
        [("en", "literata"), ("fr", "literata"), ("ru", "literata-cyrillic"), ("uk", "literata-cyrillic")],
    )
    def test_load_the_letters_of_their_language(self, language: str, name: str, publish_appearance: Publish) -> None:
        post = PostFactory(language=language)
        publish_appearance(type_style="literata")
        assert PRELOAD.findall(get(post.get_absolute_url())) == [f"/static/{FOLDER}/{name}.woff2"]

    def test_in_arabic_load_no_font(self, publish_appearance: Publish) -> None:
        post = PostFactory(language="ar")
        publish_appearance(type_style="literata")
        page = get(post.get_absolute_url())
        assert not PRELOAD.search(page)
        # And the styles only use it where it is loaded.
        rules = style(page)
        assert re.findall(r"[^{}]+(?=\{[^{}]*--text:)", rules.rpartition("@font-face")[2]) == [
            ':root:has([as="font"])',
            ':root:has([href*="cyrillic"][as="font"])',
        ]
