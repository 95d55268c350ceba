"""Tags in the admin, and suggestions while someone enters tags."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from taggit.models import Tag as TaggitTag

from core.models import SiteSettings
from tags.models import Tag, TagAlias
from tests.factories import PostFactory, TagFactory, UserFactory
from tests.factories.admin import client_of, user_in_role

pytestmark = pytest.mark.django_db

LIST = "/admin/tags/tag/"


@pytest.fixture
def editor() -> Client:
    return client_of(UserFactory(role="Editor"))


def listed(editor: Client, query: str = "") -> list[str]:
    return [tag.name for tag in editor.get(LIST + query).context["cl"].result_list]


def suggested(editor: Client, typed: str) -> list[str]:
    names: list[str] = editor.get(f"{LIST}suggest/", {"q": typed}).json()["names"]
    return names


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "listed", "changed", "deleted", "suggested"),
        [
            ("anonymous", 302, 302, 302, 302),
            ("staff", 403, 403, 403, 403),
            ("Author", 200, 200, 403, 200),
            ("Editor", 200, 200, 200, 200),
            ("Moderator", 403, 403, 403, 403),
            ("superuser", 200, 200, 200, 200),
        ],
    )
    def test_each_role_has_its_permissions(
        self, role: str, listed: int, changed: int, deleted: int, suggested: int
    ) -> None:
        client, tag = client_of(user_in_role(role)), TagFactory()
        assert client.get(LIST).status_code == listed
        assert client.get(f"{LIST}{tag.pk}/change/").status_code == changed
        assert client.get(f"{LIST}{tag.pk}/delete/").status_code == deleted
        assert client.get(f"{LIST}suggest/?q=t").status_code == suggested

    def test_authors_cannot_rename_tags(self) -> None:
        tag = TagFactory(name="unchanged")
        client_of(user_in_role("Author")).post(f"{LIST}{tag.pk}/change/", {"name": "changed"})
        assert Tag.objects.get().name == "unchanged"


class TestList:
    def test_shows_post_counts_and_sorts_by_them(self, editor: Client) -> None:
        PostFactory(tags=["often", "once"])
        PostFactory(tags=["often"])
        TagFactory(name="never")
        rows = editor.get(f"{LIST}?o=-3").context["cl"].result_list
        assert [(tag.name, tag.post_count) for tag in rows] == [("often", 2), ("once", 1), ("never", 0)]

    @pytest.mark.parametrize("typed", ["COÖP", "coöperation", "coo\u0308p", " coöp "])
    def test_search_finds_every_spelling_of_a_name(self, editor: Client, typed: str) -> None:
        TagFactory(name="Coöperation")
        TagFactory(name="свобода")
        assert listed(editor, f"?q={typed}") == ["Coöperation"]

    def test_search_ignores_case_in_other_scripts(self, editor: Client) -> None:
        TagFactory(name="Свобода слова")
        assert listed(editor, "?q=СВОБ СЛОВ") == ["Свобода слова"]

    def test_takes_a_fixed_number_of_queries(self, editor: Client, django_assert_num_queries: Any) -> None:
        PostFactory(tags=["a"])
        editor.get(LIST)
        for index in range(2):
            with django_assert_num_queries(9):
                editor.get(LIST)
            PostFactory(tags=[f"{index} {letter}" for letter in "abcde"])

    def test_deleting_in_bulk_makes_cached_pages_expire(
        self, editor: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        PostFactory(tags=["goes"])
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            editor.post(LIST, {"action": "delete_selected", "_selected_action": Tag.objects.get().pk, "post": "yes"})
        assert not Tag.objects.exists()
        assert SiteSettings.current().content_version > before

    def test_the_tags_of_taggit_are_not_registered(self) -> None:
        assert not admin.site.is_registered(TaggitTag)


class TestForm:
    NO_ALIASES = {"aliases-TOTAL_FORMS": 0, "aliases-INITIAL_FORMS": 0}

    def test_an_empty_slug_is_made_from_the_name(self, editor: Client) -> None:
        TagFactory(name="Co-operation", slug="cooperation")
        editor.post(f"{LIST}add/", {"name": "Coöperation", "slug": "", "description": ""} | self.NO_ALIASES)
        assert Tag.objects.get(name="Coöperation").slug == "cooperation-2"

    def test_a_changed_slug_becomes_an_alias(self, editor: Client) -> None:
        tag = TagFactory(name="Cooperation")
        data = {"name": "Cooperation", "slug": "working-together", "description": ""}
        editor.post(f"{LIST}{tag.pk}/change/", data | self.NO_ALIASES)
        assert Tag.objects.get().slug == "working-together"
        assert TagAlias.objects.get().slug == "cooperation"

    def test_an_existing_name_is_an_error(self, editor: Client) -> None:
        TagFactory(name="cooperation")
        data = {"name": "Cooperation", "slug": "", "description": ""}
        response = editor.post(f"{LIST}add/", data | self.NO_ALIASES)
        assert "There is already a tag called “cooperation”." in response.content.decode()

    def test_aliases_can_be_added(self, editor: Client) -> None:
        tag = TagFactory(name="cooperation")
        data = {"name": "cooperation", "slug": "cooperation", "description": ""}
        alias = {"aliases-TOTAL_FORMS": 1, "aliases-0-slug": "co-op", "aliases-0-tag": tag.pk}
        editor.post(f"{LIST}{tag.pk}/change/", data | self.NO_ALIASES | alias)
        assert TagAlias.objects.get().tag == tag


class TestSuggestions:
    def test_list_prefix_matches_first_and_then_the_most_used_tags(self, editor: Client) -> None:
        PostFactory(tags=["human rights", "women's human rights", "human kind"])
        PostFactory(tags=["human rights", "women's human rights"])
        PostFactory(tags=["women's human rights", "else"])
        assert suggested(editor, "human") == ["human rights", "human kind", "women's human rights"]

    def test_ignore_case(self, editor: Client) -> None:
        TagFactory(name="Свобода")
        assert suggested(editor, "СВО") == ["Свобода"]

    @pytest.mark.parametrize("typed", ["", "  ", "%", "_", "nothing like it", "'", "x" * 5000])
    def test_are_empty_if_nothing_matches(self, editor: Client, typed: str) -> None:
        TagFactory(name="tag")
        assert suggested(editor, typed) == []

    def test_are_limited_to_ten(self, editor: Client, django_assert_num_queries: Any) -> None:
        for index in range(12):
            TagFactory(name=f"tag {index}")
        editor.get(LIST)
        with django_assert_num_queries(5):
            assert len(suggested(editor, "tag")) == 10

    def test_refuse_post_requests(self, editor: Client) -> None:
        assert editor.post(f"{LIST}suggest/", {"q": "t"}).status_code == 405
