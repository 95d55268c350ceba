"""The pages for errors of nginx and Caddy themselves are in every language of the interface, and need no Broadside."""

import re
from pathlib import Path

import pytest
from lxml import html
from pytest_django import Settings

from config.proxy_errors import proxy_errors
from core.languages import SHIPPED
from tests.factories.responses import find, text

NAMES = ("unavailable", "too-large", "too-many", "logged-out")


def pages() -> dict[str, str]:
    return dict(proxy_errors(["/static/css/a.css", "/static/css/b.css"]))


def texts_of(page: str) -> set[str]:
    return {text(element) for tag in ("title", "p") for element in find(html.document_fromstring(page), tag)}


def test_are_in_each_language_and_once_more_in_that_of_the_site() -> None:
    suffixes = ["", *(f".{language}" for language in SHIPPED)]
    assert sorted(pages()) == sorted(f"errors/{name}{suffix}.html" for name in NAMES for suffix in suffixes)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", SHIPPED)
def test_have_the_direction_and_nothing_but_the_texts_of_their_language(name: str, language: str) -> None:
    made = pages()
    page = html.document_fromstring(made[f"errors/{name}.{language}.html"])
    assert (page.get("lang"), page.get("dir")) == (language, "rtl" if language == "ar" else "ltr")
    for other in set(SHIPPED) - {language}:
        assert not texts_of(made[f"errors/{name}.{language}.html"]) & texts_of(made[f"errors/{name}.{other}.html"])


@pytest.mark.parametrize(
    ("code", "language"), [("ar", "ar"), ("es-mx", "es"), ("en-gb", "en"), ("de", "en"), ("zh-hans", "en")]
)
def test_are_in_english_on_a_site_in_a_language_without_translations(
    settings: Settings, code: str, language: str
) -> None:
    settings.LANGUAGE_CODE = code
    made = pages()
    for name in NAMES:
        assert made[f"errors/{name}.html"] == made[f"errors/{name}.{language}.html"]


def test_load_only_the_styles_of_the_site() -> None:
    for page in pages().values():
        assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["/static/css/a.css", "/static/css/b.css"]
        assert not re.search("<(?:script|style|form)|style=|://", page)
        # In the evening, none of them is a white page between dark ones, even without the styles.
        assert '<meta name="color-scheme" content="light dark">' in page


def test_are_made_by_collectstatic_with_the_names_of_the_collected_styles(static_root: Path) -> None:
    made = {path.name: path.read_text("utf-8") for path in (static_root / "errors").iterdir()}
    assert len(made) == len(NAMES) * (len(SHIPPED) + 1)
    for page in made.values():
        styles = re.findall(r'href="/static/([^"]*)"', page)
        assert len(styles) == 2
        assert all(re.search(r"\.[0-9a-f]{12}\.css$", name) and (static_root / name).exists() for name in styles)
