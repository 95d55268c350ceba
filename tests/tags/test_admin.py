"""Tags in the admin, and suggestions while tags are being entered."""

import datetime as dt
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone
from lxml import html
from taggit.models import Tag as TaggitTag

from blog.models import Status
from core.change_list import IdPaginator
from tags import curation
from tags.models import FormerName, Tag, TagAlias
from tests.factories import PostFactory, TagFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.database import rows_of_all
from tests.factories.models import at
from tests.factories.plans import plan_of
from tests.factories.responses import find, read, text

pytestmark = pytest.mark.django_db

LIST = "/admin/tags/tag/"


@pytest.fixture
def editor() -> Client:
    return client_of(UserFactory(role="Editor"))


def listed(editor: Client, query: str = "") -> list[str]:
    return [tag.name for tag in editor.get(LIST + query).context["cl"].result_list]


def suggested(editor: Client, typed: str) -> list[str]:
    return [tag["name"] for tag in editor.get(f"{LIST}suggest/", {"q": typed}).json()["tags"]]


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "listed", "viewed", "curated", "suggested"),
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
        self, role: str, listed: int, viewed: int, curated: int, suggested: int
    ) -> None:
        client, tag = client_of(user_in_role(role)), TagFactory()
        assert client.get(LIST).status_code == listed
        assert client.get(f"{LIST}{tag.pk}/change/").status_code == viewed
        for path in ("merge/?tags={}", "delete/?tags={}", "{}/rename/"):
            assert client.get(LIST + path.format(tag.pk)).status_code == curated
        assert client.get("/admin/tags/tagchange/").status_code == curated
        assert client.get(f"{LIST}suggest/?q=t").status_code == suggested

    def test_the_button_that_deletes_looks_dangerous(self, editor: Client) -> None:
        page = read(editor.get(f"{LIST}delete/?tags={TagFactory().pk}"))
        assert [text(button) for button in find(page, "button.danger")] == ["Delete"]

    @pytest.mark.parametrize("role", ["anonymous", "staff", "Author", "Moderator"])
    def test_only_editors_and_owners_curate(self, role: str) -> None:
        client, editor = client_of(user_in_role(role)), UserFactory(role="Editor")
        tags = [TagFactory(name=name) for name in "abc"]
        change = curation.delete([tags[2].pk], editor, expected_uses=0)
        before = rows_of_all()
        both = f"{tags[0].pk},{tags[1].pk}"
        for path, data in {
            "tag/merge/": {"tags": both, "target": tags[0].pk, "confirm": tags[0].pk},
            "tag/delete/": {"tags": both, "confirm": "0"},
            f"tag/{tags[0].pk}/rename/": {"name": "x", "slug": "x", "confirm": "x x"},
            f"tag/{tags[0].pk}/change/": {"description": "x"} | TestForm.NO_ALIASES,
            f"tagchange/{change.pk}/undo/": {},
        }.items():
            assert client.post(f"/admin/tags/{path}", data).status_code in {302, 403}
        assert rows_of_all() == before


