"""The owner's menus: what they link to, and which links disappear automatically."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from lxml import html
from pytest_django import DjangoAssertNumQueries, Settings

import tags.curation
from accounts.models import User
from blog import curation
from blog.appearance.documents import AppearanceForm, default_document, read
from blog.appearance.looks import look_of
from blog.appearance.menus import Item, OfferedMenu, fill_menu, lines_of, links_of, offered_menus
from blog.appearance.uses import linked_ids
from blog.appearance.versions import publish_again, save_draft, stamp
from blog.models import Page, SiteAppearance, Status
from core.models import SiteSettings
from tests.factories import CategoryFactory, PageFactory, PostFactory, TagFactory, at

pytestmark = pytest.mark.django_db

type Publish = Callable[..., int]


def tree_of(page: Any) -> Any:
    return html.document_fromstring(page)


URL = "/admin/blog/siteappearance/1/change/"


def menu(label: str = "Main menu", path: str = "/") -> list[tuple[str, str]]:
    links = tree_of(Client().get(path).content).xpath(f'//nav[@aria-label="{label}"]//a')
    return [(link.text_content(), link.get("href")) for link in links]


class TestMenus:
    def test_are_in_the_header_and_the_footer(self, publish_appearance: Publish) -> None:
        publish_appearance(
            header_menu="Top /x/", footer_menu="End /y/", social_menu="Mastodon https://social.example/@us"
        )
        tree = tree_of(Client().get("/").content)
        assert tree.xpath('//header//nav[@class="menu"]//a/@href') == ["/x/"]
        assert tree.xpath('//footer[@class="colophon"]//nav[@class="menu"]//a/@href') == [
            "/y/",
            "https://social.example/@us",
        ]
        # So that the other site can verify who links to it.
        assert tree.xpath('//a[@rel="me"]/@href') == ["https://social.example/@us"]

    def test_link_to_everything_that_has_a_url(self, publish_appearance: Publish) -> None:
        PageFactory(title="About us", slug="about")
        post = PostFactory(title="A post", published_at=at(2020, 1, 2))
        CategoryFactory(name="Awards")
        TagFactory(name="Peace", slug="peace")
        lines = [post.get_absolute_url(), "/about/", "/category/awards/", "/tag/peace/", "Years /archive/"]
        publish_appearance(header_menu="\n".join([*lines, "Songs of the sea https://songs.example/"]))
        assert menu() == [
            ("A post", post.get_absolute_url()),
            ("About us", "/about/"),
            ("Awards", "/category/awards/"),
            ("Peace", "/tag/peace/"),
            ("Years", "/archive/"),
            ("Songs of the sea", "https://songs.example/"),
        ]

    @pytest.mark.parametrize("slug", ["about", "من-نحن"])
    def test_mark_the_page_where_the_reader_is(self, publish_appearance: Publish, slug: str) -> None:
        url = PageFactory(slug=slug).get_absolute_url()
        publish_appearance(header_menu=f"{url}\nYears /archive/")
        tree = tree_of(Client().get(url).content)
        for place in ('nav[@class="menu"]', '*[@class="sidebar"]'):
            assert tree.xpath(f'//{place}//a[@aria-current="page"]/@href') == [url]

    def test_follow_titles_and_urls(self, publish_appearance: Publish, django_capture_on_commit_callbacks: Any) -> None:
        page = PageFactory(title="About us", slug="about")
        publish_appearance(header_menu="/about/\nOurs /about/")
        with django_capture_on_commit_callbacks(execute=True):
            Page.objects.filter(pk=page.pk).update(title="Who we are", slug="who", path="who")
        assert menu() == [("Who we are", "/who/"), ("Ours", "/who/")]

    @pytest.mark.parametrize("status", [Status.DRAFT, Status.PRIVATE, Status.TRASH])
    def test_leave_out_what_readers_cannot_see(
        self, status: str, publish_appearance: Publish, django_capture_on_commit_callbacks: Any
    ) -> None:
        page = PageFactory(title="Secret", slug="about")
        publish_appearance(header_menu="/about/\nYears /archive/")
        assert len(menu()) == 2
        with django_capture_on_commit_callbacks(execute=True):
            Page.objects.filter(pk=page.pk).update(status=status)
        assert menu() == [("Years", "/archive/")]
        with django_capture_on_commit_callbacks(execute=True):
            Page.objects.filter(pk=page.pk).update(status=Status.PUBLISHED)
        assert len(menu()) == 2

    def test_leave_out_drafts_without_a_date(self, publish_appearance: Publish) -> None:
        draft = PostFactory(title="Secret", status=Status.DRAFT, published_at=None)
        nothing = f"/?p={draft.pk + 1}"
        lines = [f"/?p={draft.pk}", f"Ours {draft.get_absolute_url()}", f"Nothing {nothing}", "Years /archive/"]
        publish_appearance(header_menu="\n".join(lines))
        assert menu() == [("Nothing", nothing), ("Years", "/archive/")]

    def test_recognise_urls_copied_from_the_address_bar(
        self, publish_appearance: Publish, settings: Settings, django_capture_on_commit_callbacks: Any
    ) -> None:
        page = PageFactory(title="About us", slug="about")
        settings.SITE_URL = "https://blog.example"
        other = "https://blog.example.org/about/"
        lines = ["https://blog.example/about/", "Years https://blog.example/archive/", f"Theirs {other}"]
        publish_appearance(header_menu="\n".join(lines))
        with django_capture_on_commit_callbacks(execute=True):
            Page.objects.filter(pk=page.pk).update(slug="who", path="who")
        assert menu() == [("About us", "/who/"), ("Years", "/archive/"), ("Theirs", other)]

    def test_lead_to_what_their_targets_were_merged_into(
        self, publish_appearance: Publish, owner: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        award, awards = CategoryFactory(name="Award"), CategoryFactory(name="Awards")
        hrd, hrds = TagFactory(name="HRD", slug="hrd"), TagFactory(name="HRDs", slug="hrds")
        publish_appearance(header_menu="/category/award/")
        first = publish_appearance(header_menu="/category/award/\nDefenders /tag/hrd/\nYears /archive/")
        row = SiteAppearance.current()
        save_draft(row.document | {"footer_menu": row.document["header_menu"]}, seen=stamp(row))
        with django_capture_on_commit_callbacks(execute=True):
            curation.merge([award.pk], awards.pk, owner)
            tags.curation.merge([hrd.pk], hrds.pk, owner)
        moved = [("Awards", "/category/awards/"), ("Defenders", "/tag/hrds/"), ("Years", "/archive/")]
        assert menu() == moved
        draft = SiteAppearance.current().draft
        assert draft is not None
        for name in ("header_menu", "footer_menu"):
            assert [(link.title, link.url) for link in links_of(draft[name])] == moved
        with django_capture_on_commit_callbacks(execute=True):
            publish_again(first, by=owner)
        assert menu() == moved[:1]

    def test_leave_out_deleted_pages(
        self, publish_appearance: Publish, django_capture_on_commit_callbacks: Any
    ) -> None:
        category, tag = CategoryFactory(name="Awards"), TagFactory(slug="peace")
        publish_appearance(header_menu="/category/awards/\n/tag/peace/")
        assert len(menu()) == 2
        with django_capture_on_commit_callbacks(execute=True):
            category.delete()
            tag.delete()
        assert menu() == []

    @pytest.mark.parametrize("line", ["x javascript:alert(1)", "x //evil.example/", "About us", "x data:,x"])
    def test_refuse_harmful_urls(self, line: str) -> None:
        form = AppearanceForm({**default_document(), "header_menu": line})
        text = f"“{line}” doesn't end with a URL that begins with https://, http://, mailto: or /."
        assert form.errors == {"header_menu": [text]}

    def test_name_every_line_that_has_no_url(self) -> None:
        form = AppearanceForm(
            {**default_document(), "header_menu": "About us\nYears /archive/\n\nSongs //songs.example/"}
        )
        assert form.errors == {
            "header_menu": [
                f"“{line}” doesn't end with a URL that begins with https://, http://, mailto: or /."
                for line in ["About us", "Songs //songs.example/"]
            ]
        }

    @pytest.mark.parametrize(
        "stored",
        [None, "x", [1], [{}], [{"title": "x", "url": "javascript:x"}], [{"title": "x", "kind": "gone", "id": 1}]],
    )
    def test_never_raise_whatever_is_stored(self, stored: object) -> None:
        assert read({"header_menu": stored}).header_menu == []

    def test_escape_titles(self, publish_appearance: Publish) -> None:
        publish_appearance(header_menu="<script>alert(1)</script> /x/")
        assert "<script>alert(1)" not in Client().get("/").content.decode()
        assert menu() == [("<script>alert(1)</script>", "/x/")]

    def test_are_shown_in_the_form_as_they_were_written(self, publish_appearance: Publish, owner: User) -> None:
        PageFactory(title="About us", slug="about")
        publish_appearance(header_menu="/about/\nOurs   /about/\n\nSongs https://songs.example/")
        client = Client()
        client.force_login(owner)
        form = client.get(URL).context["form"]
        assert form["header_menu"].value() == "/about/\nOurs /about/\nSongs https://songs.example/"
        assert {"title": "Songs", "url": "https://songs.example/"} in SiteAppearance.current().document["header_menu"]

    @pytest.mark.parametrize("url", ["/من-نحن/", "/%D9%85%D9%86-%D9%86%D8%AD%D9%86/", "/من-نحن"])
    def test_find_pages_with_urls_in_any_script(self, publish_appearance: Publish, url: str) -> None:
        page = PageFactory(title="من نحن", slug="من-نحن")
        publish_appearance(header_menu=url)
        stored = [{"title": "", "kind": "blog:page", "id": page.pk}]
        assert SiteAppearance.current().document["header_menu"] == stored
        # Submitting what the form shows stores the same again.
        form = AppearanceForm({**default_document(), "header_menu": lines_of(stored)})
        assert form.is_valid()
        assert form.cleaned_data["header_menu"] == stored

    def test_take_a_query_for_each_kind_to_show_in_the_form(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        items = [{"title": "", "kind": "blog:page", "id": PageFactory().pk} for _number in range(5)]
        items += [{"title": "x", "kind": "blog:category", "id": CategoryFactory().pk} for _number in range(5)]
        with django_assert_num_queries(2):
            assert len(lines_of(items).splitlines()) == 10


PAGE = """\
<nav class="menu" aria-label="Main menu">
<ul>
<li>
<a href="/" dir="auto"

