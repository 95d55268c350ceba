"""Items of custom types that become pages: projects, testimonials, comics, and types that an owner chooses."""

import re
from collections.abc import Collection
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from blog.models import Page
from comments import personal_data
from tests.factories import UserFactory
from tests.factories.database import contents
from tests.factories.import_jobs import export_file, job_url, start
from tests.factories.reports import counted, remarks
from tests.factories.types import ImportParts, Uploaded, Work
from tests.factories.wxr import VERSIONS, comment, export, exported, filed, item, items, meta, page, term, write
from wordpress.importing.personal_data import PreservedRows
from wordpress.importing.pipeline import import_export
from wordpress.importing.report import Report
from wordpress.importing.undo import undo_run
from wordpress.models import ImportRun
from wordpress.wxr.post_types import FORM_TYPES, INTERNAL_TYPES, ORDER_TYPES, PAGE_TYPES, THEME_TYPES, path_above
from wordpress.wxr.repair import InvalidExportError

pytestmark = pytest.mark.django_db

# Top-level projects whose slugs are those of other pages.
TOP = ((41, "about"), (42, "portfolio"))
# Names of other plugins' bookings.
BOOKINGS = {"appointment", "hotel_reservations", "rtb-booking"}
# Names that WordPress doesn't allow.
NO_NAMES = {"Book", "book; reboot", "كتاب", "b" * 21}


def project(id: int = 40, **values: Any) -> str:  # noqa: A002  # WordPress's name for it
    """Return a portfolio project."""
    slug = values.pop("post_name", f"project-{id}")
    usual = {
        "post_type": "jetpack-portfolio",
        "title": f"Project {id}",
        "link": f"https://old.example/portfolio/{slug}/",
        "guid": f"https://old.example/?post_type=jetpack-portfolio&p={id}",
    }
    return item(id, **{**usual, "post_name": slug, **values})


def book(id: int = 60, slug: str = "", above: str = "books", **values: Any) -> str:  # noqa: A002  # WordPress's name for it
    """Return an item of a plugin's type, with a public URL."""
    slug = slug or f"book-{id}"
    link = f"https://old.example/{above}/{slug}/"
    usual = {"post_type": "book", "title": f"Book {id}", "link": link}
    return project(id, post_name=slug, **{**usual, **values})


def import_books(folder: Path, *parts: str, types: Collection[str] = ("book",)) -> Report:
    return import_export([write(folder, export(*parts))], page_types=types)


