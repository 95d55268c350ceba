"""The blocks that an owner puts into the sidebar, in any order, with their options."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from lxml import html
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from blog.appearance.blocks import default_blocks, read_blocks, rearrange, sidebar_blocks
from blog.appearance.documents import default_document, read
from blog.models import SiteAppearance, Status
from blog.sidebar import sidebar as render_sidebar
from core.models import SiteSettings
from media.models import Picture
from media.uses import uses_of
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory

pytestmark = pytest.mark.django_db

type Publish = Callable[..., int]


def tree_of(page: Any) -> Any:
    return html.document_fromstring(page)


URL = "/admin/blog/siteappearance/1/change/"


def block(kind: str, title: str = "", **options: Any) -> dict[str, Any]:
    return {"kind": kind, "title": title, "options": {**sidebar_blocks[kind].default_options, **options}}


def sidebar(path: str = "/") -> Any:
    (found,) = tree_of(Client().get(path).content).xpath('//*[@id="menu"]')
    return found


def headings() -> list[str]:
    return [heading.text_content() for heading in sidebar().xpath(".//h2")]


def texts(block_id: str, path: str = "/") -> list[str]:
    links = sidebar(path).xpath(f'.//*[@aria-labelledby="{block_id}"]//li')
    return [" ".join(link.text_content().split()) for link in links]


class TestChosenBlocks:
    def test_are_only_mentioned_where_they_are_shown(self, publish_appearance: Publish, client: Client) -> None:
        PostFactory(categories=[CategoryFactory(name="Letters")])
        CategoryFactory(name="Empty", slug="empty")
        years = {"/nothing/": '<a href="/archive/">', "/category/empty/": "the categories and years in the menu"}
        assert [words in client.get(path).content.decode() for path, words in years.items()] == [True, True]
        publish_appearance(blocks=[block("categories")])
        assert [words in client.get(path).content.decode() for path, words in years.items()] == [False, False]

    def test_that_a_missing_page_offers_are_the_overviews(self, publish_appearance: Publish, client: Client) -> None:
        PostFactory()
        publish_appearance(blocks=[block("archives")], sidebar="none")
        main = tree_of(client.get("/nothing/").content).xpath('//*[@id="content"]')[0]
        assert main.xpath(".//ul//a/@href") == ["/", "/archive/"]

    def test_are_shown_in_their_order_and_no_others(self, publish_appearance: Publish) -> None:
        PageFactory(title="About us")
        PostFactory()
        publish_appearance(blocks=[block("meta"), block("archives"), block("pages")])
        assert headings() == ["Meta", "Archives", "Pages"]

    def test_are_not_shown_while_they_are_empty(self, publish_appearance: Publish) -> None:
        empty = [block("about"), block("links"), block("text", "Title"), block("recent-posts")]
        publish_appearance(blocks=[block("search"), *empty])
        assert headings() == ["Search"]
        publish_appearance(blocks=[block("about", text="We are here."), block("links", links="Us /about/")])
        assert headings() == ["About", "Links"]

    def test_have_the_titles_that_they_were_given(self, publish_appearance: Publish) -> None:
        PostFactory()
        publish_appearance(blocks=[block("archives", "Years & <days>")])
        assert headings() == ["Years & <days>"]

    def test_that_equal_the_default_change_nothing(self, publish_appearance: Publish) -> None:
        PostFactory()
        before = Client().get("/").content
        publish_appearance(blocks=default_blocks())
        assert Client().get("/").content == before
        assert SiteAppearance.current().document["blocks"] == []

    def test_can_be_there_more_than_once_if_they_are_texts_or_links(self, publish_appearance: Publish) -> None:
        publish_appearance(blocks=[block("text", "One", text="*a*"), block("text", "Two", text="b")])
        assert headings() == ["One", "Two"]
        ids = re.findall(r'id="(menu-text[^"]*)"', Client().get("/").content.decode())
        assert ids == ["menu-text", "menu-text-2"]

    def test_of_a_removed_kind_are_left_out(self, publish_appearance: Publish) -> None:
        blocks = [block("meta"), {"kind": "gone", "title": "", "options": {}}]
        SiteAppearance.objects.update(document={**default_document(), "blocks": blocks})
        assert headings() == ["Meta"]

    @pytest.mark.parametrize("stored", [None, "x", [1, None], [{}], [{"kind": ["meta"]}], {"a": 1}])
    def test_never_raise_whatever_is_stored(self, stored: object) -> None:
        assert read({"blocks": stored}).blocks == []

    def test_keep_the_valid_options(self) -> None:
        stored = [{"kind": "recent-posts", "title": 7, "options": {"count": -1}}, {"kind": "text", "options": "x"}]
        assert read_blocks(stored) == [block("recent-posts", "7"), block("text")]


class TestKinds:
    def test_about_has_a_picture_and_a_text(self, publish_appearance: Publish) -> None:
        picture = Picture.objects.create(file="pictures/a.png", width=480, height=240, alt="A lamp")
        publish_appearance(blocks=[block("about", picture=str(picture.pk), text="We *keep* it.")])
        (section,) = sidebar().xpath(".//section")
        (image,) = section.xpath(".//img")
        assert (image.get("alt"), image.get("width"), image.get("height")) == ("A lamp", "240", "120")
        assert "<em>keep</em>" in html.tostring(section).decode()
        assert [use.url for use in uses_of(Picture, [picture.pk], AnonymousUser())[picture.pk]] == [URL]
        picture.delete()
        assert not sidebar().xpath(".//img")

    def test_text_runs_nothing(self, publish_appearance: Publish) -> None:
        publish_appearance(blocks=[block("text", text="<script>alert(1)</script><b onclick=x>Bold</b>")])
        found = html.tostring(sidebar()).decode()
        assert "<b>Bold</b>" in found
        assert "<script" not in found

    def test_categories_can_be_shown_without_counts(self, publish_appearance: Publish, categories: None) -> None:
        publish_appearance(blocks=[block("categories", hide_counts=True)])
        assert texts("menu-categories") == ["Books"]

    @pytest.fixture
    def categories(self) -> None:
        PostFactory(categories=[CategoryFactory(name="Books")])

    @pytest.fixture
    def _posts(self) -> None:
        for year, month in ((2019, 2), (2021, 2), (2021, 2), (2021, 11)):
            PostFactory(published_at=timezone.make_aware(dt.datetime(year, month, 3)))

    @pytest.mark.usefixtures("_posts")
    def test_years_open_to_show_their_months(self, publish_appearance: Publish) -> None:
        publish_appearance(blocks=[block("archives", style="months")])
        years = sidebar().xpath(".//details")
        assert [year.xpath("string(summary)").split() for year in years] == [["2021", "(3)"], ["2019", "(1)"]]
        links = [(" ".join(a.text_content().split()), a.get("href")) for a in years[0].xpath(".//a")]
        assert links == [
            ("All of 2021", "/2021/"),
            ("November 2021 (1)", "/2021/11/"),
            ("February 2021 (2)", "/2021/02/"),
        ]
        assert not sidebar().xpath(".//details[@open]")

    @pytest.mark.usefixtures("_posts")
    @pytest.mark.parametrize("path", ["/2021/", "/2021/02/"])
    def test_the_year_of_the_page_is_open(self, publish_appearance: Publish, path: str) -> None:
        publish_appearance(blocks=[block("archives", style="months")])
        (year,) = sidebar(path).xpath(".//details[@open]")
        assert [link.get("href") for link in year.xpath('.//a[@aria-current="page"]')] == [path]

    @pytest.mark.usefixtures("_posts")
    def test_a_select_box_of_years_and_months_works_without_a_script(self, publish_appearance: Publish) -> None:
        publish_appearance(blocks=[block("archives", style="select")])
        (form,) = sidebar("/2021/02/").xpath(".//form")
        assert [option.get("value") for option in form.xpath(".//option")] == [
            *("2021", "2021-11", "2021-02"),
            *("2019", "2019-02"),
        ]
        assert [group.get("label") for group in form.xpath(".//optgroup")] == ["2021", "2019"]
        assert [option.get("value") for option in form.xpath(".//option[@selected]")] == ["2021-02"]
        # Its name is the heading.
        (select,) = form.xpath(".//select")
        assert sidebar().xpath(f'string(.//*[@id="{select.get("aria-labelledby")}"])') == "Archives"
        for value, path in (("2021", "/2021/"), ("2021-02", "/2021/02/")):
            response = Client().get(form.get("action"), {select.get("name"): value})
            assert (response.status_code, response.headers["Location"]) == (301, path)
            assert not response.cookies

    @pytest.mark.parametrize("value", ["x", "2021-2", "2021-02-03", "//evil.example", "٢٠٢١", "2021-02\n", "20211"])
    def test_other_periods_are_not_found(self, value: str) -> None:
        assert Client().get("/", {"period": value}).status_code == 404

    @pytest.mark.usefixtures("_posts")
    def test_months_are_in_the_language_of_the_page(self, publish_appearance: Publish) -> None:
        arabic = PostFactory(language="ar", published_at=timezone.make_aware(dt.datetime(2021, 2, 4)))
        publish_appearance(blocks=[block("archives", style="months")])
        names = {
            " ".join(link.text_content().split()) for link in sidebar(arabic.get_absolute_url()).xpath(".//details//a")
        }
        assert "فبراير 2021 (3)" in names
        assert not any("February" in name for name in names)

    def test_many_months_stay_light(self, publish_appearance: Publish) -> None:
        for year in range(2010, 2024):
            for month in range(1, 13):
                PostFactory(published_at=timezone.make_aware(dt.datetime(year, month, 3)))

        def size() -> int:
            return len(brotli.compress(Client().get("/").content))

        publish_appearance(blocks=[block("archives")])
        years = size()
        for style in ("months", "select"):
            publish_appearance(blocks=[block("archives", style=style)])
            assert size() - years < 1_500

    @pytest.mark.parametrize("style", ["list", "months", "select"])
    def test_every_style_takes_the_same_query(
        self, publish_appearance: Publish, style: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        PostFactory()
        publish_appearance(blocks=[block("archives", style=style)])
        site = SiteSettings.current()
        assert site.seconds_to_next_change
        with django_assert_num_queries(1):
            found = render_sidebar(site, "/")
        assert [shown.key for shown in found.values()] == ["archives"]

    def test_recent_posts_are_public_ones(self, publish_appearance: Publish) -> None:
        for number in range(3):
            PostFactory(title=f"Post {number}", published_at=timezone.make_aware(dt.datetime(2020, 1, number + 1)))
        PostFactory(title="Draft", status=Status.DRAFT)
        PostFactory(title="Later", published_at=timezone.now() + dt.timedelta(days=1))
        publish_appearance(blocks=[block("recent-posts", count=2)])
        assert texts("menu-recent-posts") == ["Post 2", "Post 1"]

    def test_recent_comments_are_public_ones(self, publish_appearance: Publish) -> None:
        post = PostFactory(title="A post")
        CommentFactory(entry=post, name="Amina")
        CommentFactory(entry=post, name="Boris", status="pending")
        CommentFactory(entry=PostFactory(title="Guarded", password="x"), name="Chiara")
        CommentFactory(entry=PostFactory(title="Draft", status=Status.DRAFT), name="Dora")
        publish_appearance(blocks=[block("recent-comments", count=10)])
        assert texts("menu-recent-comments") == ["Amina on A post"]

    def test_recent_comments_speak_the_language_of_each_page(self, publish_appearance: Publish) -> None:
        post = PostFactory(title="A post", language="ar")
        CommentFactory(entry=post, name="")
        publish_appearance(blocks=[block("recent-comments")])
        for path, name in (("/", "Anonymous"), (post.get_absolute_url(), "مجهول"), ("/", "Anonymous")):
            (line,) = texts("menu-recent-comments", path)
            assert line.startswith(name)

    def test_recent_comments_follow_each_decision(
        self, publish_appearance: Publish, django_capture_on_commit_callbacks: Any
    ) -> None:
        comment = CommentFactory(name="Amina")
        publish_appearance(blocks=[block("recent-comments")])
        assert len(texts("menu-recent-comments")) == 1
        with django_capture_on_commit_callbacks(execute=True):
            type(comment).objects.filter(pk=comment.pk).update(status="spam")
        assert texts("menu-recent-comments") == []

    def test_a_tag_cloud_has_the_most_used_by_name(self, publish_appearance: Publish) -> None:
        PostFactory(tags=["zebra", "apple", "rare"])
        PostFactory(tags=["zebra", "apple"])
        publish_appearance(blocks=[block("tags", count=2)])
        assert texts("menu-tags") == ["apple", "zebra"]

    def test_links_are_chosen_by_the_owner(self, publish_appearance: Publish) -> None:
        lines = "The archive of songs https://songs.example/\n\n  About us   /about/ \nmailto:a@b.example"
        publish_appearance(blocks=[block("links", "Blogroll", links=lines)])
        found = [(link.text_content(), link.get("href")) for link in sidebar().xpath(".//nav//a")]
        assert found == [
            ("The archive of songs", "https://songs.example/"),
            ("About us", "/about/"),
            ("mailto:a@b.example", "mailto:a@b.example"),
        ]

    @pytest.mark.parametrize(
        "line",
        [
            "x javascript:alert(1)",
            "x data:text/html,y",
            "no URL",
            "x //evil.example/",
            "x https://",
            "x /\\evil.example",
        ],
    )
    def test_links_lead_nowhere_dangerous(self, line: str) -> None:
        assert read_blocks([block("links", links=line)]) == [block("links")]

    def test_feeds(self, publish_appearance: Publish) -> None:
        publish_appearance(blocks=[block("feeds")])
        assert [link.get("href") for link in sidebar().xpath(".//nav//a")] == ["/feed/", "/feed/atom/", "/feed/json/"]


def test_blocks_take_no_more_queries(
    publish_appearance: Publish, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    PostFactory(tags=["a"])
    kinds = [kind for kind in sidebar_blocks if kind != "recent-comments"]
    publish_appearance(blocks=[block(kind) for kind in kinds])
    Client().get("/")
    # The content version and the posts, which were listed before.
    with django_assert_num_queries(2):
        Client().get("/?fresh")


class TestTheForm:
    @pytest.fixture
    def client(self, owner: User) -> Client:
        client = Client()
        client.force_login(owner)
        return client

    def fields(self, page: bytes) -> QueryDict:
        """Return what the form would send."""
        tree: Any = tree_of(page)
        (form,) = [form for form in tree.forms if form.get("id") == "siteappearance_form"]
        data = QueryDict(mutable=True)
        for name, value in form.form_values():
            data.appendlist(name, value)
        return data

    def send(self, client: Client, data: QueryDict, button: str) -> Any:
        return client.post(URL, data.urlencode() + f"&do={button}", content_type="application/x-www-form-urlencoded")

    def kinds(self, response: Any) -> list[str]:
        value = response.context["form"]["blocks"].value()
        return [each["kind"] for each in value or default_blocks()]

    def test_moves_removes_and_adds_blocks_without_a_script(self, client: Client) -> None:
        response = client.get(URL)
        first, second, *others = self.kinds(response)
        response = self.send(client, self.fields(response.content), "down-0")
        assert self.kinds(response) == [second, first, *others]
        response = self.send(client, self.fields(response.content), "up-1")
        assert self.kinds(response) == [first, second, *others]
        response = self.send(client, self.fields(response.content), "remove-0")
        assert self.kinds(response) == [second, *others]
        data = self.fields(response.content)
        data["add"] = "text"
        response = self.send(client, data, "add")
        assert self.kinds(response) == [second, *others, "text"]
        assert "This block is empty, so readers don't see it." in response.content.decode()
        # Nothing is saved until the owner saves it.
        assert SiteAppearance.current().draft is None
        data = self.fields(response.content)
        number = data.getlist("blocks")[-1]
        data[f"blocks-{number}-text"] = "Hello"
        assert self.send(client, data, "save").status_code == 302
        draft = read(SiteAppearance.current().draft)
        assert [each["kind"] for each in draft.blocks] == [second, *others, "text"]
        assert draft.blocks[-1]["options"] == {"text": "Hello"}

    def test_says_which_block_is_wrong(self, client: Client) -> None:
        data = self.fields(client.get(URL).content)
        data["add"] = "links"
        data = self.fields(self.send(client, data, "add").content)
        number = data.getlist("blocks")[-1]
        data[f"blocks-{number}-links"] = "x javascript:alert(1)"
        page = self.send(client, data, "publish").content.decode()
        assert "Correct the block “Links”." in page
        assert "“x javascript:alert(1)” doesn&#x27;t end with a URL" in page
        assert "<details open" in page

    def test_takes_no_block_twice(self, client: Client) -> None:
        data = self.fields(client.get(URL).content)
        data.appendlist("blocks", "9")
        data["blocks-9-kind"] = "meta"
        page = self.send(client, data, "save").content.decode()
        assert "The block “Login and feeds” appears twice." in page

    @pytest.mark.parametrize("action", ["", "save", "up-9", "remove-x", "publish"])
    def test_other_buttons_rearrange_nothing(self, action: str) -> None:
        assert rearrange(QueryDict("blocks=0&blocks=1"), "blocks", action) is None

    @pytest.mark.parametrize(
        ("action", "numbers"),
        [("up-0", "01"), ("down-1", "01"), ("up-1", "10"), ("down-0", "10"), ("remove-1", "0"), ("add", "012")],
    )
    def test_blocks_at_the_ends_stay_there(self, action: str, numbers: str) -> None:
        changed = rearrange(QueryDict("blocks=0&blocks=1&add=text"), "blocks", action)
        assert changed is not None
        assert "".join(changed.getlist("blocks")) == numbers

    @pytest.mark.parametrize("number", ["x", "", "9" * 5000, "²"])
    def test_a_block_is_added_whatever_was_sent_as_the_number_of_another(self, number: str) -> None:
        changed = rearrange(QueryDict(f"blocks={number}&add=text"), "blocks", "add")
        assert changed is not None
        assert changed.getlist("blocks") == [number, "1"]
