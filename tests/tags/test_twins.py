"""Likely duplicates among the tags: the stored list, its page, and past decisions. `tests/core` has the scoring."""

from typing import Any

import pytest
from django.test import Client

from tags import twins
from tags.models import Tag, TagTwins
from tests.factories import PostFactory, TagFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db

PAGE = "/admin/tags/tagtwins/"


def found() -> list[tuple[str, str]]:
    return [(pair.first.name, pair.second.name) for pair in twins.stored()]


class TestSearch:
    def test_stores_pairs_likeliest_first(self) -> None:
        for name in ("Azerbaijan", "HRDs", "Azerbajian", "Coöperation", "HRD", "cooperation", "else"):
            TagFactory(name=name)
        assert twins.search() == 3
        assert found() == [("Coöperation", "cooperation"), ("HRDs", "HRD"), ("Azerbaijan", "Azerbajian")]

    def test_replaces_the_earlier_list_but_remembers_pairs_marked_as_different(self) -> None:
        first, second, third = (TagFactory(name=name) for name in ("HRD", "HRDs", "H.R.D."))
        twins.search()
        twins.set_different(second.pk, first.pk)
        third.delete()
        assert twins.search() == 0
        assert found() == []
        assert TagTwins.objects.get().are_different

    def test_pairs_each_tag_with_the_most_used_one(self) -> None:
        for name in ("défenders", "defenders", "Défender"):
            TagFactory(name=name)
        PostFactory(tags=["defenders"])
        twins.search()
        assert [set(pair) for pair in found()] == [{"defenders", "défenders"}, {"defenders", "Défender"}]

    @pytest.mark.django_db(transaction=True)
    def test_two_searches_at_once_store_each_pair_once(self, at_once: AtOnce) -> None:
        for name in ("HRD", "HRDs"):
            TagFactory(name=name)
        assert at_once(twins.search, twins.search) == [1, 1]
        assert found() == [("HRD", "HRDs")]


class TestPage:
    @pytest.mark.parametrize(
        ("role", "status"), [("anonymous", 302), ("staff", 403), ("Author", 403), ("Editor", 200), ("Moderator", 403)]
    )
    def test_is_only_for_users_who_curate_tags(self, role: str, status: int) -> None:
        client = client_of(user_in_role(role))
        TagFactory(name="HRD"), TagFactory(name="HRDs")
        assert client.get(PAGE).status_code == status
        client.post(PAGE, {"search": ""})
        assert TagTwins.objects.exists() == (status == 200)

    def test_searches_merges_and_remembers_decisions(self, django_assert_max_num_queries: Any) -> None:
        editor: Client = client_of(UserFactory(role="Editor"))
        for name in ("Azerbaijan", "Azerbajian", "HRD"):
            TagFactory(name=name)
        post = PostFactory(tags=["HRDs"])
        page = editor.post(PAGE, {"search": ""}, follow=True).content.decode()
        assert "2 pairs of possible duplicates found." in page
        with django_assert_max_num_queries(8):
            editor.get(PAGE)
        with django_assert_max_num_queries(8):
            listed = editor.get("/admin/tags/tag/?use=twins").context["cl"].result_list
        assert len(listed) == 4
        used, unused = Tag.objects.get(name="HRDs"), Tag.objects.get(name="HRD")
        # The most used tag comes first, so that tag is kept.
        assert f"/admin/tags/tag/merge/?tags={used.pk},{unused.pk}" in page
        assert (
            "will get the tag “HRDs”"
            in editor.get(f"/admin/tags/tag/merge/?tags={used.pk},{unused.pk}").content.decode()
        )
        data = {"tags": f"{used.pk},{unused.pk}", "target": used.pk, "other": "", "confirm": used.pk}
        editor.post("/admin/tags/tag/merge/", data)
        assert found() == [("Azerbaijan", "Azerbajian")]
        first, second = Tag.objects.filter(name__startswith="Azer")
        page = editor.post(PAGE, {"different": f"{first.pk},{second.pk}"}, follow=True).content.decode()
        assert "will not be suggested again" in page
        assert "No duplicates found." in editor.post(PAGE, {"search": ""}, follow=True).content.decode()
        assert post.tags.get() == used