class TestPages:
    @pytest.mark.parametrize(("post_type", "prefix"), PAGE_TYPES.items())
    def test_items_become_pages_at_their_old_urls(
        self, import_parts: ImportParts, client: Client, post_type: str, prefix: str
    ) -> None:
        link = f"https://old.example/{prefix}/project-40/"
        report = import_parts(
            project(40, post_type=post_type, link=link, content="A <b>wall</b>.", inside=[comment(1)])
        )
        assert counted(report, "page") == {"imported": 2}
        assert not report.skipped
        body = client.get(f"/{prefix}/project-40/").content.decode()
        assert "A <b>wall</b>." in body
        assert 'id="comment-1"' in body
        assert client.get("/?p=40").headers["Location"] == f"/{prefix}/project-40/"

    def test_the_archive_url_of_the_type_lists_them(self, import_parts: ImportParts, client: Client) -> None:
        report = import_parts(project(40), project(41, status="draft"))
        section = Page.objects.get(path="portfolio")
        assert section.title == "Portfolio"
        body = client.get("/portfolio/").content.decode()
        assert 'href="/portfolio/project-40/"' in body.partition('class="children"')[2]
        assert "Project 41" not in body
        assert f"It was added with the ID {section.pk}" in remarks(report)[0]

    def test_the_archive_is_public_only_if_an_item_is(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(project(40, status="private"), project(41, status="draft"))
        assert client.get("/portfolio/").status_code == 404

    @pytest.mark.parametrize("comes_first", [True, False])
    def test_a_page_of_the_export_at_the_archive_url_becomes_their_parent(
        self, import_parts: ImportParts, *, comes_first: bool
    ) -> None:
        own = page(20, post_name="portfolio", title="My work")
        report = import_parts(*([own, project()] if comes_first else [project(), own]))
        assert counted(report, "page") == {"imported": 2}
        assert Page.objects.get(pk=40).parent_id == 20

    @pytest.mark.parametrize("status", ["draft", "private"])
    def test_a_page_that_is_not_public_leaves_the_archive_url_to_the_list(
        self, import_parts: ImportParts, client: Client, status: str
    ) -> None:
        own, below = page(20, post_name="portfolio", status=status), page(21, post_name="info", post_parent=20)
        import_parts(own, below)
        report = import_parts(project())
        assert 'href="/portfolio/project-40/"' in client.get("/portfolio/").text
        assert client.get("/portfolio/info/").status_code == 200
        assert Page.objects.get(pk=20).path == "portfolio-2"
        text = "page 20: Its URL now belongs to a public page. Its slug is “portfolio-2” here."
        assert text in remarks(report)
        before = contents()
        for part in (own + below, project()):
            assert not import_parts(part).has_changes
        assert contents() == before

    def test_an_existing_page_at_the_archive_url_becomes_their_parent(self, import_parts: ImportParts) -> None:
        import_parts(page(20, post_name="portfolio"))
        assert counted(import_parts(project()), "page") == {"imported": 1}
        assert Page.objects.get(pk=40).parent_id == 20

    def test_ordinary_pages_take_precedence_over_items_with_the_same_slug(
        self, import_parts: ImportParts, client: Client
    ) -> None:
        import_parts(
            project(40, post_name="about", content="A project."),
            *(project(id_, post_name=slug, link=f"https://old.example/{slug}/") for id_, slug in TOP),
            page(20, post_name="about", content="Us."),
        )
        assert "Us." in client.get("/about/").content.decode()
        assert "A project." in client.get("/portfolio/about/").content.decode()
        assert 'href="/portfolio/about/"' in client.get("/portfolio/").content.decode()

    @pytest.mark.parametrize(
        ("link", "here"),
        [
            ("https://old.example/work/project-40/", "/work/project-40/"),
            ("https://old.example/blog/work/project-40/", "/work/project-40/"),
            # These URLs are reserved for the site itself.
            ("https://old.example/work/2014/project-40/", "/project-40/"),
            ("https://old.example/tag/project-40/", "/project-40/"),
            ("https://old.example/?post_type=jetpack-portfolio&p=40", "/portfolio/project-40/"),
            ("https://old.example/project-40/", "/project-40/"),
        ],
    )
    def test_every_old_url_redirects_to_the_page(
        self, import_parts: ImportParts, client: Client, link: str, here: str
    ) -> None:
        import_parts(project(40, link=link))
        path = link.removeprefix("https://old.example")
        assert Page.objects.get(pk=40).get_absolute_url() == here
        assert path == here or client.get(path).headers["Location"] == here

    def test_urls_of_terms_redirect_to_the_archive(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(
            term("jetpack-portfolio-type", "murals"),
            term("jetpack-portfolio-tag", "caf%c3%a9"),
            term("project_category", "walls"),
            project(inside=[filed("jetpack-portfolio-type", "murals")]),
            project(41, post_type="project", link="https://old.example/project/project-41/"),
        )
        assert client.get("/project_category/walls/").headers["Location"] == "/project/"
        assert client.get("/project-type/murals/").headers["Location"] == "/portfolio/"
        assert client.get("/project-tag/café/").headers["Location"] == "/portfolio/"

    def test_urls_of_terms_redirect_to_an_archive_that_the_theme_has_renamed(
        self, import_parts: ImportParts, client: Client
    ) -> None:
        murals = term("jetpack-portfolio-type", "murals")
        import_parts(murals, project(link="https://old.example/work/project-40/"))
        assert client.get("/project-type/murals/").headers["Location"] == "/work/"

    def test_urls_of_terms_of_other_types_redirect_to_their_archives(self, tmp_path: Path, client: Client) -> None:
        fiction, named = filed("genre", "fiction"), filed("genre", "cr%c3%aapes")
        parts = (
            *(term("genre", "unused"), term("mood", "dark"), book(60, inside=[fiction, named, filed("category", "a")])),
            # The name of the second taxonomy is also that of one of Avada's.
            book(61, inside=[fiction, filed("portfolio_tags", "b")]),
            book(62, post_type="film", above="films", inside=[fiction]),
        )
        import_books(tmp_path, *parts, types=["book", "film"])
        for path in ("/genre/fiction/", "/genre/crêpes/", "/genre/unused/", "/portfolio_tags/b/"):
            assert client.get(path).headers["Location"] == "/books/"
        assert client.get("/mood/dark/").status_code == client.get("/category/a/").status_code == 404
        before = contents()
        assert not import_books(tmp_path, *parts).has_changes
        assert contents() == before

    def test_menus_link_to_items_and_archives(self, tmp_path: Path, client: Client) -> None:
        link = {"_menu_item_type": "post_type_archive", "_menu_item_object": "jetpack-portfolio"}
        one = {"_menu_item_type": "post_type", "_menu_item_object": "jetpack-portfolio", "_menu_item_object_id": "40"}
        books = {**link, "_menu_item_object": "book"}
        genre = {"_menu_item_type": "taxonomy", "_menu_item_object": "genre", "_menu_item_object_id": "9"}
        entries = [
            item(id_, post_type="nav_menu_item", title=title, inside=[filed("nav_menu", "top"), *fields])
            for id_, title, fields in (
                (50, "Work", [meta(*pair) for pair in link.items()]),
                (51, "Wall", [meta(*pair) for pair in one.items()]),
                (52, "Shelf", [meta(*pair) for pair in books.items()]),
                # The link has the name of the term.
                (53, "", [meta(*pair) for pair in genre.items()]),
            )
        ]
        terms = term("genre", "fiction", "Fiction", term_id=9)
        import_books(tmp_path, terms, project(), book(inside=[filed("genre", "fiction")]), *entries)
        links = set(re.findall(r'<a href="([^"]*)"[^<>]*>([^<]*)', client.get("/").text.partition("<aside")[0]))
        assert {("/portfolio/", "Work"), ("/portfolio/project-40/", "Wall")} <= links
        assert {("/books/", "Shelf"), ("/books/", "Fiction")} <= links


class TestChosenTypes:
    def test_types_with_public_urls_are_named_in_the_report(self, import_parts: ImportParts) -> None:
        report = import_parts(book(60), book(61), book(62, status="draft"))
        assert counted(report, "book") == {"skipped": 3}
        text = "book 0: Readers could open 2 of these, such as /books/book-60/. They will become pages if"
        assert remarks(report)[0].startswith(text)
        assert not Page.objects.exists()

    @pytest.mark.parametrize(
        "values",
        [
            {"link": "https://old.example/?post_type=book&p=60"},
            {"link": "https://old.example/book-60/"},
            {"status": "private"},
            {"post_type": "product_variation"},
            *({"post_type": name} for name in sorted(ORDER_TYPES | BOOKINGS | NO_NAMES)),
        ],
    )
    def test_types_without_public_urls_are_not_offered(self, import_parts: ImportParts, values: dict[str, str]) -> None:
        assert not remarks(import_parts(book(60, **values)))

    def test_hostile_paths_are_shown_as_short_plain_text(self, import_parts: ImportParts) -> None:
        report = import_parts(book(60, above=f"books%00%1b[2J%0a%E2%80%AE{'s' * 1000}"))
        assert f"such as /books[2J {'s' * 90}. It" in remarks(report)[0]

    def test_items_of_chosen_types_become_pages_at_their_old_urls(self, tmp_path: Path, client: Client) -> None:
        assert counted(import_books(tmp_path, book(60), book(61)), "page") == {"imported": 3}
        assert client.get("/books/book-60/").status_code == 200
        assert Page.objects.get(path="books").title == "Books"

    def test_later_imports_remember_the_chosen_types(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_books(tmp_path, book(60))
        assert counted(import_parts(book(60), book(61)), "page") == {"imported": 1, "unchanged": 1}

    def test_child_items_stay_below_their_parent(self, tmp_path: Path, client: Client) -> None:
        import_books(tmp_path, book(61, above="books/book-60", post_parent=60), book(60))
        assert client.get("/books/book-60/book-61/").status_code == 200
        path = exported(tmp_path)
        before = path.read_text()
        undo_run(ImportRun.objects.get())
        import_export([path])
        assert exported(tmp_path, "again.xml").read_text() == before

    def test_a_language_in_the_url_is_not_part_of_the_path(self, tmp_path: Path, client: Client) -> None:
        french, german = (
            book(id_, above=f"{code}/books", inside=[filed("language", code)]) for id_, code in ((60, "fr"), (61, "de"))
        )
        import_books(tmp_path, french, german, book(62))
        assert client.get("/fr/books/book-60/").headers["Location"] == "/books/book-60/"
        assert client.get("/de/books/book-61/").headers["Location"] == "/books/book-61/"
        assert Page.objects.get(path="books").title == "Books"

    def test_items_with_a_term_in_their_url_are_at_the_top_level(self, tmp_path: Path, client: Client) -> None:
        groups = ("essays", "poems", "novels")
        import_books(tmp_path, *(book(60 + number, above=f"books/{name}") for number, name in enumerate(groups)))
        assert Page.objects.count() == 3
        assert client.get("/books/poems/book-61/").headers["Location"] == "/book-61/"
        assert items(exported(tmp_path))["page", 61].custom_type == "book"

    @pytest.mark.parametrize(
        "name",
        sorted(FORM_TYPES | INTERNAL_TYPES | THEME_TYPES | ORDER_TYPES | BOOKINGS | {"attachment", "post"} | NO_NAMES),
    )
    def test_confidential_and_internal_types_cannot_be_chosen(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InvalidExportError, match="can't become pages"):
            import_books(tmp_path, project(60, post_type=name), types=[name])
        assert not Page.objects.exists()

    @pytest.mark.parametrize("name", sorted(FORM_TYPES))
    def test_an_export_cannot_choose_confidential_types_either(self, import_parts: ImportParts, name: str) -> None:
        report = import_parts(meta("_broadside_page_type", name, owner="channel"), project(60, post_type=name))
        assert counted(report, name) == {"skipped": 1}
        assert not remarks(report)

    def test_a_type_that_is_not_in_the_export_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidExportError, match=r"“film”.*: book\."):
            import_books(tmp_path, book(60), types=["film"])

    def test_personal_data_that_a_plugin_stored_is_found_and_erased(self, tmp_path: Path) -> None:
        asked = [meta("_bbp_anonymous_email", "rosa@example.org")]
        import_books(tmp_path, book(60, inside=asked), page(20, inside=[meta("contact", "rosa@example.org")]))
        assert PreservedRows().rows("rosa@example.org").get().entry_id == 60
        personal_data.erase("rosa@example.org", keep_text=True, by=None)
        assert "_bbp_anonymous_email" not in exported(tmp_path).read_text()

    def test_types_can_be_chosen_on_the_command_line(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(book(60)))
        call_command("import_wordpress", str(path), "--pages", "book", stdout=StringIO(), stderr=StringIO())
        assert Page.objects.filter(pk=60).exists()

    def test_the_admin_offers_the_types_in_the_files(self, client: Client, uploaded: Uploaded, work: Work) -> None:
        client.force_login(UserFactory(is_staff=True, is_superuser=True))
        job = uploaded(client, export_file(export(book(60), project(40), project(41, post_type="feedback"))))
        text = client.get(job_url(job)).text
        assert "book: 1, such as /books/book-60/" in text
        assert text.count('name="page_types"') == 1
        start(client, job, "import", page_types="book")
        work()
        assert Page.objects.filter(pk=60).exists()


@pytest.mark.parametrize(
    ("link", "blog", "expected"),
    [
        ("https://old.example/books/b/", "https://old.example", "books"),
        ("https://old.example/books/b", "https://old.example/", "books"),
        ("https://old.example/blog/books/b/", "https://old.example/blog", "books"),
        ("https://old.example/index.php/books/b/", "https://old.example", "books"),
        ("https://old.example/books/a/b/", "https://old.example", "books/a"),
        ("https://old.example/%D9%83%D8%AA%D8%A8/b/", "https://old.example", "كتب"),
        ("https://old.example/b/", "https://old.example", ""),
        ("https://old.example/books/?p=1", "https://old.example", None),
        ("https://old.example", "https://old.example", None),
        ("https://old.example/blog/", "https://old.example/blog", None),
        ("", "", None),
        ("https://[old.example/books/b/", "https://old.example", None),
    ],
)
def test_the_path_above_an_item_is_taken_from_its_link(link: str, blog: str, expected: str | None) -> None:
    assert path_above(link, blog) == expected


class TestImportingAgain:
    def test_a_second_import_changes_nothing(self, import_parts: ImportParts) -> None:
        parts = (term("jetpack-portfolio-type", "murals"), project(40), project(41, status="draft"), page(20))
        import_parts(*parts)
        before = contents()
        assert not import_parts(*parts).has_changes
        assert contents() == before

    def test_a_parent_page_that_was_renamed_here_stays_their_parent(self, import_parts: ImportParts) -> None:
        import_parts(project(40))
        section = Page.objects.get(path="portfolio")
        section.slug = "work"
        section.store()
        import_parts(project(40), project(41))
        assert Page.objects.get(title="Project 41").path == "work/project-41"

    def test_the_archive_becomes_public_with_the_first_public_item(
        self, import_parts: ImportParts, client: Client
    ) -> None:
        import_parts(project(40, status="draft"))
        parts = (project(40, status="draft"), project(41))
        report = import_parts(*parts)
        assert counted(report, "page") == {"imported": 1, "updated": 1, "unchanged": 1}
        assert client.get("/portfolio/").status_code == 200
        assert not import_parts(*parts).has_changes

    @pytest.mark.parametrize("is_alone", [True, False])
    def test_drafts_are_found_at_their_urls_once_they_are_published(
        self, tmp_path: Path, client: Client, *, is_alone: bool
    ) -> None:
        draft = {"status": "draft", "link": "https://old.example/?post_type=book&p=60", "slug": "name"}
        later = [book(60, slug="name"), *([] if is_alone else [book(61)])]
        if not is_alone:
            later.append(page(20, post_name="books", title="All books"))
        import_books(tmp_path, book(60, **draft))
        import_books(tmp_path, *later)
        assert client.get("/books/name/").status_code == client.get("/books/").status_code == 200
        assert not import_books(tmp_path, *later).has_changes
        assert "/books/name/" in exported(tmp_path).read_text()

    def test_a_page_that_comes_later_replaces_the_list_that_an_import_added(
        self, import_parts: ImportParts, tmp_path: Path, client: Client
    ) -> None:
        murals = term("jetpack-portfolio-type", "murals")
        own = page(20, post_name="portfolio", title="My work", content="I paint.", inside=[comment(1)])
        below = page(21, post_name="info", post_parent=20)
        import_parts(murals, project(status="draft"))
        report = import_parts(own, below)
        assert counted(report, "page") == {"imported": 1, "updated": 1}
        section = Page.objects.get(path="portfolio")
        text = "page 20: It has replaced the page that an earlier import added at its URL, and has that page's ID"
        assert [remark for remark in remarks(report) if "ID" in remark] == [f"{text}, {section.pk}."]
        body = client.get("/portfolio/").text
        assert "I paint." in body
        assert 'id="comment-1"' in body
        assert 'href="/portfolio/info/"' in body
        assert client.get("/?p=20").headers["Location"] == "/portfolio/"
        assert client.get("/project-type/murals/").headers["Location"] == "/portfolio/"
        assert Page.objects.get(pk=40).parent_id == section.pk
        before = contents()
        for part in (murals + project(status="draft"), own + below):
            assert not import_parts(part).has_changes
        assert contents() == before
        text = exported(tmp_path).read_text()
        for run in ImportRun.objects.order_by("-pk"):
            undo_run(run)
        assert not Page.objects.exists()
        import_export([tmp_path / "out.xml"])
        assert exported(tmp_path, "again.xml").read_text() == text

    @pytest.mark.parametrize("is_edited", [True, False])
    def test_an_edited_list_keeps_its_url(self, import_parts: ImportParts, *, is_edited: bool) -> None:
        import_parts(project())
        section = Page.objects.get(path="portfolio")
        if is_edited:
            section.source = "What I do."
            section.save()
        import_parts(page(20, post_name="portfolio", title="My work"))
        titles = {"portfolio": "Portfolio", "portfolio-2": "My work"} if is_edited else {"portfolio": "My work"}
        pages = Page.objects.filter(parent=None)
        assert dict(pages.values_list("path", "title")) == titles

    def test_an_export_of_some_items_moves_no_page(self, tmp_path: Path) -> None:
        poem = book(62, above="books/poems")
        import_books(tmp_path, book(60), book(61), poem)
        changed = book(62, above="books/poems", content="New.", post_modified="2020-05-05 05:05:05")
        import_books(tmp_path, poem)
        import_books(tmp_path, changed)
        assert Page.objects.get(pk=62).path == "book-62"
        assert not Page.objects.filter(path="poems").exists()
        assert items(exported(tmp_path))["page", 62].custom_type == "book"

    def test_a_changed_item_is_updated_at_the_same_url(self, import_parts: ImportParts) -> None:
        import_parts(project(40))
        report = import_parts(project(40, content="New.", post_modified="2020-05-05 05:05:05"))
        assert counted(report, "page") == {"updated": 1}
        assert Page.objects.get(pk=40).path == "portfolio/project-40"

    def test_an_item_preserved_by_an_earlier_import_is_exported_only_once(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        import_parts(book(60))
        before = exported(tmp_path).read_text()
        import_books(tmp_path, book(60))
        assert exported(tmp_path).read_text().count("Book 60") == 1
        undo_run(ImportRun.objects.latest("pk"))
        assert exported(tmp_path).read_text() == before

    def test_undoing_removes_everything(self, import_parts: ImportParts) -> None:
        import_parts(term("jetpack-portfolio-type", "murals"), project(40))
        undo_run(ImportRun.objects.get())
        assert not Page.objects.exists()


class TestExporting:
    def test_custom_fields_are_exported_again_without_ip_addresses(self, tmp_path: Path) -> None:
        import_books(tmp_path, book(60, inside=[meta("isbn", "1-2-3"), meta("_bbp_author_ip", "203.0.113.5")]))
        text = exported(tmp_path).read_text()
        assert "1-2-3" in text
        assert "203.0.113.5" not in text

    def test_items_are_exported_with_their_type(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(project(40, inside=[filed("jetpack-portfolio-type", "murals")]))
        text = exported(tmp_path).read_text()
        assert "<wp:post_type>jetpack-portfolio</wp:post_type>" in text.replace("<![CDATA[", "").replace("]]>", "")
        found = items(tmp_path / "out.xml")["page", 40]
        assert (found.custom_type, found.parent) == ("jetpack-portfolio", 0)
        assert [ref.slug for ref in found.terms] == ["murals"]

    def test_an_item_that_was_moved_here_is_exported_as_a_page(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(project(40), page(20))
        moved = Page.objects.get(pk=40)
        moved.parent = Page.objects.get(pk=20)
        moved.store()
        found = items(exported(tmp_path))["page", 40]
        assert (found.custom_type, found.parent) == ("", 20)

    def test_importing_the_export_restores_the_same_pages(self, tmp_path: Path) -> None:
        comic = project(43, post_type="jetpack-comic", status="draft", link="https://old.example/?p=43")
        books = (book(60), book(61), book(62, above="books/poems"))
        import_books(tmp_path, project(40), project(41, status="draft"), comic, page(20), *books)
        path = exported(tmp_path)
        before = path.read_text()
        pages = list(Page.objects.order_by("pk").values("pk", "path", "title", "status", "guid"))
        undo_run(ImportRun.objects.get())
        assert not Page.objects.exists()
        import_export([path])
        assert list(Page.objects.order_by("pk").values("pk", "path", "title", "status", "guid")) == pages
        assert exported(tmp_path, "again.xml").read_text() == before


@pytest.mark.parametrize("version", VERSIONS)
def test_types_are_recognised_in_every_version_of_the_format(tmp_path: Path, version: str) -> None:
    found = items(write(tmp_path, export(project(), version=version)))
    assert found["page", 40].custom_type == "jetpack-portfolio"