aria-current="page">A&amp;b</a>
</li>
<li>
<a href="/archive/" dir="auto"

>Years</a>
</li>
</ul>
</nav>
"""


def outline(items: list[dict[str, Any]]) -> list[Any]:
    """Return the titles of items, each with a list of those below it if there are any."""
    return [
        (item["title"], [child["title"] for child in item["children"]]) if "children" in item else item["title"]
        for item in items
    ]


def parsed(text: str, name: str = "header_menu") -> list[dict[str, Any]]:
    form = AppearanceForm({**default_document(), name: text})
    assert form.is_valid(), form.errors
    items: list[dict[str, Any]] = form.cleaned_data[name]
    return items


def errors(text: str, name: str = "header_menu") -> list[str]:
    return [str(error) for error in AppearanceForm({**default_document(), name: text}).errors[name]]


class TestSubmenus:
    @pytest.mark.parametrize(
        "text",
        [
            "Us /us/\n- Team /team/\n- Jobs /jobs/\nTopics\n- Peace /peace/\nYears /years/",
            "Us /us/\n-Team /team/\n – Jobs /jobs/\nTopics\n\u200f- Peace /peace/\n Years /years/",
            "Us /us/\r\n\tTeam /team/\r\n\r\n    Jobs /jobs/\r\nTopics\r\n  • Peace /peace/\r\nYears /years/",
            # Deeper levels become the second one.
            "Us /us/\n- Team /team/\n  -- Jobs /jobs/\nTopics\n\u00a0\u00a0Peace /peace/\nYears /years/",
            # Everything is indented.
            "   Us /us/\n   - Team /team/\n   - Jobs /jobs/\n   Topics\n     Peace /peace/\n   Years /years/",
        ],
    )
    def test_are_lines_that_begin_with_a_hyphen_or_are_indented(self, text: str) -> None:
        items = parsed(text)
        assert outline(items) == [("Us", ["Team", "Jobs"]), ("Topics", ["Peace"]), "Years"]
        assert items[1] == {"title": "Topics", "children": [{"title": "Peace", "url": "/peace/"}]}
        # The form shows them with hyphens, and stores them again as they are.
        lines = "Us /us/\n- Team /team/\n- Jobs /jobs/\nTopics\n- Peace /peace/\nYears /years/"
        assert lines_of(items) == lines
        assert parsed(lines) == items == read({"header_menu": items}).header_menu

    @pytest.mark.parametrize("title", ["News/Blog", "About // us", "R.E.M.", "Q: who?", "A - b"])
    def test_have_any_text_as_their_heading(self, title: str) -> None:
        heading: dict[str, Any] = {"title": title, "children": [{"title": f"- {title}", "url": "/x/"}]}
        items = [{"title": "Us", "url": "/us/"}, heading]
        assert parsed(lines_of(items)) == items

    @pytest.mark.parametrize(
        ("text", "problems"),
        [
            ("- Team /team/\nUs /us/", ["“- Team /team/” belongs to a submenu, but there is no line above it."]),
            ("  Team /team/\nUs /us/", ["“Team /team/” belongs to a submenu, but there is no line above it."]),
            ("Us /us/\n- Team", ["“- Team” doesn't end with a URL"]),
            ("Us /us/\n- ", ["“-” doesn't end with a URL"]),
            ("Us htps://us.example/\n- Team /team/", ["“Us htps://us.example/” doesn't end with a URL"]),
            ("Us\n- Team\nTopics", ["“- Team” doesn't end with a URL", "“Topics” doesn't end with a URL"]),
            ("Us /us/\n" + 100 * "- Team /team/\n", ["There can be 100 links at most."]),
        ],
    )
    def test_name_every_line_that_is_wrong(self, text: str, problems: list[str]) -> None:
        found = errors(text)
        assert [message[: len(problem)] for message, problem in zip(found, problems, strict=True)] == problems

    def test_are_refused_in_the_social_menu(self) -> None:
        (message,) = errors("Ours https://a.example/@us\n- Theirs https://a.example/@b", "social_menu")
        assert message.startswith(
            "“- Theirs https://a.example/@b” belongs to a submenu, but this menu has only one level."
        )

    def test_are_shown_as_they_were_typed_if_a_line_is_wrong(self, owner: User) -> None:
        client, text = Client(), "  Us\n\t- Team /team/\n-- Jobs jobs/"
        client.force_login(owner)
        response = client.post(URL, {**default_document(), "header_menu": text, "do": "save"})
        assert response.context["form"]["header_menu"].value() == text
        assert SiteAppearance.current().draft is None

    def test_are_closed_in_the_header_and_contain_their_link(self, publish_appearance: Publish) -> None:
        PageFactory(title="من نحن", slug="about")
        publish_appearance(header_menu="/about/\n- <b> /x/\nTopics & more\n- Start /\nYears /archive/")
        (nav,) = tree_of(Client().get("/").content).xpath('//header//nav[@class="menu"]')
        assert nav.xpath("ul/li/details[not(@open)]/summary/text()") == ["من نحن", "Topics & more"]
        assert [[a.text for a in each.iter("a")] for each in nav.xpath("ul/li")] == [
            ["من نحن", "<b>"],
            ["Start"],
            ["Years"],
        ]
        assert nav.xpath("//details/ul/li/a/@href") == ["/about/", "/x/", "/"]
        assert nav.xpath('.//a[@aria-current="page"]/text()') == ["Start"]
        # Opening one closes the others.
        assert nav.xpath("//details/@name") == ["menu", "menu"]
        assert len(nav.xpath('.//summary[@dir="auto"] | .//a[@dir="auto"]')) == 6

    def test_are_open_in_the_footer(self, publish_appearance: Publish) -> None:
        publish_appearance(footer_menu="Us /us/\n- Team /team/\nTopics\n- Peace /peace/\nYears /archive/")
        (nav,) = tree_of(Client().get("/").content).xpath('//footer[@class="colophon"]/nav[@class="menu"]')
        assert nav.xpath("ul/li/a/text()") == ["Us", "Years"]
        assert nav.xpath("ul/li/span/text()") == ["Topics"]
        assert nav.xpath("ul/li/*/following-sibling::ul/li/a/@href") == ["/team/", "/peace/"]

    def test_a_menu_without_them_costs_readers_nothing(self, publish_appearance: Publish) -> None:
        publish_appearance(header_menu="A&b /\nYears /archive/")
        assert PAGE in Client().get("/").content.decode()
        flat = look_of(SiteSettings.current()).style
        assert ".menu a{" in flat
        assert not re.search(r"details|summary|\.menu (ul|li) ul", flat)
        publish_appearance(footer_menu="Us /us/\n- Team /team/")
        assert "details" not in look_of(SiteSettings.current()).style

    @pytest.mark.parametrize(
        ("text", "title", "expected"),
        [
            # What is hidden disappears, and what it might reveal: its title, in whatever words.
            ("Us /us/\n- /secret/\n- Team /team/", "Secret", [("Us", "/us/", ["Team"])]),
            ("Us /us/\n- /secret/", "Secret", [("Us", "/us/", [])]),
            ("Topics\n- /secret/\nUs /us/", "Secret", [("Us", "/us/", [])]),
            ("/secret/\n- Team /team/", "Secret", [("Team", "/team/", [])]),
            ("Secret /secret/\n- Team /team/", "Secret", [("Team", "/team/", [])]),
            ("A SECRET place /secret/\n- Team /team/", "The secret", [("Team", "/team/", [])]),
            ("秘密の場所 /secret/\n- Team /team/", "秘密", [("Team", "/team/", [])]),
            # The owner's own text is no secret.
            ("More /secret/\n- Team /team/\n- Jobs /jobs/", "Secret", [("More", "", ["Team", "Jobs"])]),
            ("More /secret/\n- /secret/", "Secret", []),
        ],
    )
    def test_reveal_nothing_that_is_hidden(
        self, text: str, title: str, expected: list[Any], publish_appearance: Publish
    ) -> None:
        PageFactory(title=title, slug="secret", status=Status.DRAFT)
        publish_appearance(header_menu=text)
        shown = look_of(SiteSettings.current()).header_menu
        assert [(link.title, link.url, [child.title for child in link.children]) for link in shown] == expected
        # The owner still sees what was entered.
        assert lines_of(SiteAppearance.current().document["header_menu"]) == text

    def test_keep_their_links_when_the_target_above_is_deleted(
        self, publish_appearance: Publish, django_capture_on_commit_callbacks: Any
    ) -> None:
        page = PageFactory(title="Us", slug="us")
        publish_appearance(header_menu="Ours /us/\n- Team /team/\nTopics\n- /us/")
        with django_capture_on_commit_callbacks(execute=True):
            page.delete()
        assert menu() == [("Team", "/team/")]
        assert lines_of(SiteAppearance.current().document["header_menu"]) == "Team /team/"

    def test_follow_what_their_links_lead_to(
        self, publish_appearance: Publish, owner: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        award, awards, page = CategoryFactory(name="Award"), CategoryFactory(name="Awards"), PageFactory(slug="about")
        publish_appearance(header_menu="/category/award/\n- Both /category/award/\n- Us /about/")
        assert linked_ids("blog:page") == {page.pk}
        with django_capture_on_commit_callbacks(execute=True):
            curation.merge([award.pk], awards.pk, owner)
            Page.objects.filter(pk=page.pk).update(slug="who", path="who")
        # The link itself is in its submenu.
        urls = ["/category/awards/", "/category/awards/", "/who/"]
        assert menu() == list(zip(["Awards", "Both", "Us"], urls, strict=True))

    def test_take_no_more_queries(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        pages = [{"title": "", "kind": "blog:page", "id": PageFactory().pk} for _number in range(5)]
        categories = [{"title": "x", "kind": "blog:category", "id": CategoryFactory().pk} for _number in range(5)]
        items = [page | {"children": [*pages, *categories]} for page in pages]
        with django_assert_num_queries(2):
            assert len(lines_of(items).splitlines()) == 55
        with django_assert_num_queries(2):
            assert len(links_of(items)) == 5

    @pytest.mark.parametrize(
        ("stored", "expected"),
        [
            ({"title": "x", "children": []}, []),
            ({"title": "x", "children": "y"}, []),
            ({"title": "x", "children": [{"title": "y"}, 1, None]}, []),
            ({"title": 1, "children": [{"title": "y", "url": "/y/"}]}, []),
            ({"title": "x", "url": "/x/", "children": None}, ["x"]),
            ({"title": "x", "url": "javascript:x", "children": [{"title": "y", "url": "/y/"}]}, [("x", ["y"])]),
            # There are two levels.
            ({"title": "x", "children": [{"title": "y", "url": "/y/", "children": [{}]}]}, [("x", ["y"])]),
        ],
    )
    def test_never_raise_whatever_is_stored(self, stored: object, expected: list[Any]) -> None:
        assert outline(read({"header_menu": [stored]}).header_menu) == expected


class TestOfferedMenus:
    @pytest.fixture(autouse=True)
    def _offer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        items: list[Item] = [{"title": "Songs", "url": "/songs/"}, {"title": "x", "url": "javascript:x"}]
        items.append({"title": "Topics", "children": [{"title": "Peace", "url": "/peace/"}]})
        menus = [OfferedMenu("a-1", "Old <main>", items), OfferedMenu("a-2", "Other", [])]
        monkeypatch.setattr(offered_menus, "data", {"a": lambda: menus})

    def client(self, owner: User) -> Client:
        client = Client()
        client.force_login(owner)
        return client

    def test_are_next_to_each_menu(self, owner: User) -> None:
        tree = tree_of(self.client(owner).get(URL).content)
        for name in ("header_menu", "footer_menu", "social_menu"):
            (select,) = tree.xpath(f'//select[@name="{name}-from"]')
            assert [option.text for option in select] == ["Old <main>", "Other"]
            assert tree.xpath(f'//button[@value="fill-{name}"]')

    def test_replace_the_contents_of_the_form_and_save_nothing(self, owner: User) -> None:
        data = {"header_menu": "Ours /ours/", "header_menu-from": "a-1", "do": "fill-header_menu", "accent": "#7a2048"}
        response = self.client(owner).post(URL, {**default_document(), **data})
        form = response.context["form"]
        assert form["header_menu"].value() == "Songs /songs/\nTopics\n- Peace /peace/"
        assert form["accent"].value() == "#7a2048"
        assert SiteAppearance.current().draft is None

    @pytest.mark.parametrize("chosen", ["", "a-3", "x"])
    def test_that_are_gone_change_nothing(self, chosen: str) -> None:
        data = QueryDict(mutable=True)
        data.update({"header_menu": "Ours /ours/", "header_menu-from": chosen})
        assert fill_menu(data, "fill-header_menu") == data
        assert fill_menu(data, "save") is None

    def test_are_not_shown_if_there_are_none(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(offered_menus, "data", {})
        assert "fill-header_menu" not in self.client(owner).get(URL).content.decode()
