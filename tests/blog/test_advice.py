"""Advice about a text before it is published, and how it will look elsewhere."""

from typing import Any
from unittest.mock import Mock

import pytest
from django.test import Client
from django.utils.html import escape
from hypothesis import given
from hypothesis import strategies as st

from blog.editing.advice import advice_checks, advice_for
from blog.models import Post, Redirect, Status
from blog.rendering import parse_source
from core.registry import check_registries
from media import trash
from media.models import Picture
from media.pictures import store_picture
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import ROLES, admin_url, client_of, form_data, user_in_role
from tests.factories.files import picture_file

pytestmark = pytest.mark.django_db


def advice(source: str = "", markup: str = "markdown", **fields: Any) -> list[str]:
    """Return the advice about a text that is fine in every other way."""
    post = Post(**{"title": "A lamp", "language": "en", "source": source, "markup": markup} | fields)
    return advice_for(post, [CategoryFactory()], []).sentences


class TestText:
    @pytest.mark.parametrize(
        "source",
        ["", "Words.", "## One\n\n### Two\n\n## Three", "![A lamp](/a.png)", "[The report](https://example.org/)"],
    )
    def test_without_faults_gets_no_advice(self, source: str) -> None:
        assert advice(source) == []

    @pytest.mark.parametrize(
        ("source", "sentence"),
        [
            ("![](/media/a.png)", "1 image has no alternative text for people who can't see it: \u2068a.png\u2069."),
            ("## One\n\n#### Deep *one*", "The heading “Deep one” skips a level, so readers see it as level 3."),
            ("### Three", "The heading “Three” skips a level, so readers see it as level 2."),
            ("[Here](https://example.org/)", "1 link doesn't say where it leads: \u2068“Here”\u2069."),
            ("[read more…](https://example.org/a/)", "1 link doesn't say where it leads: \u2068“read more…”\u2069."),
            ("[هنا](https://example.org/)", "1 link doesn't say where it leads: \u2068“هنا”\u2069."),
        ],
    )
    def test_with_a_fault_gets_a_sentence(self, source: str, sentence: str) -> None:
        assert advice(source) == [sentence]

    def test_with_images_of_other_sites_is_told_that_readers_see_links(self) -> None:
        assert advice("![](/media/a.png) and ![ ](https://example.org/b.png?x)") == [
            "2 images have no alternative text for people who can't see them: \u2068a.png\u2069, \u2068b.png\u2069.",
            "1 image is on another site, so readers see a link in its place: \u2068example.org\u2069. Upload it here.",
        ]
        [sentence] = advice("![A](https://a.example/1.png) ![B](//b.example/2.png) ![C](https://a.example/3.png)")
        names = "\u2068a.example\u2069, \u2068b.example\u2069"
        assert sentence == (
            f"3 images are on other sites, so readers see links in their places: {names}. Upload them here."
        )

    def test_names_images_as_the_media_library_does(self) -> None:
        picture = store_picture(picture_file("The mill.png"))
        faults = advice(f"![]({picture.file.url}) ![](/media/other.png)")
        names = "\u2068“The mill”\u2069, \u2068other.png\u2069"
        assert faults == [f"2 images have no alternative text for people who can't see them: {names}."]

    def test_in_html_is_checked_as_well(self) -> None:
        assert len(advice('<h4>Deep</h4><img src="/a.png"><a href="https://example.org/">here</a>', "html")) == 3

    @given(st.text(alphabet='[]()!#<>/ahref="img src.:?&\x00\n%[2024', max_size=80))
    def test_of_any_kind_never_raises_an_error(self, source: str) -> None:
        for markup in ("markdown", "html"):
            advice_for(Post(source=source, markup=markup), [], [])

    def test_that_cannot_be_rendered_gets_none(self) -> None:
        assert advice("x" * 500_001) == advice("x", "nonsense") == []


class TestLinks:
    def test_to_pages_that_readers_can_open_are_fine(self) -> None:
        post, page = PostFactory(), PageFactory()
        child = PageFactory(parent=page)
        Redirect.objects.create(path="/old/", entry=post)
        urls = [
            *(each.get_absolute_url() for each in (post, page, child)),
            f"http://testserver{post.get_absolute_url()}#more",
            f"{post.get_absolute_url()}2/",
            f"{page.get_absolute_url()}2/",
            page.get_absolute_url().rstrip("/"),
            f"{page.get_absolute_url()}page/2/",
            *("/", "/feed/", "/2019/", "/media/pictures/a.png", "/static/a.css", "/old/", "../x/", "#top"),
            *("/archive/", "/archive", "/tags/a/", "/privacy/", "/robots.txt", "/sitemap.xml", "/favicon.ico"),
            *("mailto:a@example.org", "https://example.org/nothing/"),
        ]
        assert advice("\n\n".join(f"[To it]({url})" for url in urls)) == []

    @pytest.mark.parametrize(
        "url", ["/nothing/", "/2019/10/22/nothing/", "/2019/13/45/nothing/", "http://testserver/a/b/", "/%00/"]
    )
    def test_to_missing_pages_are_broken(self, url: str) -> None:
        (sentence,) = advice(f"[To it]({url})")
        assert sentence.startswith("1 link leads to nothing that readers can open: \u2068/")

    def test_to_unpublished_pages_are_broken(self) -> None:
        draft, page = PostFactory(status=Status.DRAFT), PageFactory(status=Status.PRIVATE)
        urls = [draft.get_absolute_url(), page.get_absolute_url()]
        (sentence,) = advice("\n\n".join(f"[To it]({url})" for url in urls))
        assert (
            sentence == f"2 links lead to nothing that readers can open: \u2068{urls[0]}\u2069, \u2068{urls[1]}\u2069."
        )

    def test_take_a_fixed_number_of_queries(self, django_assert_max_num_queries: Any) -> None:
        category = CategoryFactory()
        source = "\n\n".join(f"[To it](/2019/10/22/a-{number}/) [x](/page-{number}/)" for number in range(100))
        with django_assert_max_num_queries(3):
            advice_for(Post(title="x", language="en", source=source), [category], [])


