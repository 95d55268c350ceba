"""Items of an export other than posts, pages, terms and comments are imported or reported."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blog.models import Entry, Page, Post
from core.models import SiteSettings
from tests.factories import PostFactory, UserFactory
from tests.factories.files import write_files
from tests.factories.reports import counted, first
from tests.factories.types import ImportParts
from tests.factories.wxr import (
    attachment,
    author,
    comment,
    export,
    exported,
    filed,
    item,
    items,
    meta,
    page,
    term,
    write,
)
from wordpress.importing.context import ImportContext
from wordpress.importing.matching import KeyedItem
from wordpress.importing.media_source import MediaFolder
from wordpress.importing.pipeline import import_export
from wordpress.importing.report import Report
from wordpress.importing.steps.menus import import_menus
from wordpress.importing.steps.text_parts import import_footnotes
from wordpress.markup.footnotes_and_blocks import Origin, count_blocks, expand_blocks, find_footnotes
from wordpress.models import Fragment, FragmentKind, ImportedItem
from wordpress.wxr.records import Item

pytestmark = pytest.mark.django_db


FIELDS: dict[str, Any] = {
    **dict.fromkeys(("type", "status", "title", "slug", "link", "author", "content", "excerpt"), ""),
    **dict.fromkeys(("password", "comment_status", "guid"), ""),
    **dict.fromkeys(("date", "date_gmt", "published_at", "modified_at")),
    **dict.fromkeys(("id", "parent", "menu_order"), 0),
    **dict.fromkeys(("terms", "meta", "comments"), ()),
    "sticky": False,
}


def notes(report: Report, kind: str) -> dict[str, str]:
    return {note.title: note.text for note in report.notes if note.kind == kind}


class TestOtherTypes:
    @pytest.mark.parametrize(
        ("post_type", "reason"),
        [
            ("product", "plugin"),
            ("wp_global_styles", "theme"),
            ("oembed_cache", "internally"),
            ("feedback", "through a form"),
            ("revision", "internally"),
        ],
    )
    def test_unsupported_types_are_counted_with_a_reason(
        self, import_parts: ImportParts, post_type: str, reason: str
    ) -> None:
        report = import_parts(item(7, post_type=post_type), item(8, post_type=post_type))
        assert counted(report, post_type) == {"skipped": 2}
        assert reason in first(report.skipped).text


class TestShortcodes:
    def test_unknown_shortcodes_are_counted(self, import_parts: ImportParts) -> None:
        report = import_parts(
            item(
                7,
                content='[contact-form-7 id="1"] and [contact-form-7 id="2"] [sic] [youtube https://youtu.be/wTzbIc6oiqs]',
            ),
            page(20, content='[contact-form-7 id="1"] <code>[chart x="1"]</code>'),
            item(8, post_type="product", content='[chart x="1"]'),
        )
        found = notes(report, "shortcode")
        assert list(found) == ["[contact-form-7]"]
        assert "3 times (texts: 2)" in found["[contact-form-7]"]

    def test_blocks_that_a_plugin_rendered_are_counted(self, import_parts: ImportParts) -> None:
        acf = '<!-- wp:acf/quote {"name":"acf/quote","data":{"text":"A \\u003cb\\u003e"}} /-->'
        others = '<!-- wp:latest-posts /--><!-- wp:kadence/singlebtn {"text":"Go","link":"/go/"} /-->'
        report = import_parts(
            item(7, content=f"{acf}{acf}{others}"),
            page(20, content=f"{acf}<!-- wp:shop/cart /-->"),
            item(8, content='<!-- wp:jetpack/like /--><!-- wp:x/y {"a":1} --><p>Text</p><!-- /wp:x/y -->'),
        )
        found = notes(report, "block")
        assert list(found) == ["acf/quote", "shop/cart"]
        assert found["acf/quote"].startswith("2 texts have this block")

    def test_the_report_says_what_readers_see_in_place_of_a_shortcode(self, import_parts: ImportParts) -> None:
        shortcodes = '[nggallery id=1] [su_box title="A"]B[/su_box] [toggle]C[/toggle] [chart x="1"] [contact-form]'
        found = notes(import_parts(item(7, content=shortcodes)), "shortcode")
        expected = {
            "[nggallery]": "not in the export, so readers see nothing.",
            "[su_…]": "Readers see its texts, pictures and links, but not the layout.",
            "[toggle]": "Readers see its texts, pictures and links, but not the layout.",
            "[chart]": "is not supported, so readers see it as text.",
            "[contact-form]": "Forms are not supported, so readers see nothing.",
        }
        assert found.keys() == expected.keys()
        assert all(found[name].endswith(text) for name, text in expected.items())

    def test_forms_in_blocks_are_counted(self, import_parts: ImportParts) -> None:
        form = '<!-- wp:jetpack/contact-form {"to":"a@example.org"} --><div></div><!-- /wp:jetpack/contact-form -->'
        report = import_parts(item(7, content=form), page(20, content=f"{form}<!-- wp:jetpack/subscriptions /-->"))
        found = notes(report, "block")
        assert list(found) == ["jetpack/contact-form", "jetpack/subscriptions"]
        assert "Readers see nothing" in found["jetpack/contact-form"]

    def test_texts_in_several_languages_are_counted_with_an_example(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        comments = "<!--:en-->One<!--:--><!--:fr-->Un<!--:-->"
        parts = (page(20, title="[:en]Two\n words[:fr]Deux mots[:]", content=comments), item(7, content=comments))
        report = import_parts(*parts, item(8, content="[:] [en] <!--more-->"), item(9, content="find(params[:id])"))
        text = "2 texts are in several languages, as in “[:en]Two words[:fr]Deux mots[:]”."
        assert notes(report, "shortcode")["qTranslate"].startswith(text)
        assert Post.objects.get(pk=7).source == comments
        assert Page.objects.get(pk=20).title == "Two words / Deux mots"
        assert items(exported(tmp_path))["page", 20].title == "[:en]Two\n words[:fr]Deux mots[:]"

    def test_forms_are_counted_although_they_are_not_shown(self, import_parts: ImportParts) -> None:
        form = "[contact-form to='a@b.example' subject='[Blog'][/contact-form]"
        report = import_parts(item(7, content=f"{form}\n\n{form}"))
        assert "It is used 2 times (texts: 1). Forms" in notes(report, "shortcode")["[contact-form]"]
        assert "b.example" not in Post.objects.get().body_html

    def test_texts_with_shortcodes_that_show_nothing_are_listed(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        folder = write_files(tmp_path / "old", "2014/03/a.png")
        report = import_parts(
            item(7, title="Seven", content='[gallery ids="98,99"] [audio] [gallery]'),
            item(8, title="Eight", content='[gallery ids="30"] <code>[gallery]</code>'),
            page(20, title="Twenty", content="[playlist]"),
            attachment(30, "2014/03/a.png"),
            media=MediaFolder(folder),
        )
        found = [
            (remark.kind, remark.id, remark.title) for remark in report.notes if "Readers see nothing" in remark.text
        ]
        assert found == [("post", 7, "Seven"), ("post", 7, "Seven"), ("page", 20, "Twenty")]
        assert not notes(report, "shortcode")

    def test_number_of_reported_shortcodes_is_limited(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, content=" ".join(f'[a-{number} x="1"]' for number in range(1000))))
        found = notes(report, "shortcode")
        assert len(found) == 301
        assert "700 times" in found["[…]"]


class TestGroupings:
    def test_owners_learn_that_their_pages_may_need_redirects(self, import_parts: ImportParts) -> None:
        """An export doesn't contain their URLs, which a plugin may have changed."""
        report = import_parts(term("series", "war", "War", term_id=9), item(7, inside=[filed("series", "war", "War")]))
        assert notes(report, "other term") == {
            "series": (
                "1 post is in this grouping. The grouping “series” is not shown here. It is kept and exported again. "
                "If readers could open its pages, check that their URLs are among the redirects."
            )
        }
        assert [each.text for each in report.skipped if "among the redirects" in each.text]


