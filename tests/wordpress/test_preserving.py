"""Data that Broadside doesn't use is kept out of sight and exported again as it was."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError
from django.test import Client
from lxml import etree

from blog.appearance.documents import read
from blog.models import Category, Page, Post, SiteAppearance
from comments import personal_data
from comments.models import Comment
from tags.models import Tag
from tests.factories import PostFactory
from tests.factories.database import contents, everything_stored, rows_of_all
from tests.factories.files import write_files
from tests.factories.reports import first
from tests.factories.types import ImportParts
from tests.factories.wxr import (
    attachment,
    category,
    comment,
    export,
    exported,
    filed,
    item,
    items,
    meta,
    page,
    tag,
    term,
    write,
)
from wordpress.importing import preserved
from wordpress.importing.media_source import MediaFolder
from wordpress.importing.pipeline import import_export
from wordpress.importing.undo import undo_run
from wordpress.models import ImportRun, PreservedData

pytestmark = pytest.mark.django_db

MENU_LINK = item(
    50,
    title="Press &amp; news",
    post_type="nav_menu_item",
    menu_order=2,
    ping_status="open",
    inside=[
        filed("nav_menu", "main", "Main"),
        meta("_menu_item_type", "post_type"),
        meta("_menu_item_menu_item_parent", "51"),
        meta("_menu_item_object", "page"),
        meta("_menu_item_object_id", "20"),
        meta("_menu_item_classes", 'a:1:{i:0;s:0:"";}'),
    ],
)
MENU = (
    term("nav_menu", "main", "Main", term_id=9, term_parent="", inside=meta("colour", "red", "term")),
    MENU_LINK,
    item(51, post_type="nav_menu_item", inside=[filed("nav_menu", "main", "Main"), meta("_menu_item_type", "custom")]),
)
EVENT = item(
    60,
    title="A <b>talk</b>",
    post_type="event",
    post_parent=20,
    content="Come &amp; see ]]> there",
    excerpt="<i>Soon</i>",
    inside=[
        filed("venue", "hall", "Hall"),
        meta("_price", "5"),
        comment(70, author="R&amp;D", inside=meta("stars", "4", "comment")),
        comment(71, parent=70),
    ],
)
RICH_POST = item(
    7,
    title="Star <em>power</em> &#8217;",
    excerpt="See <a href='/x/'>here</a>.",
    ping_status="open",
    menu_order=4,
    inside=[
        filed("post_format", "post-format-aside", "Aside"),
        filed("genre", "jazz", "Jazz &amp; blues"),
        meta("Mood", "glad"),
        meta("Mood", "sad"),
        meta("empty", ""),
        meta("_wp_old_slug", "former"),
        meta("_wp_old_date", "2013-01-01"),
        meta("_thumbnail_id", "99"),
        meta("enclosure", 'https://a.example/1.mp3\n12\naudio/mpeg\na:1:{s:8:"duration";s:4:"1:00";}'),
        meta("footnotes", '[{"content":"One","id":"f-1"}]'),
        comment(1, type="review", inside=meta("rating", "5", "comment") + meta("empty", "", "comment")),
    ],
    content='<sup data-fn="f-1" class="fn">1</sup><!-- wp:footnotes /-->',
)
FULL_PAGE = page(20, is_sticky=1, inside=[filed("category", "news", "News"), filed("post_tag", "x", "X")])
TERMS = (
    category("news", "News", description='See <a href="/x/">this</a>', inside=meta("order", "3", "term")),
    tag("x", "X &#8211; Y", inside=meta("colour", "blue", "term")),
    term("genre", "jazz", "Jazz"),
)
BLOCK = item(
    80,
    title="A <b>block</b>",
    post_type="wp_block",
    post_name="a-block",
    inside=[meta("wp_pattern_sync_status", "unsynced"), filed("wp_pattern_category", "c", "C")],
)
PICTURE = attachment(
    30,
    title="A <b>view</b>",
    excerpt="By <a href='/x/'>Rosa</a>",
    post_name="a-view",
    ping_status="open",
    inside=[
        meta("_wp_attachment_image_alt", "x &#8211; y"),
        meta("_wp_attachment_metadata", "a:0:{}"),
        comment(75, content="On a picture"),
    ],
)
EVERYTHING = (*TERMS, *MENU[:1], RICH_POST, FULL_PAGE, BLOCK, PICTURE, *MENU[1:], EVENT)


def contained(path: Path, *, kind: str = "item") -> dict[str, Any]:
    """Return the content of the items of an export by ID, or of its terms by slug."""
    names = {"item": "post_id", "term": "term_slug", "tag": "tag_slug", "category": "category_nicename"}
    found = {}
    for element in etree.parse(path).getroot().iterfind("channel/{*}" + kind):
        values = _contained(element)
        if key := values.get(names[kind]):
            found[key[0]] = values
    return found


def _contained(element: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for child in element:
        name = etree.QName(child).localname
        if "excerpt" in (etree.QName(child).namespace or ""):
            name = "excerpt"
        attributes = (child.get("domain"), child.get("nicename")) if name == "category" and child.attrib else ()
        if name in {"comment", "postmeta", "commentmeta", "termmeta"}:
            value: Any = _contained(child)
        else:
            value = (*attributes, child.text or "") if attributes else child.text or ""
        values.setdefault(name, []).append(value)
    return values


def without_ours(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the content of an element without the fields that only our exports have, and without `names`."""
    kept = {name: value for name, value in values.items() if name not in names}
    for name in kept.keys() & {"postmeta", "termmeta", "commentmeta"}:
        kept[name] = [field for field in kept[name] if not field["meta_key"][0].startswith("_broadside")]
        kept[name].sort(key=str)
    if "comment" in kept:
        kept["comment"] = [without_ours(each, "comment_author_IP") for each in kept["comment"]]
    return {name: value for name, value in kept.items() if value}


