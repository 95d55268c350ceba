"""The sidebar: its blocks, what they show and how many queries they take."""

import datetime as dt
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from blog.appearance.blocks import SidebarBlock, default_blocks, sidebar_blocks
from blog.models import Category, Status
from blog.sidebar import Line, sidebar
from core import memory
from core.models import SiteSettings
from core.prepared import Prepared
from core.registry import check_registries
from tests.factories import CategoryFactory, PageFactory, PostFactory
from tests.factories.responses import read

pytestmark = pytest.mark.django_db


@pytest.fixture
def _own_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the blocks that the test registers."""
    monkeypatch.setattr(sidebar_blocks, "data", dict(sidebar_blocks))


class TestBlocksOfTheBlog:
    def test_count_public_posts_only(self, client: Client) -> None:
        category = CategoryFactory(name="books")
        PostFactory(categories=[category], published_at=timezone.make_aware(dt.datetime(2019, 10, 22)))
        PostFactory(categories=[category], status=Status.DRAFT)
        PostFactory(categories=[category], published_at=timezone.now() + dt.timedelta(days=1))
        blocks = client.get("/").context["sidebar"]
        assert blocks["categories"].lines == [Line("books", "/category/books/", count=1)]
        archive, year = blocks["archives"].lines
        assert archive == Line("Archive", "/archive/")
        assert year == Line("2019", "/2019/", count=1)

    def test_show_the_newest_year_first(self, client: Client) -> None:
        for year, month in ((2019, 2), (2020, 1), (2019, 11)):
            PostFactory(published_at=timezone.make_aware(dt.datetime(year, month, 5)))
        _archive, *years = client.get("/").context["sidebar"]["archives"].lines
        assert years == [Line("2020", "/2020/", count=1), Line("2019", "/2019/", count=2)]

    def test_show_categories_as_a_tree(self, client: Client) -> None:
        zebra = CategoryFactory(name="Zebra")
        PostFactory(categories=[CategoryFactory(name="apple", parent=zebra), CategoryFactory(name="banana")])
        lines = client.get("/").context["sidebar"]["categories"].lines
        assert [(line.title, line.depth) for line in lines] == [("banana", 0), ("Zebra", 0), ("apple", 1)]

    def test_show_no_category_without_public_posts(self, client: Client) -> None:
        outer = CategoryFactory(name="outer")
        PostFactory(categories=[CategoryFactory(name="inner", parent=outer)])
        for values in ({"status": Status.DRAFT}, {"published_at": timezone.now() + dt.timedelta(days=1)}):
            PostFactory(categories=[CategoryFactory(parent=outer), CategoryFactory()], **values)
        CategoryFactory(name="empty")
        lines = client.get("/").context["sidebar"]["categories"].lines
        assert [(line.title, line.count) for line in lines] == [("outer", 0), ("inner", 1)]

    def test_show_top_level_pages_in_their_order(self, client: Client) -> None:
        second = PageFactory(title="Second", menu_order=2)
        PageFactory(title="First", menu_order=1)
        PageFactory(title="Hidden", status=Status.DRAFT)
        PageFactory(title="Child", parent=second)
        assert [line.title for line in client.get("/").context["sidebar"]["pages"].lines] == ["First", "Second"]

    def test_name_the_language_of_each_page(self, client: Client) -> None:
        PageFactory(title="Über uns", language="de")
        PageFactory(title="About")
        PageFactory(title="", language="de", slug="x")
        links = read(client.get("/")).xpath("//nav[@aria-labelledby='menu-pages']//a")
        assert {link.text: link.get("lang") for link in links} == {"Über uns": "de", "About": None, "(no title)": None}

    def test_are_shown_in_their_order(self, client: Client) -> None:
        PageFactory()
        PostFactory(categories=[CategoryFactory()])
        page = client.get("/").content.decode()
        places = [page.index(f'id="menu-{name}"') for name in ("pages", "categories", "archives", "meta")]
        assert places == sorted(places)

    def test_of_higher_apps_have_their_places_among_them(self) -> None:
        names = [block["kind"] for block in default_blocks()]
        assert names == ["search", "pages", "categories", "tags", "archives", "languages", "meta", "follow"]

    def test_are_left_out_while_they_are_empty(self, client: Client) -> None:
        page = client.get("/").content.decode()
        assert [name for name in ("pages", "categories", "archives", "meta") if f'id="menu-{name}"' in page] == ["meta"]


@pytest.mark.usefixtures("_own_blocks")
class TestBlockOfAnotherApp:
    @pytest.fixture(autouse=True)
    def _templates(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "shelves.html").write_text("{% for line in block.lines %}[{{ line }}]{% endfor %}")
        (tmp_path / "plain.html").write_text("Nothing but a template")
        templates = settings.TEMPLATES[0]
        settings.TEMPLATES = [templates | {"DIRS": [*templates["DIRS"], tmp_path]}]

    def register_shelves(self) -> None:
        rows = Prepared[tuple[str, str]](lambda now: Category.objects.order_by().values_list("name", "slug"))
        block = SidebarBlock("shelves.html", rows, lambda rows: sorted(f"{name}: {slug}" for name, slug in rows))
        sidebar_blocks.register("shelves", block)

    def test_is_shown_with_its_lines(self, client: Client) -> None:
        CategoryFactory(name="Novels")
        CategoryFactory(name="Essays")
        self.register_shelves()
        assert "[Essays: essays][Novels: novels]" in client.get("/").content.decode()

    def test_can_consist_of_a_template_alone(self, client: Client) -> None:
        sidebar_blocks.register("plain", SidebarBlock("plain.html"))
        assert "Nothing but a template" in client.get("/").content.decode()

    def test_is_read_with_the_same_query_and_then_cached(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        CategoryFactory(name="Novels")
        PageFactory(title="About")
        self.register_shelves()
        site = SiteSettings.current()
        assert site.seconds_to_next_change
        with django_assert_num_queries(1):
            first = sidebar(site, "/")
        with django_assert_num_queries(0):
            assert sidebar(site, "/") == first
        assert first["shelves"].lines == ["Novels: novels"]
        assert first["pages"].lines == [Line("About", "/about/")]

    def test_is_read_again_if_its_lines_were_cached_by_a_release_with_other_fields(
        self, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.register_shelves()
        site = SiteSettings.current()
        first = sidebar(site, "/")
        for slots, queries in ((Line.__slots__, 0), ((*Line.__slots__, "added"), 1)):
            memory.forget()
            monkeypatch.setattr(Line, "__slots__", slots)
            with django_assert_num_queries(queries):
                assert sidebar(site, "/") == first

    def test_without_a_template_is_reported_by_the_system_check(self) -> None:
        sidebar_blocks.register("plain", SidebarBlock("plain.html"))
        assert check_registries() == []
        sidebar_blocks.register("broken", SidebarBlock("no-such-template.html"))
        assert [problem.msg for problem in check_registries()] == [
            "The sidebar block 'broken': There is no template 'no-such-template.html'."
        ]