class TestCoAuthors:
    def test_are_named_as_readers_know_them(self, tmp_path: Path, client: Client) -> None:
        SiteSettings.objects.update(show_author=True)
        UserFactory(username="carl", display_name="Pen Name")
        authors = [author(), author("wp_ben", name="Ben B.", id=2), author("c.doe", name="Carl Doe", id=3)]
        parts = (
            # Co-Authors Plus has logins.
            item(4, inside=[filed("author", "cap-wp_ben", "wp_ben"), filed("author", "cap-anna", "anna")]),
            item(5, inside=[filed("author", "cap-anna", "anna"), filed("author", "cap-rosa", "rosa")]),
            # PublishPress Authors has names, and those of guests.
            item(6, inside=[filed("author", "anna", "Anna A."), filed("author", "dora", "Dora, D.")]),
            # Molongui Authorship has IDs.
            item(7, inside=[meta("_molongui_author", each) for each in ("user-1", "user-3", "guest-51", "user-1")]),
            item(8, creator="wp_ben", inside=[filed("author", "wp-ben", "Ben B."), filed("author", "anna", "Anna A.")]),
            item(50, post_type="guest-author", title="Rosa Guest", post_name="cap-rosa", content=""),
            item(51, post_type="guest_author", title="Eve", content=""),
        )
        path = write(tmp_path, export(*parts, authors=authors))
        report = import_export([path], map_authors={"c.doe": "carl"})
        assert {post.pk: post.byline for post in Post.objects.all()} == {
            4: "Anna A. and Ben B.",
            5: "Anna A. and Rosa Guest",
            6: "Anna A. and Dora D.",
            7: "Anna A., Pen Name and Eve",
            8: "Ben B. and Anna A.",
        }
        assert not [note.text for note in report.notes if note.kind == "post"]
        assert not import_export([path], map_authors={"c.doe": "carl"}).has_changes
        call_command("verify_import", path, all=True, stdout=StringIO())
        Post.objects.filter(pk=7).update(co_authors="Eve")
        with pytest.raises(CommandError):
            call_command("verify_import", path, all=True, stdout=(out := StringIO()))
        assert "It doesn't name all of its authors." in out.getvalue()

    @pytest.mark.parametrize(
        ("description", "name"),
        [
            ("Carla Diaz Carla Diaz cd 3 cd@example.org", "Carla Diaz"),
            ("Carla Carla  cd 3 cd@example.org", "Carla"),
            ("Pen Name   cd 3 cd@example.org", "Pen Name"),
            # Only the first is public, but which words belong to it?
            ("Pen Name Carla Diaz cd 3 cd@example.org", ""),
            ("cd   cd 3 cd@example.org", "cd"),
            ("Written by hand", ""),
            ("", ""),
        ],
    )
    def test_who_created_nothing_are_named_if_their_public_name_is_certain(
        self, import_parts: ImportParts, description: str, name: str
    ) -> None:
        described = term("author", "cap-cd", "cd", term_description=description)
        import_parts(described, item(4, inside=[filed("author", "cap-anna", "anna"), filed("author", "cap-cd", "cd")]))
        assert Post.objects.get().co_authors == name

    def test_are_not_named_by_logins(self, import_parts: ImportParts, tmp_path: Path) -> None:
        def written_by(*logins: str) -> list[str]:
            return [filed("author", f"cap-{login}", login) for login in logins]

        parts = (
            term("author", "cap-ben", "ben", term_id=9),
            item(4, inside=[filed("author", "anna", "Anna B.")]),
            item(5, inside=written_by("anna")),
            item(6, inside=written_by("anna", "ben")),
            item(7, inside=written_by("a-guest")),
            # A taxonomy of the theme, with the authors of books.
            item(8, inside=[filed("author", "tolstoy", "Tolstoy")]),
            item(9, inside=written_by("a-guest", "ben")),
            page(10, inside=written_by("anna", "ben")),
        )
        report = import_parts(*parts)
        text = "Readers don't see that it is by %s. Add the names under “Co-authors” if they should."
        assert {note.id: note.text for note in report.notes if note.kind in {"post", "page"}} == {
            6: text % "“ben”",
            8: text % "“Tolstoy”",
            9: text % "“ben”",
        }
        assert not Entry.objects.exclude(co_authors="")
        assert any("stands for an author" in each.text for each in report.skipped)
        assert not import_parts(*parts).has_changes
        terms = items(exported(tmp_path))["post", 6].terms
        assert [ref.name for ref in terms if ref.taxonomy == "author"] == ["anna", "ben"]

    def test_are_as_editors_have_left_them_after_another_import_of_the_export(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        both = [filed("author", "cap-anna", "anna"), filed("author", "cap-ben-lee", "Ben Lee")]
        import_parts(item(4, inside=both), item(5, inside=both), item(6), item(7))
        Post.objects.filter(pk=5).update(co_authors="")
        Post.objects.filter(pk=6).update(co_authors="Dora")
        own = exported(tmp_path)
        Post.objects.all().delete()
        ImportedItem.objects.all().delete()
        import_export([own])
        stored = dict(Post.objects.values_list("pk", "co_authors"))
        assert stored == {4: "Ben Lee", 5: "", 6: "Dora", 7: ""}

    def test_too_many_are_left_out(self, import_parts: ImportParts) -> None:
        names = [f"Name {number:04}" for number in range(200)]
        import_parts(item(4, inside=[filed("author", f"cap-{name}", name) for name in ["Anna A.", *names]]))
        assert Post.objects.get().co_author_names == names[:91]

    def test_a_guest_is_the_author_of_what_others_only_published(
        self, import_parts: ImportParts, client: Client
    ) -> None:
        SiteSettings.objects.update(show_author=True)
        guest = item(50, post_type="guest-author", title="Rosa Guest", post_name="cap-rosa", content="")
        parts = (item(7, inside=[filed("author", "cap-rosa", "rosa")]), guest)
        report = import_parts(*parts)
        assert not [note.text for note in report.notes if note.kind == "post"]
        assert "Rosa Guest" in client.get("/2014/03/01/post-7/").content.decode()
        assert "A title" in client.get("/author/rosa/").content.decode()
        assert not import_parts(*parts).has_changes

    def test_the_slug_of_a_co_author_may_differ_from_the_login(self, tmp_path: Path) -> None:
        names = [author(), author("wp_ben", name="Ben B.", id=2), author("C. Doe", name="Carl", id=3)]
        parts = (
            item(7, inside=[filed("author", "benb", "Ben B.")]),
            item(8, inside=[filed("author", "cap-c-doe", "c-doe")]),
        )
        import_export([write(tmp_path, export(*parts, authors=names))])
        assert [Post.objects.get(pk=pk).author.username for pk in (7, 8)] == ["wp_ben", "c-doe"]


class TestCustomFields:
    def test_unsupported_fields_are_counted_by_key(self, import_parts: ImportParts) -> None:
        fields = [
            meta("Mood", "glad"),
            meta("_yoast_wpseo_title", "For search"),
            meta("Mood", "twice"),
            meta("empty", " "),
        ]
        report = import_parts(item(7, inside=fields), item(8, inside=[meta("Mood", "sad")]))
        found = notes(report, "custom field")
        assert found.keys() == {"Mood", "_yoast_wpseo_title"}
        assert found["Mood"].startswith("2 items")

    def test_internal_fields_of_wordpress_are_reported_together(self, import_parts: ImportParts) -> None:
        report = import_parts(
            item(7, inside=[meta("_edit_last", "1"), meta("_edit_lock", "1:1"), meta("_encloseme", "1")])
        )
        assert list(notes(report, "custom field").values()) == [
            "Readers never saw these fields, which are kept and exported again: _edit_last, _edit_lock, _encloseme."
        ]

    def test_fields_of_comments_and_terms_are_counted(self, import_parts: ImportParts) -> None:
        rated = comment(1, inside=meta("rating", "5", "comment") + meta("akismet_result", "x", "comment"))
        colour = term("genre", "jazz", inside=meta("colour", "red", "term"))
        found = notes(import_parts(colour, item(7, inside=[rated])), "custom field")
        assert found["rating"].startswith("It occurs 1 time on comments")
        assert found["colour"].startswith("It occurs 1 time on categories, tags")
        assert "akismet_result" not in found

    def test_fields_of_skipped_items_are_not_counted(self, import_parts: ImportParts) -> None:
        assert not notes(import_parts(item(7, post_type="product", inside=[meta("_price", "5")])), "custom field")


MARK = '<sup data-fn="{0}" class="fn"><a href="#{0}" id="{0}-link">1</a></sup>'
BODY = f"<!-- wp:paragraph -->\n<p>Word{MARK.format('f-1')} and{MARK.format('f-2')}.</p>\n<!-- /wp:paragraph -->\n\n"
NOTED = BODY + "<!-- wp:footnotes /-->"


def footnotes(**texts: str) -> str:
    notes = [{"content": text, "id": name.replace("_", "-")} for name, text in texts.items()]
    return meta("footnotes", json.dumps(notes))


class TestFootnotes:
    def test_footnotes_are_shown_in_place_of_the_footnotes_block(
        self, import_parts: ImportParts, client: Client
    ) -> None:
        report = import_parts(item(7, content=NOTED, inside=[footnotes(f_1="See <em>here</em>.", f_2="And there.")]))
        html = client.get("/2014/03/01/post-7/").text
        html = html[html.index("<article") :]
        assert "See <em>here</em>." in html
        assert "See here" not in Post.objects.get().auto_excerpt
        assert html.index("Word") < html.index("See <em>here") < html.index("And there.")
        assert 'href="#f-1"' in html
        assert 'id="f-1"' in html
        assert 'href="#f-1-link"' in html
        assert not report.notes

    def test_footnotes_are_shown_only_once(self, import_parts: ImportParts) -> None:
        block = "<!-- wp:footnotes /-->"
        import_parts(item(7, content=BODY + block * 500, inside=[footnotes(f_1="See here.")]))
        assert Post.objects.get().body_html.count("See here.") == 1

    def test_footnotes_that_would_make_the_text_too_long_are_not_shown(self, import_parts: ImportParts) -> None:
        import_parts(item(7, content=NOTED, inside=[footnotes(f_1="y" * 300_000, f_2="z" * 300_000)]))
        html = Post.objects.get().body_html
        assert (html.count("y") >= 300_000, html.count("z") < 300_000) == (True, True)

    def test_source_is_kept_byte_for_byte(self, import_parts: ImportParts) -> None:
        import_parts(item(7, content=NOTED, inside=[footnotes(f_1="One")]))
        assert Post.objects.get().source == NOTED

    def test_footnotes_are_sanitised(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(
            item(7, content=NOTED, inside=[footnotes(f_1="<script>alert(1)</script><img src=x onerror=alert(2)>ok")])
        )
        html = client.get("/2014/03/01/post-7/").text
        assert "alert" not in html
        assert "ok" in html

    def test_changed_footnote_updates_the_post(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(item(7, content=NOTED, inside=[footnotes(f_1="Old text")]))
        report = import_parts(item(7, content=NOTED, inside=[footnotes(f_1="New text")]))
        assert counted(report, "post") == {"updated": 1}
        assert "New text" in client.get("/2014/03/01/post-7/").text
        assert not import_parts(item(7, content=NOTED, inside=[footnotes(f_1="New text")])).has_changes

    @pytest.mark.parametrize(
        "field",
        ["a:0:{}", '{"id":"x"}', "[1]", '[{"id":"","content":""}]', "[" * 5000, '[{"id":"\\ud800","content":""}]'],
    )
    def test_unreadable_footnotes_are_noted(self, import_parts: ImportParts, field: str) -> None:
        report = import_parts(item(7, content=NOTED, inside=[meta("footnotes", field)]))
        assert any("footnotes can't be read" in note.text for note in report.notes)

    @pytest.mark.django_db(transaction=True)
    def test_footnotes_survive_an_export_and_import(
        self, import_parts: ImportParts, tmp_path: Path, client: Client
    ) -> None:
        import_parts(item(7, content=NOTED, inside=[footnotes(f_1="One & <b>two</b>", f_2="ü")]))
        path = tmp_path / "out.xml"
        call_command("export_wordpress", output=path, verbosity=0)
        before = list(Fragment.objects.order_by("name").values("kind", "name", "title", "text"))
        call_command("flush", interactive=False, verbosity=0)
        import_export([path])
        assert list(Fragment.objects.order_by("name").values("kind", "name", "title", "text")) == before
        assert "One &amp; <b>two</b>" in client.get("/2014/03/01/post-7/").text


class TestReusableBlocks:
    def block(self, id: int, content: str, **values: Any) -> str:  # noqa: A002  # WordPress's name for it
        return item(id, title=f"Block {id}", post_type="wp_block", content=content, **values)

    def test_reusable_blocks_are_shown_in_every_text_that_uses_them(
        self, import_parts: ImportParts, client: Client
    ) -> None:
        shown = '<!-- wp:block {"ref":30} /-->'
        block = self.block(30, "<!-- wp:paragraph -->\n<p>Shared text.</p>\n<!-- /wp:paragraph -->")
        report = import_parts(item(7, content=shown), page(20, content=shown), block)
        assert ">Shared text.</p>" in client.get("/2014/03/01/post-7/").text
        assert ">Shared text.</p>" in client.get("/page-20/").text
        assert counted(report, "wp_block") == {"imported": 1}
        assert not report.notes
        assert not import_parts(item(7, content=shown), page(20, content=shown), block).has_changes

    def test_changed_block_is_shown_after_rerendering(self, import_parts: ImportParts, client: Client) -> None:
        shown = item(7, content='<!-- wp:block {"ref":30} /-->')
        import_parts(shown, self.block(30, "<p>Old text</p>"))
        report = import_parts(shown, self.block(30, "<p>New text</p>"))
        assert counted(report, "wp_block") == {"updated": 1}
        assert "rerender" in first(report.notes).text
        call_command("rerender", verbosity=0, stdout=StringIO())
        assert "New text" in client.get("/2014/03/01/post-7/").text

    def test_comments_on_blocks_are_counted_as_skipped(self, import_parts: ImportParts) -> None:
        assert counted(import_parts(self.block(30, "x", inside=[comment(1)])), "comment") == {"skipped": 1}

    @pytest.mark.parametrize(
        ("before", "status"), [("", "draft"), ("<!-- wp:premium-content/subscriber-view -->", "publish")]
    )
    def test_blocks_that_were_not_public_are_not_shown(
        self, import_parts: ImportParts, client: Client, before: str, status: str
    ) -> None:
        report = import_parts(
            item(7, content='<!-- wp:block {"ref":30} /-->'), self.block(30, f"{before}<p>Secret</p>", status=status)
        )
        assert "Secret" not in client.get("/2014/03/01/post-7/").text
        assert counted(report, "wp_block") == {"skipped": 1}

    def test_a_hidden_reference_to_a_block_shows_nothing(self, import_parts: ImportParts, client: Client) -> None:
        content = '<!-- wp:block {"ref":30,"metadata":{"blockVisibility":false}} /-->'
        import_parts(item(7, content=content), self.block(30, "<p>Secret</p>"))
        assert "Secret" not in client.get("/2014/03/01/post-7/").text

    def test_contents_that_a_text_gives_replace_those_of_the_block(
        self, import_parts: ImportParts, client: Client
    ) -> None:
        def part(kind: str, name: str, html: str) -> str:
            bindings = (
                f'{{"metadata":{{"name":"{name}","bindings":{{"__default":{{"source":"core/pattern-overrides"}}}}}}}}'
            )
            return f"<!-- wp:{kind} {bindings} -->{html}<!-- /wp:{kind} -->"

        block = (
            part("heading", "Title", '<h2 class="a">Default title</h2>')
            + part("paragraph", "Text", "<p>Default text</p>")
            + part("button", "Link", '<div><a class="b" href="/default/">Default link</a></div>')
            + part("paragraph", "Kept", "<p>Kept text</p>")
        )
        contents = (
            r'{"Title":{"content":"Own \u003cem\u003etitle\u003c/em\u003e"},"Text":{"content":"Own text"},'
            '"Link":{"text":"Own link","url":"/own/"},"Kept":[],"Other":{"content":"Lost"}}'
        )
        import_parts(item(7, content=f'<!-- wp:block {{"ref":30,"content":{contents}}} /-->'), self.block(30, block))
        html = client.get("/2014/03/01/post-7/").text
        for shown in ("Own <em>title</em>", "<p>Own text</p>", '<a href="/own/">Own link</a>', "<p>Kept text</p>"):
            assert shown in html
        assert "Default" not in html

    def test_missing_block_is_reported(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, content='<!-- wp:block {"ref":30} /-->'))
        assert "1 text shows this reusable block" in notes(report, "reusable block")["30"]

    def test_recursive_block_is_expanded_only_a_few_times(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(
            item(7, content='<!-- wp:block {"ref":30} /-->'),
            self.block(30, '<p>Again</p><!-- wp:block {"ref":30} /-->'),
        )
        assert 1 <= client.get("/2014/03/01/post-7/").text.count(">Again</p>") <= 3

    def test_expanded_text_has_a_maximum_length(self) -> None:
        source = '<!-- wp:block {"ref":1} /-->' * 1000
        Fragment.objects.create(kind=FragmentKind.BLOCK, name="1", text=source)
        grown = expand_blocks(source, Origin())
        assert len(grown) <= 500_000

    @pytest.mark.django_db(transaction=True)
    def test_blocks_survive_an_export_and_import(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(item(7, content='<!-- wp:block {"ref":30} /-->'), self.block(30, "<p>A & b</p>"))
        path = tmp_path / "out.xml"
        call_command("export_wordpress", output=path, verbosity=0)
        call_command("flush", interactive=False, verbosity=0)
        import_export([path])
        assert Fragment.objects.get().text == "<p>A & b</p>"


class TestFragmentsOfSeveralBlogs:
    """IDs of blocks and footnotes are unique only within a blog."""

    OTHER = "https://other.example"
    SHOWN = '<!-- wp:block {"ref":30} /-->'

    def block(self, text: str, id: int = 30) -> str:  # noqa: A002  # WordPress's name for it
        return item(id, title="Block", post_type="wp_block", guid="", content=text)

    def import_two_blogs(self, import_parts: ImportParts) -> None:
        note = footnotes(f_1="A note here")
        import_parts(
            item(7, content=self.SHOWN + NOTED, inside=[note]), page(20, content=self.SHOWN), self.block("<p>One</p>")
        )
        note = footnotes(f_1="A note there")
        theirs = item(7, guid="g", post_name="theirs", content=self.SHOWN + NOTED, inside=[note])
        report = import_parts(theirs, self.block("<p>Two</p>"), site=self.OTHER)
        assert counted(report, "wp_block") == {"imported": 1}

    def shown_texts(self, *texts: str) -> dict[str, list[str]]:
        entries = [*Post.objects.all(), *Page.objects.all()]
        return {entry.slug: [text for text in texts if text in entry.body_html] for entry in entries}

    def test_each_text_shows_the_fragments_of_its_own_blog(self, import_parts: ImportParts) -> None:
        self.import_two_blogs(import_parts)
        expected = {"post-7": ["One", "A note here"], "page-20": ["One"], "theirs": ["Two", "A note there"]}
        texts = ("One", "Two", "A note here", "A note there")
        assert self.shown_texts(*texts) == expected
        call_command("rerender", verbosity=0, stdout=StringIO())
        assert self.shown_texts(*texts) == expected

    def test_blocks_are_updated_only_by_exports_of_their_own_blog(self, import_parts: ImportParts) -> None:
        self.import_two_blogs(import_parts)
        assert counted(import_parts(self.block("<p>Two</p>"), site=self.OTHER), "wp_block") == {"unchanged": 1}
        assert counted(import_parts(self.block("<p>Three</p>"), site=self.OTHER), "wp_block") == {"updated": 1}
        assert set(Fragment.objects.filter(kind="block").values_list("text", flat=True)) == {
            "<p>One</p>",
            "<p>Three</p>",
        }

    def test_missing_block_is_not_replaced_by_one_of_another_blog(self, import_parts: ImportParts) -> None:
        import_parts(self.block("<p>One</p>"))
        report = import_parts(item(7, content=self.SHOWN), site=self.OTHER)
        assert "One" not in Post.objects.get().body_html
        assert "1 text shows this reusable block" in notes(report, "reusable block")["30"]

    def test_text_written_here_shows_the_block_imported_first(self, import_parts: ImportParts) -> None:
        self.import_two_blogs(import_parts)
        post = PostFactory(markup="wordpress", source=self.SHOWN)
        assert "One" in post.body_html

    def test_block_without_a_site_is_shown_and_adopted_by_the_matching_site(self, import_parts: ImportParts) -> None:
        Fragment.objects.create(kind=FragmentKind.BLOCK, name="30", title="Block", text="<p>One</p>")
        import_parts(item(7, content=self.SHOWN))
        assert "One" in Post.objects.get().body_html
        assert counted(import_parts(self.block("<p>Two</p>"), site=self.OTHER), "wp_block") == {"imported": 1}
        assert counted(import_parts(self.block("<p>One</p>")), "wp_block") == {"unchanged": 1}
        assert set(Fragment.objects.values_list("site", "text")) == {
            ("https://old.example", "<p>One</p>"),
            (self.OTHER, "<p>Two</p>"),
        }

    def test_block_of_an_export_without_a_site_stays_there(self, import_parts: ImportParts) -> None:
        without_site = (self.block("<p>One</p>"), item(7, content=self.SHOWN))
        import_parts(*without_site, site="")
        import_parts(self.block("<p>One</p>"), site=self.OTHER)
        call_command("rerender", verbosity=0, stdout=StringIO())
        assert "One" in Post.objects.get().body_html
        assert not import_parts(*without_site, site="").has_changes

    @pytest.mark.django_db(transaction=True)
    def test_blocks_of_several_blogs_survive_an_export_and_import(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        self.import_two_blogs(import_parts)
        import_parts(
            self.block(self.SHOWN, 31), item(8, guid="g8", post_name="nested", content='<!-- wp:block {"ref":31} /-->')
        )
        import_parts(self.block("<p>Other</p>", 31), site=self.OTHER)
        before = self.shown_texts("One", "Two")
        path = tmp_path / "out.xml"
        call_command("export_wordpress", output=path, verbosity=0)
        call_command("flush", interactive=False, verbosity=0)
        import_export([path])
        assert self.shown_texts("One", "Two") == before
        assert len(set(Fragment.objects.filter(kind="block").values_list("name", flat=True))) == 4


class TestHostileFields:
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "content", "x"]), inner),
        )
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
    def test_any_json_is_stored_or_noted_as_unreadable(self, context: ImportContext, value: object) -> None:
        found = Item(**{**FIELDS, "meta": (("footnotes", json.dumps(value)),)})
        context.report = Report()
        Fragment.objects.all().delete()
        import_footnotes(context, [KeyedItem(found)])
        assert len(context.report.notes) == 1 or (
            isinstance(value, list) and len({note["id"] for note in value}) == Fragment.objects.count()
        )

    @given(st.text(alphabet=st.sampled_from(list('<!-- wp:block {"ref":12}/--> data-fn="a"\n')), max_size=300))
    def test_any_text_with_markers_can_be_rendered(self, source: str) -> None:
        assert isinstance(find_footnotes(source, Origin()), dict)
        assert isinstance(expand_blocks(source, Origin()), str)

    @pytest.mark.parametrize(
        "source",
        [
            '<!-- wp:block {"ref":1' * 20_000,
            'data-fn="' * 40_000,
            '<!-- wp:navigation-link {"' * 15_000,
            "<!-- wp:page-list" + " " * 200_000,
        ],
    )
    def test_broken_markers_take_linear_time(self, context: ImportContext, source: str) -> None:
        assert not count_blocks(source)
        assert not find_footnotes(source, Origin())
        context.spool.add(Item(**{**FIELDS, "type": "wp_navigation", "content": source + "-->"}))
        import_menus(context)
