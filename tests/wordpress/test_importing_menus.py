"""The menus of a WordPress blog become menus of the appearance, and owners choose where each is shown."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from blog.appearance import versions
from blog.appearance.documents import default_document, read
from blog.appearance.menus import MAX_ITEMS, every_item
from blog.models import AppearanceVersion, Category, Page, Post, SiteAppearance
from tags.models import Tag
from tests.factories import CategoryFactory, PageFactory, UserFactory
from tests.factories.database import contents, executed_statements
from tests.factories.reports import counted, first
from tests.factories.types import ImportParts
from tests.factories.wxr import category, export, exported, filed, item, items, meta, page, tag, term, write
from wordpress.importing.pipeline import import_export
from wordpress.importing.report import Report
from wordpress.importing.undo import undo_run
from wordpress.models import ImportedMenu, ImportRun

pytestmark = pytest.mark.django_db

PROFILES = (
    '<!-- wp:social-links --><ul><!-- wp:social-link {"url":"m.example/a?b=1&amp;c=2","service":"mastodon"} /-->'
    '<!-- wp:social-link-mail {"url":"a@b.example","label":"Write & ask"} /--><!-- wp:social-link {"service":"x"} /-->'
    '<!-- wp:social-link {"url":"https://c.example/","service":"chain"} /-->'
)
PLACES = ("header_menu", "footer_menu", "social_menu")
LINK = '<!-- wp:navigation-link {"label":"%s","url":"https://other.example/","kind":"custom"} /-->'


def link(id: int, title: str = "", menu: str = "Main", *, url: str = "", **values: Any) -> str:  # noqa: A002  # WordPress's name for it
    """Return a menu link: to a URL, or with `type`, `object` and `object_id` to an object by its ID."""
    fields = {"type": "custom", "url": url}
    fields |= {name: values.pop(name) for name in ("type", "object", "object_id", "menu_item_parent") if name in values}
    inside = [filed("nav_menu", menu.lower().replace(" ", "-"), menu)]
    inside += [meta(f"_menu_item_{name}", str(value)) for name, value in fields.items()]
    values.setdefault("menu_order", id)
    return item(id, title=title, post_type="nav_menu_item", inside=inside, **values)


def navigation(content: str, title: str = "Navigation", id: int = 90, **values: Any) -> str:  # noqa: A002  # WordPress's name for it
    return item(id, title=title, post_type="wp_navigation", content=content, **values)


def template_part(id: int, area: str, shown: str, **values: Any) -> str:  # noqa: A002  # WordPress's name for it
    """Return a part of a block theme with a navigation block. `shown` is the rest of its comment, with what follows."""
    inside = [filed("wp_template_part_area", area), filed("wp_theme", "a-theme")]
    content = f"<!-- wp:site-title /--><!-- wp:navigation {shown}-->"
    return item(id, title=area, post_type="wp_template_part", content=content, inside=inside, **values)


def notes(report: Report) -> dict[str, str]:
    return {note.title: note.text for note in report.notes if note.kind == "menu"}


def items_of(name: str = "Main") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ImportedMenu.objects.get(name=name).items
    return found


def links_of(name: str = "Main") -> list[tuple[str, Any]]:
    """Return the title of each item with its URL, or with the kind and ID of its target."""
    return [(each["title"], each.get("url") or (each["kind"], each["id"])) for each in items_of(name)]


def outline(name: str = "Main") -> list[Any]:
    """Return the titles of items, each with a list of those below it if there are any."""
    return [
        (item["title"], [child["title"] for child in item["children"]]) if "children" in item else item["title"]
        for item in items_of(name)
    ]


def shown() -> dict[str, list[Any]]:
    """Return the public menus by their place."""
    appearance = read(SiteAppearance.current().document)
    return {name: items for name in PLACES if (items := getattr(appearance, name))}


def run_of(report: Report) -> ImportRun:
    assert report.run is not None
    return ImportRun.objects.get(pk=report.run)


def publish(**menus: Any) -> None:
    versions.publish({**default_document(), **menus}, by=UserFactory(), seen="")


def menus_in(path: Path) -> list[dict[str, Any]]:
    """Return the links of the menus in an export."""
    found = []
    for (kind, pk), each in items(path).items():
        if kind == "nav_menu_item":
            fields = {key.removeprefix("_menu_item_"): value for key, value in each.meta}
            (ref,) = each.terms
            found.append({**fields, "id": pk, "title": each.title, "menu": ref.slug, "order": each.menu_order})
    return found


def exported_menus(tmp_path: Path) -> list[dict[str, Any]]:
    return menus_in(exported(tmp_path))


class TestLinks:
    def test_to_imported_objects_refer_to_them_by_id(self, import_parts: ImportParts) -> None:
        import_parts(
            category("films", "Films", id=3),
            tag("peace", "Peace", id=4),
            item(7, title="A post"),
            page(20, title="About us"),
            link(50, type="post_type", object="page", object_id=20),
            link(51, "Our post", type="post_type", object="post", object_id=7),
            link(52, "Films", type="taxonomy", object="category", object_id=3),
            link(53, "Peace now", type="taxonomy", object="post_tag", object_id=4),
        )
        assert links_of() == [
            ("", ("blog:page", Page.objects.get().pk)),
            ("Our post", ("blog:post", Post.objects.get().pk)),
            ("", ("blog:category", Category.objects.get().pk)),
            ("Peace now", ("tags:tag", Tag.objects.get().pk)),
        ]

    def test_to_an_object_that_got_a_new_id_refer_to_the_new_id(self, import_parts: ImportParts) -> None:
        taken = PageFactory(pk=20, slug="ours")
        import_parts(page(20, title="Theirs"), link(50, "x", type="post_type", object="page", object_id=20))
        ((_title, (_kind, pk)),) = links_of()
        assert pk == Page.objects.get(title="Theirs").pk != taken.pk

    @pytest.mark.parametrize(
        "url",
        [
            "https://old.example/page-20/",
            "http://www.old.example/page-20",
            "/page-20/",
            "//old.example/page-20/",
            "https://old.example/?page_id=20",
        ],
    )
    def test_to_urls_of_the_old_blog_refer_to_the_imported_object(self, import_parts: ImportParts, url: str) -> None:
        import_parts(page(20), link(50, "About", url=url))
        assert links_of() == [("About", ("blog:page", 20))]

    def test_to_former_urls_refer_to_the_imported_object(self, import_parts: ImportParts) -> None:
        old = item(7, post_name="new", inside=[meta("_wp_old_slug", "old")])
        import_parts(old, link(50, "x", url="https://old.example/2014/03/01/old/"))
        assert links_of() == [("x", ("blog:post", 7))]

    def test_to_urls_in_arabic_refer_to_the_imported_object(self, import_parts: ImportParts) -> None:
        slug = "%d9%85%d9%86-%d9%86%d8%ad%d9%86"
        import_parts(page(20, post_name=slug), link(50, "x", url=f"https://old.example/{slug}/"))
        assert links_of() == [("x", ("blog:page", 20))]

    def test_to_the_old_blog_in_a_folder_lose_the_folder(self, import_parts: ImportParts) -> None:
        import_parts(
            page(20),
            link(50, "Home", url="https://old.example/blog"),
            link(51, "x", url="https://old.example/blog/page-20/"),
            link(52, "Shop", url="https://old.example/shop/"),
            site="https://old.example/blog",
        )
        assert links_of() == [("Home", "/"), ("x", ("blog:page", 20)), ("Shop", "https://old.example/shop/")]

    def test_to_other_urls_of_the_blog_become_paths(self, import_parts: ImportParts) -> None:
        import_parts(
            link(50, "Home", url="https://old.example"),
            link(51, "Years", url="https://old.example/2014/?order=asc#top"),
            link(52, "Song", url="https://old.example/wp-content/uploads/2014/a b.pdf"),
        )
        assert links_of() == [
            ("Home", "/"),
            ("Years", "/2014/?order=asc#top"),
            ("Song", "/wp-content/uploads/2014/a%20b.pdf"),
        ]

    def test_to_other_sites_are_kept(self, import_parts: ImportParts) -> None:
        import_parts(
            link(50, "R&amp;D <b>x</b>", url="https://a.example/?x=1&amp;y=2"),
            link(51, "Mail", url="mailto:a@b.example"),
        )
        assert links_of() == [("R&D x", "https://a.example/?x=1&y=2"), ("Mail", "mailto:a@b.example")]

    @pytest.mark.parametrize(
        "url",
        ["", "#", "http://#", "javascript:alert(1)", "data:text/html,x", "https://", "about", "x" * 3000, "https://[/"],
    )
    def test_without_a_usable_url_are_the_headings_of_submenus_or_left_out(
        self, import_parts: ImportParts, url: str
    ) -> None:
        report = import_parts(
            link(50, "More", url=url),
            link(51, "Songs", url="/songs/", menu_item_parent=50),
            link(52, "Nothing", url=url),
            link(53, "", url=url),
            link(54, "Without heading", url="/x/", menu_item_parent=53),
        )
        assert items_of() == [
            {"title": "More", "children": [{"title": "Songs", "url": "/songs/"}]},
            {"title": "Without heading", "url": "/x/"},
        ]
        assert "2 of them lead to nothing that can be linked to and were left out." in notes(report)["Main"]

    def test_to_objects_that_are_not_in_the_export_are_left_out(self, import_parts: ImportParts) -> None:
        report = import_parts(
            link(50, type="post_type", object="page", object_id=99),
            link(51, "Shop", type="post_type_archive", object="product", object_id=-1),
            link(52, "x", type="taxonomy", object="genre", object_id=5),
        )
        assert not ImportedMenu.objects.exists()
        assert notes(report)["Main"] == (
            "It had 3 links: ?, Shop, x. 3 of them lead to nothing that can be linked to and were left out. "
            "So none of it can be used here."
        )

    def test_that_are_drafts_are_not_part_of_the_menu(self, import_parts: ImportParts) -> None:
        import_parts(link(50, "x", url="/x/"), link(51, "y", url="/y/", status="draft"))
        assert links_of() == [("x", "/x/")]

    def test_in_several_files_are_imported_once(self, tmp_path: Path) -> None:
        parts = (link(50, "x", url="/x/"), link(51, "y", url="/y/"))
        report = import_export([write(tmp_path, export(*parts), name) for name in ("a.xml", "b.xml")])
        assert links_of() == [("x", "/x/"), ("y", "/y/")]
        assert notes(report)["Main"].startswith("It had 2 links: x, y.")


class TestLevels:
    def test_are_those_of_the_menu_up_to_the_second(self, import_parts: ImportParts) -> None:
        report = import_parts(
            link(50, "Last", url="/last/", menu_order=9),
            link(51, "Below second", url="/c/", menu_order=2, menu_item_parent=54),
            link(52, "First", url="/first/", menu_order=1),
            link(53, "Below below", url="/d/", menu_order=3, menu_item_parent=51),
            link(54, "Second", url="/second/", menu_order=4),
            link(55, "Again below second", url="/e/", menu_order=5, menu_item_parent=54),
        )
        assert outline() == ["First", ("Second", ["Below second", "Below below", "Again below second"]), "Last"]
        assert "Links below its second level are now on the second level" in notes(report)["Main"]

    def test_are_not_mentioned_if_they_are_kept(self, import_parts: ImportParts) -> None:
        report = import_parts(link(50, "a", url="/a/"), link(51, "b", url="/b/", menu_item_parent=50))
        assert notes(report)["Main"] == "It had 2 links: a, b. It is now at the top of each page."

    @pytest.mark.parametrize(
        ("links", "expected"),
        [
            # Whatever is left out, what is below it moves up.
            ([("", "#", 0), ("b", "/b/", 1), ("c", "/c/", 2)], [("b", ["c"])]),
            ([("a", "/a/", 0), ("", "#", 0), ("", "#", 2), ("d", "/d/", 3)], ["a", "d"]),
            ([("a", "/a/", 0), ("b", "#", 1), ("c", "/c/", 2)], [("a", ["c"])]),
            ([("a", "#", 0), ("b", "#", 1), ("c", "/c/", 2)], [("a", ["c"])]),
            ([("a", "#", 0), ("b", "#", 1), ("c", "/c/", 0)], ["c"]),
        ],
    )
    def test_without_links_are_left_out(
        self, import_parts: ImportParts, links: list[tuple[str, str, int]], expected: list[Any]
    ) -> None:
        """Each link comes with the number of the one that it is below."""
        import_parts(
            *(
                link(50 + number, title, url=url, menu_item_parent=parent and 50 + parent)
                for number, (title, url, parent) in enumerate(links, start=1)
            )
        )
        assert outline() == expected

    def test_of_links_to_the_same_target_are_kept(self, import_parts: ImportParts) -> None:
        to_us: dict[str, Any] = {"type": "post_type", "object": "page", "object_id": 20}
        import_parts(page(20), *(link(50 + n, **to_us, menu_item_parent=n and 50) for n in range(3)))
        assert outline() == [("", ["", ""])]

    def test_make_no_menu_a_social_one(self, import_parts: ImportParts) -> None:
        import_parts(
            link(50, "Toots", "Social", url="https://mastodon.social/@us"),
            link(51, "Page", "Social", url="https://facebook.com/us", menu_item_parent=50),
        )
        assert shown() == {"header_menu": items_of("Social")}

    def test_with_circular_or_missing_parents_loses_no_link(self, import_parts: ImportParts) -> None:
        import_parts(
            link(50, "a", url="/a/", menu_item_parent=51),
            link(51, "b", url="/b/", menu_item_parent=50),
            link(52, "c", url="/c/", menu_item_parent=52),
            link(53, "d", url="/d/", menu_item_parent=999),
            link(54, "e", url="/e/", menu_item_parent="x"),
        )
        assert sorted(item["title"] for item in every_item(items_of())) == ["a", "b", "c", "d", "e"]


class TestBlockEditorMenus:
    def test_contain_their_links(self, import_parts: ImportParts) -> None:
        content = (
            '<!-- wp:navigation-link {"label":"About \\u0026 more","url":"/about/"} /-->'
            '<!-- wp:navigation-submenu {"label":"Topics"} -->'
            '<!-- wp:navigation-link {"label":"Ours","type":"page","id":20,"kind":"post-type","url":"/?p=1"} /-->'
            '<!-- wp:navigation-link {"label":"Peace","type":"tag","id":4,"url":"/tag/peace/"} /-->'
            "<!-- /wp:navigation-submenu --><!-- wp:navigation-link {broken} /-->"
            '<!-- wp:home-link {"label":"Start"} /--><!-- wp:home-link /-->'
        )
        report = import_parts(tag("peace", "Peace", id=4), page(20, title="About us"), navigation(content, "Header"))
        assert items_of("Header") == [
            {"title": "About & more", "url": "/about/"},
            {
                "title": "Topics",
                "children": [
                    {"title": "Ours", "kind": "blog:page", "id": 20},
                    {"title": "", "kind": "tags:tag", "id": Tag.objects.get().pk},
                ],
            },
            {"title": "Start", "url": "/"},
            {"title": "Home", "url": "/"},
        ]
        assert notes(report)["Header"].startswith("It had 6 links: About & more, Topics, Ours, Peace, Start, /.")

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (
                "<submenu a><link b /><submenu c><link d /></submenu><link e /></submenu><link f />",
                [("a", list("bcde")), "f"],
            ),
            # Before 2022, links themselves contained others.
            ("<link a><link b /></link><link c></link><link d />", [("a", ["b"]), "c", "d"]),
            # Blocks that can't be read, or have no end.
            ("<submenu a><submenu {><link b /></submenu><link c /></submenu><link d />", [("a", ["b", "c"]), "d"]),
            ("</submenu><submenu a><link b /></link><link c />", [("a", ["b", "c"])]),
            ("<submenu a /><link b />", ["a", "b"]),
        ],
    )
    def test_have_the_levels_of_their_blocks(
        self, import_parts: ImportParts, content: str, expected: list[Any]
    ) -> None:
        for name, block in (("link", "wp:navigation-link"), ("submenu", "wp:navigation-submenu")):
            content = content.replace(f"</{name}>", f"<!-- /{block} -->")
            content = content.replace(f"<{name} {{>", f"<!-- {block} {{x}} -->")
            content = re.sub(rf"<{name} (\w)( /)?>", rf'<!-- {block} {{"label":"\1","url":"/\1/"}}\2-->', content)
        import_parts(navigation(content))
        assert outline("Navigation") == expected

    def test_list_all_pages_below_their_parents(self, import_parts: ImportParts) -> None:
        pages = (page(20), page(21, post_parent=20), page(22, post_parent=21), page(23, post_parent=20), page(24))
        import_parts(*pages, navigation("<!-- wp:page-list /-->"))
        below = [{"title": "", "kind": "blog:page", "id": pk} for pk in (21, 22, 23)]
        assert items_of("Navigation") == [
            {"title": "", "kind": "blog:page", "id": 20, "children": below},
            {"title": "", "kind": "blog:page", "id": 24},
        ]

    def test_list_pages_at_the_top_level_first(self, import_parts: ImportParts) -> None:
        below = [page(30 + n, post_parent=20, menu_order=n) for n in range(MAX_ITEMS)]
        report = import_parts(page(20), page(21), *below, navigation("<!-- wp:page-list /-->"))
        first, second = items_of("Navigation")
        assert (first["id"], second["id"]) == (20, 21)
        assert [child["id"] for child in first["children"]] == [*range(30, 28 + MAX_ITEMS)]
        assert "It is shortened" in notes(report)["Navigation"]

    def test_read_no_deeper_levels_of_pages_than_have_room(self, import_parts: ImportParts) -> None:
        above = None
        for _level in range(2 * MAX_ITEMS):
            above = PageFactory(slug="a", parent=above)
        with executed_statements() as statements:
            import_parts(navigation("<!-- wp:page-list /-->"))
        assert len([sql for sql, _params in statements if '"parent_id" IN' in sql]) == MAX_ITEMS
        (top,) = items_of("Navigation")
        assert len(top["children"]) == MAX_ITEMS - 1

    def test_list_no_items_of_custom_types(self, import_parts: ImportParts) -> None:
        projects = [item(30 + n, post_type="jetpack-portfolio", title=f"Project {n}") for n in range(3)]
        import_parts(page(20, title="A"), *projects, navigation("<!-- wp:page-list /-->"))
        section = Page.objects.get(path="portfolio")
        assert Page.objects.filter(parent=section).count() == len(projects)
        assert items_of("Navigation") == [{"title": "", "kind": "blog:page", "id": pk} for pk in (20, section.pk)]

    def test_list_the_top_level_pages(self, import_parts: ImportParts) -> None:
        pages = (page(20, menu_order=2), page(21, menu_order=1), page(22, post_parent=20), page(23, status="draft"))
        import_parts(*pages, navigation("<!-- wp:page-list /-->"))
        assert links_of("Navigation") == [("", ("blog:page", 21)), ("", ("blog:page", 20))]

    def test_list_the_pages_below_a_page(self, import_parts: ImportParts) -> None:
        content = '<!-- wp:page-list {"parentPageID":20} /-->'
        import_parts(page(20), page(22, post_parent=20), navigation(content))
        assert links_of("Navigation") == [("", ("blog:page", 22))]

    @pytest.mark.parametrize("status", ["draft", "private", "trash"])
    def test_that_were_not_public_are_not_imported(self, import_parts: ImportParts, status: str) -> None:
        secret = '<!-- wp:navigation-link {"label":"Secret","url":"/secret/"} /-->'
        report = import_parts(navigation(secret, status=status))
        assert not notes(report)
        assert not ImportedMenu.objects.exists()

    @pytest.mark.parametrize(
        "attributes",
        [
            '{"label":["x"],"url":{"a":1}}',
            '{"label":null,"id":"x","kind":5}',
            "[1]",
            '{"label":"\\u0000\\ud800","url":"/\\u0000"}',
            f'{{"id":{"9" * 300}}}',
        ],
    )
    def test_with_invalid_attributes_do_no_harm(self, import_parts: ImportParts, attributes: str) -> None:
        content = f'<!-- wp:navigation-link {attributes} /--><!-- wp:navigation-link {{"label":"x","url":"/x/"}} /-->'
        import_parts(navigation(content))
        assert links_of("Navigation")[-1] == ("x", "/x/")


class TestPlaces:
    @pytest.mark.parametrize(
        ("menus", "expected"),
        [
            (["Anything"], {"header_menu": "Anything"}),
            (["Left", "Right"], {"header_menu": "Left"}),
            (["Left", "Primary"], {"header_menu": "Primary"}),
            (["Top bar", "Main menu"], {"header_menu": "Main menu"}),
            (["Footer", "Left"], {"header_menu": "Left", "footer_menu": "Footer"}),
            (["Menu principal", "Pied de page"], {"header_menu": "Menu principal", "footer_menu": "Pied de page"}),
            (["الأول", "القائمة الرئيسية"], {"header_menu": "القائمة الرئيسية"}),
            (["Links", "Главное меню"], {"header_menu": "Главное меню"}),
            (["Footer"], {"footer_menu": "Footer"}),
            (["Social links", "Main"], {"header_menu": "Main", "social_menu": "Social links"}),
        ],
    )
    def test_are_chosen_by_the_names_of_the_menus(
        self, import_parts: ImportParts, menus: list[str], expected: dict[str, str]
    ) -> None:
        import_parts(*(link(50 + number, "x", menu, url=f"/{number}/") for number, menu in enumerate(menus)))
        assert shown() == {place: items_of(name) for place, name in expected.items()}

    def test_a_menu_with_links_to_social_networks_becomes_the_social_menu(self, import_parts: ImportParts) -> None:
        report = import_parts(
            link(50, "Toots", "Links", url="https://kolektiva.example/@us"),
            link(51, "Page", "Links", url="https://www.facebook.com/us"),
            link(52, "Mail", "Links", url="mailto:us@old.example"),
            link(53, "Friends", "Others", url="https://friends.example/"),
        )
        assert shown() == {"social_menu": items_of("Links"), "header_menu": items_of("Others")}
        assert notes(report)["Links"].endswith("Its links are now shown as your pages on other sites.")
        assert notes(report)["Others"].endswith("It is now at the top of each page.")

    def test_are_those_where_the_latest_parts_of_a_block_theme_show_the_menus(self, import_parts: ImportParts) -> None:
        menus = [navigation(LINK % name, name, id=id_) for name, id_ in (("Menu", 90), ("Foot", 91), ("Footer", 92))]
        parts = [
            template_part(93, "header", '{"ref":90}', post_modified_gmt="2020-01-01 00:00:00"),
            template_part(94, "header", '{"overlayMenu":"never","ref":92} /', post_modified_gmt="2024-01-01 00:00:00"),
            template_part(95, "header", '{"ref":90}', post_modified_gmt="2022-01-01 00:00:00"),
            template_part(96, "footer", f'{{"ref":91}} /-->{PROFILES}<!-- '),
            template_part(97, "sidebar", '{"ref":90} /'),
            template_part(98, "footer", '{"ref":90} /', status="draft"),
        ]
        import_parts(*menus, *parts)
        assert {place: [each["title"] for each in items] for place, items in shown().items()} == {
            "header_menu": ["Footer"],
            "footer_menu": ["Foot"],
            "social_menu": ["Mastodon", "Write & ask", ""],
        }
        urls = [each["url"] for each in shown()["social_menu"]]
        assert urls == ["https://m.example/a?b=1&c=2", "mailto:a@b.example", "https://c.example/"]

    def test_a_menu_without_a_place_can_be_used_later(self, import_parts: ImportParts) -> None:
        report = import_parts(link(50, "x", "Left", url="/x/"), link(51, "y", "Right", url="/y/"))
        assert notes(report)["Right"] == "It had 1 link: y. You can use it under Appearance."

    def test_readers_see_the_menus_at_once(
        self, import_parts: ImportParts, django_capture_on_commit_callbacks: Any
    ) -> None:
        assert "Films of ours" not in Client().get("/").content.decode()
        with django_capture_on_commit_callbacks(execute=True):
            import_parts(link(50, "Films of ours", url="/films/"))
        assert "Films of ours" in Client().get("/").content.decode()

    def test_are_a_version_of_the_appearance_that_can_be_reverted(self, import_parts: ImportParts) -> None:
        import_parts(link(50, "x", url="/x/"))
        assert AppearanceVersion.objects.get().document == SiteAppearance.current().document
        versions.publish_again(versions.INITIAL, by=UserFactory())
        assert shown() == {}
        # The owner's decision takes precedence over another import.
        import_parts(link(50, "x", url="/x/"))
        assert shown() == {}

    @pytest.mark.parametrize("is_draft", [False, True], ids=["public", "draft"])
    def test_on_a_site_with_menus_stay_unchanged(self, import_parts: ImportParts, is_draft: bool) -> None:
        ours = {**default_document(), "footer_menu": [{"title": "Ours", "url": "/ours/"}]}
        SiteAppearance.objects.update_or_create(pk=1, defaults={"draft" if is_draft else "document": ours})
        report = import_parts(link(50, "x", url="/x/"))
        assert "header_menu" not in shown()
        assert not AppearanceVersion.objects.exists()
        assert notes(report)["Main"].endswith("You can use it under Appearance.")

    def test_a_draft_without_menus_gets_them_and_stays_a_draft(self, import_parts: ImportParts) -> None:
        draft = {**default_document(), "accent": "#7a2048"}
        SiteAppearance.objects.update_or_create(pk=1, defaults={"draft": draft})
        import_parts(link(50, "x", url="/x/"))
        row = SiteAppearance.current()
        assert row.draft == {**draft, "header_menu": items_of()}
        assert read(row.document).accent == ""


class TestRepeating:
    PARTS = (
        page(20),
        link(50, "x", type="post_type", object="page", object_id=20),
        link(51, "y", "Footer", url="/y/"),
        link(52, "More", "Footer", url="#"),
        link(53, "z", "Footer", url="/z/", menu_item_parent=52),
    )

    def test_changes_nothing(self, import_parts: ImportParts) -> None:
        import_parts(*self.PARTS)
        before = contents()
        report = import_parts(*self.PARTS)
        assert contents() == before
        assert not report.has_changes
        assert counted(report, "menu") == {"unchanged": 2}
        assert notes(report)["Main"].endswith("It is now at the top of each page.")

    def test_updates_the_imported_menu_but_not_the_public_one(self, import_parts: ImportParts) -> None:
        import_parts(*self.PARTS)
        before = shown()
        report = import_parts(page(20), link(50, "z", url="/z/"), *self.PARTS[2:])
        assert counted(report, "menu") == {"unchanged": 1, "updated": 1}
        assert links_of() == [("z", "/z/")]
        # Readers still see the menu that the owner has left in place.
        assert shown() == before

    def test_a_dry_run_reports_where_each_menu_would_be_and_changes_nothing(self, import_parts: ImportParts) -> None:
        before = contents()
        report = import_parts(*self.PARTS, dry_run=True)
        assert contents() == before
        assert notes(report)["Main"].endswith("It is now at the top of each page.")

    def test_after_an_interruption_has_the_same_result(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_args: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            # Interrupt after the appearance has the menus, and before the run records them.
            patch.setattr("wordpress.importing.steps.menus.read", interrupt)
            assert import_parts(*self.PARTS).interrupted
        assert not ImportedMenu.objects.exists()
        assert shown() == {}
        report = import_parts(*self.PARTS)
        assert shown() == {"header_menu": items_of(), "footer_menu": items_of("Footer")}
        undo_run(run_of(report))
        assert shown() == {}


class TestUndoing:
    def test_removes_the_menus(self, import_parts: ImportParts) -> None:
        below = link(52, "z", "Footer", url="/z/", menu_item_parent=51)
        report = import_parts(link(50, "x", url="/x/"), link(51, "y", "Footer", url="/y/"), below)
        undone = undo_run(run_of(report))
        assert shown() == {}
        assert not ImportedMenu.objects.exists()
        assert undone.removed["menu"] == 2
        assert not undone.kept
        import_parts(link(50, "x", url="/x/"))
        assert shown() == {"header_menu": items_of()}

    def test_keeps_and_reports_menus_that_were_changed_here(self, import_parts: ImportParts) -> None:
        report = import_parts(link(50, "x", url="/x/"), link(51, "y", "Footer", url="/y/"))
        row = SiteAppearance.current()
        ours = [{"title": "Ours", "url": "/ours/"}]
        versions.publish({**row.document, "header_menu": ours}, by=UserFactory(), seen=versions.stamp(row))
        undone = undo_run(run_of(report))
        assert shown() == {"header_menu": ours}
        assert [(remark.kind, remark.title, remark.text) for remark in undone.kept] == [
            ("menu", "Header menu", "It was changed here after the import.")
        ]

    def test_a_later_import_keeps_the_menus(self, import_parts: ImportParts) -> None:
        import_parts(link(50, "x", url="/x/"))
        undo_run(run_of(import_parts(link(50, "x", url="/x/"), item(7))))
        assert shown() == {"header_menu": items_of()}


class TestLimits:
    def test_the_length_of_a_menu_is_limited_and_noted(self, import_parts: ImportParts) -> None:
        report = import_parts(*(link(50 + number, f"E{number}", url=f"/{number}/") for number in range(150)))
        assert len(shown()["header_menu"]) == MAX_ITEMS
        assert links_of()[-1] == ("E99", "/99/")
        text = notes(report)["Main"]
        assert text.startswith("It had 150 links: E0, E1")
        assert "E99, …." in text
        assert "It is shortened, because a menu can have 100 links at most." in text

    def test_the_length_of_a_menu_includes_its_submenus(self, import_parts: ImportParts) -> None:
        below = [link(51 + n, f"E{n}", url=f"/{n}/", menu_item_parent=50) for n in range(MAX_ITEMS)]
        report = import_parts(link(50, "Top", url="/top/"), *below, link(300, "Last", url="/last/"))
        assert outline() == [("Top", [f"E{n}" for n in range(MAX_ITEMS - 1)])]
        assert "It is shortened" in notes(report)["Main"]

    def test_the_length_of_labels_is_limited(self, import_parts: ImportParts) -> None:
        import_parts(link(50, "é" * 100_000, url="/x/"), link(51, "a\u0085b\u202e c", url="/y/"))
        titles = [title for title, _url in links_of()]
        assert len(titles[0]) == 100

    def test_very_large_exports_take_a_limited_number_of_queries(self, tmp_path: Path) -> None:
        links = (link(50 + n, f"E{n}", f"Menu {n // 300}", url=f"https://old.example/{n}/") for n in range(6000))
        path = write(tmp_path, export(*links))
        with executed_statements() as statements:
            report = import_export([path])
        assert len(notes(report)) == 20
        assert 10 < ImportedMenu.objects.count() < 20
        # Links that don't fit into a menu are not looked up.
        assert len([sql for sql, _params in statements if 'FROM "blog_redirect"' in sql]) < 20 * (MAX_ITEMS + 1)

    def test_a_menu_takes_few_queries(self, import_parts: ImportParts) -> None:
        targets = [page(20 + number, title=f"P{number}") for number in range(30)]
        links = [link(80 + n, type="post_type", object="page", object_id=20 + n) for n in range(30)]
        with executed_statements() as without:
            import_parts(*targets)
        with executed_statements() as statements:
            import_parts(*targets, *links)
        assert len(items_of()) == 30
        # All links are preserved in one batch.
        assert len(statements) - len(without) < 60


def test_the_report_says_where_the_menu_of_a_skipped_link_is(import_parts: ImportParts) -> None:
    report = import_parts(term("nav_menu", "main", "Main"), link(50, "x", url="/x/"))
    assert counted(report, "nav_menu_item") == {"skipped": 1}
    assert "under Appearance" in first(report.skipped).text or "menu" in first(report.skipped).text


class TestExporting:
    def test_unchanged_imported_menus_are_exported_as_they_were(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        below = [link(52 + n, str(n), url="#", menu_item_parent=51 + n) for n in range(3)]
        import_parts(term("nav_menu", "main", "Main"), link(50, "x", url="/x/"), link(51, "y", url="#"), *below)
        assert shown()
        out = exported_menus(tmp_path)
        assert [(each["title"], each["menu"], each["url"]) for each in out] == [
            ("x", "main", "/x/"),
            *((title, "main", "#") for title in "y012"),
        ]
        ids = [str(each["id"]) for each in out]
        assert [each.get("menu_item_parent", "") for each in out] == ["", "", *ids[1:4]]

    def test_menus_of_this_site_become_wordpress_menus(self, tmp_path: Path) -> None:
        about, films = PageFactory(title="About"), CategoryFactory(name="Films")
        items = [
            {"title": "", "kind": "blog:page", "id": about.pk},
            {"title": "R&D", "kind": "blog:category", "id": films.pk},
            {"title": "Years", "url": "/archive/"},
            {"title": "", "url": "https://a.example/"},
            {"title": "Gone", "kind": "blog:page", "id": 999, "children": [{"title": "Left", "url": "/left/"}]},
            {"title": "More", "children": [{"title": "", "kind": "blog:page", "id": about.pk}]},
        ]
        publish(header_menu=items, social_menu=[{"title": "Toots", "url": "https://social.example/@us"}])
        out = exported_menus(tmp_path)
        assert [(each["title"], each["type"], each["object"], each["url"]) for each in out] == [
            ("", "post_type", "page", ""),
            ("R&amp;D", "taxonomy", "category", ""),
            ("Years", "custom", "custom", "http://testserver/archive/"),
            ("https://a.example/", "custom", "custom", "https://a.example/"),
            ("Left", "custom", "custom", "http://testserver/left/"),
            ("More", "custom", "custom", "#"),
            ("", "post_type", "page", ""),
            ("Toots", "custom", "custom", "https://social.example/@us"),
        ]
        assert [each["order"] for each in out] == [1, 2, 3, 4, 5, 6, 7, 1]
        assert [each["menu_item_parent"] for each in out] == [*("0" for _each in out[:6]), str(out[5]["id"]), "0"]
        assert [each["object_id"] for each in out[:3]] == [str(about.pk), str(films.pk), str(out[2]["id"])]
        assert {each["menu"] for each in out} == {"header-menu", "social-menu"}

    def test_importing_the_export_restores_their_places(self, import_parts: ImportParts, tmp_path: Path) -> None:
        about = PageFactory(title="About", slug="about")
        places = {
            "header_menu": [
                {"title": "", "kind": "blog:page", "id": about.pk, "children": [{"title": "Team", "url": "/team/"}]},
                {"title": "Years", "url": "/archive/"},
            ],
            "footer_menu": [{"title": "More", "children": [{"title": "Friends", "url": "https://friends.example/"}]}],
            "social_menu": [{"title": "Toots", "url": "https://social.example/@us"}],
        }
        publish(**places)
        path = exported(tmp_path, "first.xml")
        Page.objects.all().delete()
        SiteAppearance.objects.update(document=default_document())
        import_export([path])
        moved = Page.objects.get()
        places["header_menu"][0]["id"] = moved.pk
        assert shown() == places
        again = exported(tmp_path, "second.xml")
        assert menus_in(again) == menus_in(path)

    def test_each_export_has_the_same_bytes(self, tmp_path: Path) -> None:
        publish(header_menu=[{"title": "Years", "url": "/archive/"}])
        paths = [exported(tmp_path, name) for name in ("a.xml", "b.xml")]
        assert len({path.read_bytes() for path in paths}) == 1

    def test_a_menu_that_was_changed_here_gets_its_own_slug(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(term("nav_menu", "header-menu", "Header menu"), link(50, "x", "Header menu", url="/x/"))
        publish(header_menu=[{"title": "Ours", "url": "/ours/"}])
        assert [(each["title"], each["menu"]) for each in exported_menus(tmp_path)] == [
            ("x", "header-menu"),
            ("Ours", "header-menu-2"),
        ]