class TestList:
    def test_is_sorted_like_the_index_ignoring_case_and_accents(self, editor: Client) -> None:
        for name in ("zeal", "Élan", "EU", "archives", "حقوق", "المجتمع", "2020"):
            TagFactory(name=name)
        names = ["2020", "archives", "Élan", "EU", "zeal", "حقوق", "المجتمع"]
        assert listed(editor) == names
        assert listed(editor, "?o=1") == names

    @pytest.mark.parametrize("query", ["", "?use=unused"])
    def test_is_sorted_by_an_index_of_the_database(self, editor: Client, query: str) -> None:
        TagFactory()
        plan = plan_of(editor.get(LIST + query).context["cl"].queryset[:100])
        assert "tag_by_letter" in plan
        # A join would read all assignments first, on PostgreSQL.
        assert "LEFT" not in plan.upper()
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan

    def test_shows_post_counts_and_sorts_by_them(self, editor: Client) -> None:
        PostFactory(tags=["often", "once"])
        PostFactory(tags=["often"])
        TagFactory(name="never")
        rows = editor.get(f"{LIST}?o=-3").context["cl"].result_list
        assert [(tag.name, tag.post_count) for tag in rows] == [("often", 2), ("once", 1), ("never", 0)]

    def test_shows_when_tags_were_first_and_last_used(self, editor: Client) -> None:
        for month in (3, 5, 4):
            PostFactory(tags=["t"], published_at=at(2020, month, 1))
        PostFactory(tags=["t"], status=Status.DRAFT, published_at=at(2021, 1, 1))
        page: Any = html.fromstring(editor.get(LIST).content)
        cells = [cell.text_content() for cell in page.iter("th", "td")][-5:]
        assert cells == ["t", "t", "4", "1 March 2020", "1 May 2020"]

    @pytest.mark.parametrize(("use", "names"), [("unused", ["never"]), ("once", ["once"])])
    def test_filters_by_use(self, editor: Client, use: str, names: list[str]) -> None:
        PostFactory(tags=["often", "once"])
        PostFactory(tags=["often"])
        TagFactory(name="never")
        assert listed(editor, f"?use={use}") == names

    @pytest.mark.parametrize("typed", ["COÖP", "coöperation", "coo\u0308p", " coöp ", "cooperation", "ÇOOP"])
    def test_search_finds_every_spelling_of_a_name(self, editor: Client, typed: str) -> None:
        TagFactory(name="Coöperation")
        TagFactory(name="свобода")
        assert listed(editor, f"?q={typed}") == ["Coöperation"]

    def test_search_ignores_case_in_other_scripts(self, editor: Client) -> None:
        TagFactory(name="Свобода слова")
        assert listed(editor, "?q=СВОБ СЛОВ") == ["Свобода слова"]

    def test_search_finds_former_names_and_slugs(self, editor: Client) -> None:
        tag = TagFactory(name="human rights defenders")
        FormerName.objects.give({"Défenseurs": tag.pk})
        TagAlias.objects.create(slug="hrd", tag=tag)
        TagFactory(name="other")
        for typed in ("hrd", "défens", "DEFENS", "human rights hrd"):
            assert listed(editor, f"?q={typed}") == ["human rights defenders"]

    def test_takes_a_fixed_number_of_queries(
        self, editor: Client, django_assert_max_num_queries: Any, django_assert_num_queries: Any
    ) -> None:
        PostFactory(tags=["a"])
        editor.get(LIST)
        for index in range(2):
            for query in ("", "?q=a", "?use=unused", "?use=once", "?o=-4"):
                with django_assert_max_num_queries(6):
                    editor.get(LIST + query)
            PostFactory(tags=[f"{index} {letter}" for letter in "abcde"])

    def test_a_page_counts_only_the_posts_of_its_own_tags(self) -> None:
        tags = [TagFactory(name=name) for name in "abcde"]
        page: Any = IdPaginator(Tag.objects.with_use().order_by("name"), 2).page(2).object_list
        assert list(page) == tags[2:4]
        shown, chosen = str(page.query).split(" IN (")
        assert "OFFSET 2" in chosen
        assert "count" not in chosen.lower()
        # Any column of the rows but the tag, even their IDs, would be read from the table on PostgreSQL.
        assert "COUNT(*)" in shown

    def test_the_tags_of_taggit_are_not_registered(self) -> None:
        assert not admin.site.is_registered(TaggitTag)


class TestForm:
    NO_ALIASES = {"aliases-TOTAL_FORMS": 0, "aliases-INITIAL_FORMS": 0}

    def test_an_empty_slug_is_made_from_the_name(self, editor: Client) -> None:
        TagFactory(name="Co-operation", slug="cooperation")
        editor.post(f"{LIST}add/", {"name": "Coöperation", "slug": "", "description": ""} | self.NO_ALIASES)
        assert Tag.objects.get(name="Coöperation").slug == "cooperation-2"

    def test_changes_the_description(self, editor: Client) -> None:
        tag = TagFactory(name="Cooperation")
        data = {"description": "Working together."}
        # The slug is read-only, so it has no help text.
        assert "The last part of the URL" not in editor.get(f"{LIST}{tag.pk}/change/").content.decode()
        editor.post(f"{LIST}{tag.pk}/change/", data | self.NO_ALIASES)
        assert Tag.objects.get().description == "Working together."

    def test_an_existing_name_is_an_error(self, editor: Client) -> None:
        TagFactory(name="cooperation")
        data = {"name": "Cooperation", "slug": "", "description": ""}
        response = editor.post(f"{LIST}add/", data | self.NO_ALIASES)
        assert "There is already a tag called “cooperation”." in response.content.decode()

    def test_aliases_can_be_added(self, editor: Client) -> None:
        tag = TagFactory(name="cooperation")
        data = {"name": "cooperation", "slug": "cooperation", "description": ""}
        alias: dict[str, Any] = {"aliases-TOTAL_FORMS": 1, "aliases-0-slug": "co-op", "aliases-0-tag": tag.pk}
        editor.post(f"{LIST}{tag.pk}/change/", data | self.NO_ALIASES | alias)
        assert TagAlias.objects.get().tag == tag

    def test_any_number_of_stored_aliases_is_kept_and_one_more_can_be_added(self, editor: Client) -> None:
        tag = TagFactory(name="cooperation")
        TagAlias.objects.bulk_create(TagAlias(slug=f"co-{n}", tag=tag) for n in range(400))
        url = f"{LIST}{tag.pk}/change/"
        (shown,) = editor.get(url).context["inline_admin_formsets"]
        data: dict[str, Any] = {"aliases-TOTAL_FORMS": 401, "aliases-INITIAL_FORMS": 400, "aliases-400-slug": "co-op"}
        for form in shown.formset.initial_forms:
            data |= {f"{form.prefix}-{name}": form[name].value() for name in ("id", "tag", "slug")}
        assert editor.post(url, {"description": ""} | data).status_code == 302
        assert {alias.slug for alias in tag.aliases.all()} == {"co-op", *(f"co-{n}" for n in range(400))}

    def test_a_forged_number_of_aliases_is_refused(self, editor: Client) -> None:
        tag = TagFactory(name="cooperation")
        forged = {"description": "Changed", "aliases-TOTAL_FORMS": 1000, "aliases-INITIAL_FORMS": 0}
        response = editor.post(f"{LIST}{tag.pk}/change/", forged)
        assert "Please submit at most 50 forms." in response.content.decode()
        (shown,) = response.context["inline_admin_formsets"]
        assert len(shown.formset.forms) == 50
        assert Tag.objects.get().description == ""


