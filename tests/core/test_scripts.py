"""The languages of names in another script than the text around them."""

import pytest
from django.test import Client
from pytest_django import Settings

from core.languages import override_language
from core.scripts import language_of
from tests.factories import CategoryFactory, PostFactory
from tests.factories.responses import find, read


@pytest.mark.parametrize(
    ("site", "around", "name", "language"),
    [
        ("en", "en", "human rights", ""),
        ("en", "en", "défense", ""),
        ("en", "en", "2019", ""),
        ("en", "en", "حقوق الإنسان", "ar"),
        ("en", "en", "حقوق بشر پناهندگان", "fa"),
        ("en", "en", "Правозащитники", "ru"),
        ("en", "en", "Правозахисниці Києва", "uk"),
        ("en", "en", "人权", "zh"),
        ("en", "en", "UN و NGO", ""),
        ("en", "ar", "حقوق الإنسان", ""),
        ("en", "ar", "human rights", "en"),
        ("fr", "ar", "droits humains", "fr"),
        ("ar", "ar", "human rights", ""),
        ("en", "ru", "Правозахисниці", ""),
        ("en", "uk", "حقوق", "ar"),
    ],
)
def test_the_script_of_a_name_tells_its_language(
    site: str, around: str, name: str, language: str, settings: Settings
) -> None:
    settings.LANGUAGE_CODE = site
    with override_language(around):
        assert language_of(name) == language


@pytest.mark.django_db
def test_tags_and_categories_in_another_script_have_a_language() -> None:
    PostFactory(language="en", tags=["حقوق"], categories=[CategoryFactory(name="جوائز")])
    PostFactory(language="ar", tags=["letters"])
    client = Client()
    page = client.get("/").text
    assert 'dir="auto" lang="ar">حقوق</a>' in page
    assert 'dir="auto" lang="ar">جوائز</a>' in page
    assert 'dir="auto" lang="en">letters</a>' in page
    assert '<bdi lang="ar">جوائز</bdi>' in page
    links = find(read(client.get("/tags/")), ".tag-index a")
    assert {link.text: link.get("lang") for link in links} == {"letters": None, "حقوق": "ar"}