@pytest.mark.django_db(transaction=True, reset_sequences=True)
class TestRoundTrip:
    # Elements with other values in our exports: URLs, RFC 822 dates, and elements that the factories leave out.
    DIFFERENT = ("link", "pubDate", "post_modified", "post_modified_gmt", "attachment_url", "ping_status")

    def test_nothing_is_lost_between_wordpress_and_wordpress(self, tmp_path: Path) -> None:
        source = write(tmp_path, export(*EVERYTHING), "source.xml")
        import_export([source])
        out = exported(tmp_path)
        before, after = contained(source), contained(out)
        assert after.keys() == before.keys()
        for key, values in before.items():
            different = self.DIFFERENT[: len(self.DIFFERENT) - ("ping_status" in values)]
            assert without_ours(after[key], *different) == without_ours(values, *different), key
        for kind in ("term", "tag", "category"):
            terms = contained(out, kind=kind)
            for slug, values in contained(source, kind=kind).items():
                assert without_ours(terms[slug], "term_id") == without_ours(values, "term_id"), slug

    def test_nothing_is_lost_between_two_sites(self, tmp_path: Path) -> None:
        import_export([write(tmp_path, export(*EVERYTHING))])
        out = exported(tmp_path).read_text()
        call_command("flush", interactive=False, verbosity=0)
        import_export([tmp_path / "out.xml"])
        assert exported(tmp_path, "again.xml").read_text().splitlines() == out.splitlines()

    def test_importing_again_changes_nothing(self, import_parts: ImportParts) -> None:
        import_parts(*EVERYTHING)
        before = contents(without_version=True)
        assert not import_parts(*EVERYTHING).has_changes
        assert contents(without_version=True) == before

    def test_importing_our_own_export_keeps_the_order_of_former_slugs(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        import_parts(item(7, link="/2014/03/02/other/", inside=[meta("_wp_old_slug", "former")]))
        before = items(exported(tmp_path))["post", 7].meta
        import_export([tmp_path / "out.xml"])
        assert items(exported(tmp_path))["post", 7].meta == before

    def test_exports_of_an_unchanged_site_are_the_same_bytes(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(*EVERYTHING)
        assert exported(tmp_path, "a.xml").read_bytes() == exported(tmp_path, "b.xml").read_bytes()


class TestLaterChanges:
    """The current content of this site takes precedence over the export."""

    def test_markup_of_a_title_that_was_changed_here_is_dropped(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        import_parts(RICH_POST, FULL_PAGE, *TERMS)
        Post.objects.update(title="New & better", excerpt="Other")
        Category.objects.update(description="Plain")
        Tag.objects.update(name="Z")
        out = contained(exported(tmp_path))
        assert (out["7"]["title"], out["7"]["excerpt"]) == (["New &amp; better"], ["Other"])
        assert contained(tmp_path / "out.xml", kind="tag")["x"]["tag_name"] == ["Z"]
        assert contained(tmp_path / "out.xml", kind="category")["news"]["category_description"] == ["Plain"]

    def test_unknown_status_is_exported_until_another_one_is_chosen(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        import_parts(item(7, status="archived"))
        assert items(exported(tmp_path))["post", 7].status == "archived"
        Post.objects.update(status="published")
        assert items(exported(tmp_path))["post", 7].status == "publish"

    @pytest.mark.parametrize("access", [("_jetpack_newsletter_access", "subscribers"), ("groups-read", "4")])
    def test_restriction_to_some_readers_is_exported_until_the_post_is_published(
        self, import_parts: ImportParts, tmp_path: Path, access: tuple[str, str]
    ) -> None:
        import_parts(item(7, inside=[meta(*access)]))
        exported_item = items(exported(tmp_path))["post", 7]
        assert exported_item.status == "publish"
        assert access in exported_item.meta
        Post.objects.update(status="published")
        exported_item = items(exported(tmp_path))["post", 7]
        assert exported_item.status == "publish"
        assert access not in exported_item.meta

    def test_language_that_was_changed_here_replaces_the_exported_one(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        import_parts(item(7, inside=[filed("language", "fr", "Français")]))
        assert items(exported(tmp_path))["post", 7].terms == (("language", "fr", "Français"),)
        Post.objects.update(language="ar")
        assert items(exported(tmp_path))["post", 7].terms == ()

    def test_featured_image_that_was_removed_here_is_not_exported(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        folder = MediaFolder(write_files(tmp_path / "files", "2014/03/a.png"))
        import_parts(item(7, inside=[meta("_thumbnail_id", "30")]), attachment(30), media=folder)
        assert dict(items(exported(tmp_path))["post", 7].meta)["_thumbnail_id"] == "30"
        Post.objects.update(featured_picture=None)
        assert "_thumbnail_id" not in dict(items(exported(tmp_path))["post", 7].meta)

    def test_enclosure_that_was_removed_here_is_not_exported(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(item(7, inside=[meta("enclosure", "https://a.example/1.mp3\n12\naudio/mpeg\nmore")]))
        Post.objects.get().enclosures.all().delete()
        assert "enclosure" not in dict(items(exported(tmp_path))["post", 7].meta)

    def test_later_import_updates_the_preserved_data(self, import_parts: ImportParts, tmp_path: Path) -> None:
        changed = [meta("Mood", "glad"), comment(1, inside=meta("rating", "5", "comment"))]
        import_parts(item(7, inside=changed), EVENT, MENU[0])
        import_parts(
            item(7, inside=[meta("Mood", "sad"), comment(1)]),
            EVENT.replace("hall", "roof"),
            MENU[0].replace("red", "green"),
        )
        assert dict(items(exported(tmp_path))["post", 7].meta)["Mood"] == "sad"
        assert items(tmp_path / "out.xml")["event", 60].terms == (("venue", "roof", "Hall"),)
        assert "green" in (tmp_path / "out.xml").read_text()
        assert not PreservedData.objects.exclude(comment=None).exists()

    def test_nothing_is_preserved_for_a_post_that_already_existed(self, import_parts: ImportParts) -> None:
        PostFactory(guid="https://old.example/?p=7")
        import_parts(item(7, inside=[meta("Mood", "glad")]))
        assert not PreservedData.objects.exists()


class TestSeveralSites:
    def test_ids_that_are_taken_are_replaced_everywhere(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(*MENU, page(20), item(70))
        theirs = page(20, guid="h20", post_name="theirs")
        import_parts(*MENU, theirs, EVENT.replace("hall", "roof").replace(">60<", ">70<"), site="https://other.example")
        here = Page.objects.get(slug="theirs")
        assert here.pk != 20
        out = items(exported(tmp_path))
        links = {key: dict(each.meta) for key, each in out.items() if key[0] == "nav_menu_item"}
        assert len(links) == len({key[1] for key in out if key[0] != "page"} & {key[1] for key in links}) == 4
        targets = {int(fields["_menu_item_object_id"]): fields for fields in links.values() if len(fields) > 1}
        assert targets.keys() == {20, here.pk}
        for fields in targets.values():
            assert ("nav_menu_item", int(fields["_menu_item_menu_item_parent"])) in out
        (event,) = (each for key, each in out.items() if key[0] == "event")
        assert event.parent == here.pk
        assert event.id not in {70, 50, 51}

    def test_files_of_preserved_items_are_exported_with_the_ids_of_these(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        import_parts(EVENT, attachment(30, post_parent=60), attachment(31, post_parent=99))
        import_parts(EVENT, attachment(32, "b.png", post_parent=60), site="https://other.example")
        out = items(exported(tmp_path))
        moved = next(pk for kind, pk in out if kind == "event" and pk != 60)
        assert [out["attachment", pk].parent for pk in (30, 31, 32)] == [60, 0, moved]


class TestPrivacy:
    def test_preserved_data_is_never_public(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(*EVERYTHING, item(8, inside=[meta("secret", "hidden-word")]), EVENT.replace("Come", "hidden-word"))
        for url in ("/", "/2014/03/01/post-8/", "/feed/", "/?s=hidden-word", "/page-20/", "/sitemap.xml", "/?p=60"):
            page = client.get(url, follow=True).text
            # The search page repeats the query and says that nothing was found.
            echoes = 's=hidden-word|value="hidden-word"|“(?:<bdi>)?hidden-word(?:</bdi>)?”|/search/hidden-word/feed/'
            assert "hidden-word" not in re.sub(echoes, "", page)

    def test_ip_addresses_and_notes_of_spam_filters_are_not_stored(self, import_parts: ImportParts) -> None:
        fields = meta("akismet_as_submitted", 'a:1:{s:7:"user_ip";s:11:"192.0.2.77";}', "comment")
        fields += meta("ip", "2001:db8::77", "comment") + meta("version", "1.2", "comment")
        import_parts(item(7, inside=[comment(1, inside=fields)]), EVENT.replace(">5<", ">192.0.2.77<"))
        stored = everything_stored()
        assert not any(text in stored for text in ("192.0.2.7", "2001:db8", "akismet"))
        assert Comment.objects.get().preserved.fields == {"meta": [["version", "1.2"]]}

    @pytest.mark.parametrize(
        "value",
        [
            "203.0.113.7:51234",
            "ip:203.0.113.77",
            "for=203.0.113.77;proto=https",
            "::ffff:203.0.113.77",
            "[2001:db8::77]:443",
        ],
    )
    def test_ip_addresses_are_found_however_they_are_written(self, import_parts: ImportParts, value: str) -> None:
        fields = meta("from", value, "comment") + meta("at", "10:30:00, version 1.2.3", "comment")
        import_parts(item(7, inside=[comment(1, inside=fields)]))
        assert Comment.objects.get().preserved.fields == {"meta": [["at", "10:30:00, version 1.2.3"]]}

    @pytest.mark.parametrize(
        "post_type",
        [
            *("feedback", "flamingo_contact", "flamingo_inbound", "happyforms-message", "job_application", "nf_sub"),
            *("pf_contact", "private-messages", "user_request", "wpcf7s", "wpforms_entries"),
        ],
    )
    def test_confidential_messages_of_readers_are_not_stored(self, import_parts: ImportParts, post_type: str) -> None:
        report = import_parts(item(7, post_type=post_type, content="In confidence"))
        assert "In confidence" not in everything_stored()
        assert "not kept" in first(report.skipped).text

    @pytest.mark.parametrize("keep_text", [True, False])
    def test_erasing_a_person_erases_their_preserved_data(self, import_parts: ImportParts, keep_text: bool) -> None:
        rosa = comment(1, author_email="rosa@example.org", inside=meta("phone", "555-0123", "comment"))
        order = item(61, post_type="shop_order", inside=[meta("_billing_email", "Rosa@example.org")])
        other = item(62, post_type="shop_order", inside=[meta("_billing_email", "arosa@example.org.uk")])
        parts = (item(7, inside=[rosa]), order, other, item(8, inside=[meta("contact", "editor@example.org")]))
        import_parts(*parts)
        disclosed = str(personal_data.export("rosa@example.org")["others"])
        assert "555-0123" in disclosed
        assert "arosa" not in disclosed
        for _time in range(2):
            personal_data.erase("rosa@example.org", keep_text=keep_text, by=None)
            stored = everything_stored()
            assert "555-0123" not in stored
            assert '_billing_email", "Rosa' not in stored
            assert "arosa@example.org.uk" in stored
            assert "contact" in stored
            # Importing again doesn't bring them back.
            import_parts(*parts)
        assert "555-0123" not in everything_stored()

    def test_removing_old_e_mail_addresses_removes_the_fields_of_the_comments(self, import_parts: ImportParts) -> None:
        part = item(7, inside=[comment(1, inside=meta("phone", "555-0123", "comment"))])
        import_parts(part)
        personal_data.delete_old_emails(Comment.objects.get().created_at.replace(year=2020))
        import_parts(part)
        assert "555-0123" not in everything_stored()


class TestRemoval:
    def test_undoing_an_import_removes_all_preserved_data(self, import_parts: ImportParts) -> None:
        # The history remains: it records that the menus of the export were public and no longer are.
        history = {"accounts.AuditRecord", "blog.AppearanceVersion", "blog.SiteAppearance"}

        def rows() -> list[tuple[str, Any]]:
            return [(label, row) for label, row in rows_of_all(without_version=True) if label not in history]

        before = rows()
        run = ImportRun.objects.get(pk=import_parts(*EVERYTHING).run or 0)
        assert not undo_run(run).kept
        assert rows() == before
        assert read(SiteAppearance.current().document) == read({})

    def test_deleting_objects_deletes_their_preserved_data(self, import_parts: ImportParts) -> None:
        import_parts(RICH_POST, *TERMS)
        for model in (Comment, Post, Category, Tag):
            model._default_manager.all().delete()
        assert list(PreservedData.objects.values_list("kind", flat=True)) == ["term"]

    def test_every_row_belongs_to_one_object(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[meta("Mood", "glad")]))
        with pytest.raises(IntegrityError):
            PreservedData.objects.update(kind="item")


class TestLimits:
    def test_the_preserved_data_of_an_object_is_limited(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(preserved, "_MAX_CHARACTERS", 1000)
        fields = [meta("long", "x" * 2000), *(meta(f"k{number}", "v") for number in range(500))]
        report = import_parts(item(7, inside=fields), item(8, post_type="event", content="y" * 3000))
        assert len(str(Post.objects.get().preserved.fields)) < 2000
        assert "k1" in dict(items(exported(tmp_path))["post", 7].meta)
        texts = {(note.kind, note.id): note.text for note in report.notes if "too large" in note.text}
        assert texts.keys() == {("post", 7), ("event", 8)}

    def test_statements_do_not_depend_on_the_number_of_posts(
        self, import_parts: ImportParts, tmp_path: Path, django_assert_max_num_queries: Any
    ) -> None:
        import_parts(
            *(
                item(n, guid=f"g{n}", inside=[meta("a", "b"), comment(n, inside=meta("c", "d", "comment"))])
                for n in range(1, 30)
            )
        )
        with django_assert_max_num_queries(38):
            exported(tmp_path)