class TestAuthors:
    def test_see_nothing_of_tags_that_only_hidden_posts_of_others_have(self) -> None:
        author = UserFactory(role="Author")
        later = timezone.now() + dt.timedelta(days=30)
        PostFactory(tags=["raid", "arrests"], status=Status.DRAFT)
        PostFactory(tags=["arrests", "trial"], published_at=later)
        PostFactory(tags=["arrests"])
        PostFactory(tags=["my raids"], author=author, status=Status.DRAFT)
        TagFactory(name="unused raid")
        client = client_of(author)
        assert listed(client) == ["arrests", "my raids", "unused raid"]
        (arrests,) = client.get(f"{LIST}?q=arrests").context["cl"].result_list
        assert arrests.post_count == 1
        assert arrests.last_used < timezone.now()
        assert suggested(client, "raid") == ["my raids", "unused raid"]
        answer = client.post(f"{LIST}suggest/", {"text": "A raid, arrests and a trial"}).json()
        assert answer == {"tags": [{"name": "arrests", "count": 1, "former": ""}]}
        hidden = Tag.objects.get(name="raid")
        assert client.get(f"{LIST}{hidden.pk}/change/").status_code == 302


class TestSuggestions:
    def test_rank_tags_that_start_with_the_text_first_and_each_group_by_use(self, editor: Client) -> None:
        PostFactory(tags=["human rights", "women's human rights", "human kind", "inhuman"])
        PostFactory(tags=["women's human rights", "human rights", "inhuman"])
        PostFactory(tags=["women's human rights", "else", "inhuman"])
        assert suggested(editor, "human") == ["women's human rights", "human rights", "human kind", "inhuman"]
        assert suggested(editor, "human kind") == ["human kind"]

    def test_start_with_an_exact_match(self, editor: Client) -> None:
        PostFactory(tags=["UN", "UNESCO"])
        PostFactory(tags=["UNESCO"])
        assert suggested(editor, "un") == ["UN", "UNESCO"]

    def test_have_the_number_of_posts_and_the_former_name_that_matched(self, editor: Client) -> None:
        PostFactory(tags=["defenders", "HRDs"])
        curation.merge([Tag.objects.get(name="HRDs").pk], Tag.objects.get(name="defenders").pk, UserFactory())
        answer = editor.get(f"{LIST}suggest/", {"q": "hrd"}).json()
        assert answer == {"tags": [{"name": "defenders", "count": 1, "former": "HRDs"}]}

    @pytest.mark.parametrize(("typed", "name"), [("СВО", "Свобода"), ("coop", "Coöperation"), ("lodz", "Łódź")])
    def test_ignore_case_and_accents(self, editor: Client, typed: str, name: str) -> None:
        TagFactory(name=name)
        assert suggested(editor, typed) == [name]

    @pytest.mark.parametrize("typed", ["", "  ", "%", "_", "nothing like it", "'", "x" * 5000])
    def test_are_empty_if_nothing_matches(self, editor: Client, typed: str) -> None:
        TagFactory(name="tag")
        assert suggested(editor, typed) == []

    def test_are_limited_to_ten(self, editor: Client, django_assert_max_num_queries: Any) -> None:
        for index in range(12):
            TagFactory(name=f"tag {index}")
        editor.get(LIST)
        with django_assert_max_num_queries(6):
            assert len(suggested(editor, "tag")) == 10

    def test_for_a_text_are_the_used_tags_that_occur_in_it_as_whole_words(self, editor: Client) -> None:
        PostFactory(tags=["human rights", "Coöperation", "right", "C++", "HRDs"])
        PostFactory(tags=["Coöperation", "Martin Ennals Award"])
        TagFactory(name="unused")
        text = "An *unused* word on HUMAN\nrights, cooperation; the [Martin Ennals Award](/x/) and C++. HRD's"
        answer = editor.post(f"{LIST}suggest/", {"text": text}).json()
        names = [tag["name"] for tag in answer["tags"]]
        assert names == ["Coöperation", "C++", "Martin Ennals Award", "human rights"]

    @pytest.mark.parametrize("text", ["", "\x00", "a" * 200_000, "a b " * 30_000])
    def test_for_a_hostile_text_are_empty(self, editor: Client, text: str) -> None:
        assert editor.post(f"{LIST}suggest/", {"text": text}).json() == {"tags": []}