class TestSettings:
    def test_that_are_missing_are_named(self) -> None:
        post = Post(source="Words.")
        assert advice_for(post, [], []).sentences == [
            "There is no title.",
            "There is no category.",
            "The language is not set. It decides how the text is read aloud, and its direction.",
        ]

    def test_a_page_needs_no_category(self) -> None:
        assert advice_for(PageFactory(language="en"), [], []).sentences == []

    @pytest.mark.parametrize(
        ("language", "source", "is_wrong"),
        [
            ("en", "البند الأول و Amnesty", True),
            ("ar", "البند الأول و Amnesty", False),
            ("ar", "The first item and البند", True),
            ("en", "The first item and البند", False),
            ("ru", "1, 2, 3", False),
        ],
    )
    def test_a_language_that_is_written_in_the_other_direction_is_pointed_out(
        self, language: str, source: str, is_wrong: bool
    ) -> None:
        found = [sentence for sentence in advice(source, language=language) if "other direction" in sentence]
        assert len(found) == is_wrong

    def test_the_featured_image_needs_an_alternative_text(self) -> None:
        picture = store_picture(picture_file(), by=UserFactory())
        (sentence,) = advice(featured_picture=picture)
        assert sentence.startswith("The featured image has no alternative text")


class TestRegistry:
    def test_apps_can_add_their_own_checks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(advice_checks, "tests", lambda draft: [f"Tags: {', '.join(draft.tags)}"])
        post = Post(title="x", language="en")
        assert advice_for(post, [CategoryFactory()], ["a", "b"]).sentences == ["Tags: a, b"]
        assert check_registries() == []

    def test_a_check_that_cannot_be_called_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(advice_checks, "tests", "nonsense")
        assert ["advice check 'tests'" in error.msg for error in check_registries()] == [True]


class TestScreen:
    @pytest.fixture
    def client(self) -> Client:
        return client_of(UserFactory(role="Editor"))

    def test_the_form_shows_the_advice_and_how_it_will_look_elsewhere(self, client: Client) -> None:
        post = PostFactory(title="A lamp", excerpt="What <it> says.", slug="a-lamp")
        page = client.get(admin_url(post, "change")).content.decode()
        for part in ("There is no category.", "testserver › … › a-lamp", escape("What <it> says.")):
            assert part in page

    def test_unsaved_text_is_checked_without_saving_it(self, client: Client) -> None:
        post = PostFactory(title="Saved", categories=[CategoryFactory()], tags=["one"])
        data = form_data(post, title="Unsaved", source="![](/a.png)", slug="not/possible")
        page = client.post(admin_url(post, "advice"), data).content.decode()
        assert "Unsaved" in page
        assert "1 image has no alternative text" in page
        assert "There is no category." not in page
        assert Post.objects.get().title == "Saved"
        assert "There is no category." in client.post(admin_url(Post, "advice_new"), form_data()).content.decode()
        assert client.get(admin_url(post, "advice")).status_code == 405

    def test_images_without_a_description_are_offered_the_one_in_the_library(self, client: Client) -> None:
        lamp, plain, used = (store_picture(picture_file(), alt=alt) for alt in ("A <lamp>", "", "Not offered"))
        gone = store_picture(picture_file(), alt="Deleted")
        trash.delete(Picture, [gone.pk])
        pictures = [f"![]({each.file.url})" for each in (lamp, plain, gone)]
        source = "\n\n".join(
            [*pictures, f"![Own]({used.file.url})", "![](/a.png)", "![](https://example.org/media/x.png)"]
        )
        post = PostFactory(source=source)
        for page in (
            client.get(admin_url(post, "change")),
            client.post(admin_url(post, "advice"), form_data(post, source=source)),
        ):
            html = page.content.decode()
            assert html.count("writing-describe") == 1
            assert f'data-url="{lamp.file.url}"' in html
            assert "A &lt;lamp&gt;" in html
        assert advice_for(Post(source="x" * 500_001 + "/media/"), [], []).descriptions == []

    def test_parses_the_source_only_once(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        parsed = Mock(side_effect=parse_source)
        monkeypatch.setattr("blog.editing.advice.parse_source", parsed)
        post = PostFactory(source="![](/media/a.png)")
        client.post(admin_url(post, "advice"), form_data(post))
        assert parsed.call_count == 1

    @pytest.mark.parametrize("role", ROLES)
    def test_every_user_who_may_change_a_text_gets_advice(self, role: str) -> None:
        user = user_in_role(role)
        own, other = PostFactory(author=user or UserFactory(), status=Status.DRAFT), PostFactory()
        client = client_of(user)
        seen = {
            name
            for name, post in (("own", own), ("other", other))
            if client.post(admin_url(post, "advice"), form_data(post)).status_code == 200
        }
        edits_all = role in {"Editor", "superuser"}
        assert seen == ({"own", "other"} if edits_all else {"own"} if role == "Author" else set())
