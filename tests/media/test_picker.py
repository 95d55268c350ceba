"""The search for pictures and documents to insert while writing."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from media.documents import store_document
from media.models import Picture
from media.pictures import store_picture
from tests.factories import UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.files import pdf_file, picture_file

pytestmark = pytest.mark.django_db


def search(client: Client, **parameters: str | int) -> Any:
    return client.get(reverse("editor_media"), parameters)


@pytest.fixture
def editor() -> Client:
    return client_of(UserFactory(role="Editor"))


@pytest.mark.parametrize("kind", ["picture", "document"])
@pytest.mark.parametrize(
    ("role", "status"),
    [("anonymous", 403), ("staff", 403), ("Author", 200), ("Editor", 200), ("Moderator", 403), ("superuser", 200)],
)
def test_only_users_who_write_and_see_media_can_search(role: str, status: int, kind: str) -> None:
    assert search(client_of(user_in_role(role)), kind=kind).status_code == status


def test_pictures_match_all_words_in_their_texts_newest_first(editor: Client) -> None:
    store_picture(picture_file(), title="March")
    newest = store_picture(picture_file(), title="Crowd", alt="A march at night")
    Picture.objects.update(credit="R. Lamp")
    store_document(pdf_file(), title="March report")
    files = search(editor, q="march").json()["files"]
    assert [file["title"] for file in files] == ["Crowd", "March"]
    edit = f"/admin/media/picture/{newest.pk}/change/"
    assert files[0] == {
        "id": newest.pk,
        "title": "Crowd",
        "url": newest.file.url,
        "alt": "A march at night",
        "credit": "R. Lamp",
        "width": 12,
        "height": 8,
        "thumbnail": newest.thumbnail_url,
        "edit": edit,
    }
    assert [file["title"] for file in search(editor, q="NIGHT march").json()["files"]] == ["Crowd"]
    assert [file["title"] for file in search(editor, q="night lamp").json()["files"]] == ["Crowd"]
    assert [file["title"] for file in search(editor, kind="document").json()["files"]] == ["March report"]


def test_a_picture_is_found_by_its_id(editor: Client) -> None:
    first, second = (store_picture(picture_file(), title=title, alt="") for title in ("One", "Two"))
    for pk, found in [(first.pk, ["One"]), (second.pk, ["Two"]), (0, []), ("x", [])]:
        assert [file["title"] for file in search(editor, id=str(pk)).json()["files"]] == found


def test_the_case_of_all_letters_is_ignored(editor: Client) -> None:
    store_picture(picture_file(), title="École")
    store_document(pdf_file(), title="Пресс-релиз")
    assert len(search(editor, q="école").json()["files"]) == 1
    assert len(search(editor, q="ПРЕСС", kind="document").json()["files"]) == 1


def test_results_are_paginated(editor: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    sizes = {"width": 1, "height": 1}
    Picture.objects.bulk_create([Picture(file=f"pictures/{index}.png", **sizes) for index in range(25)])
    with django_assert_num_queries(4):
        first = search(editor).json()
    second = search(editor, page=first["next"]).json()
    assert (len(first["files"]), len(second["files"]), second["next"]) == (24, 1, None)
    assert search(editor, page="nonsense").json() == first
