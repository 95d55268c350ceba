"""Reading exports of every version, and handling damaged and hostile files."""

import codecs
import datetime as dt
import re
import tracemalloc
from collections.abc import Callable, Container
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lxml import etree
from pytest_django import Settings

from tests.factories.types import GrowsWithLength
from tests.factories.wxr import (
    EVERYTHING,
    VERSIONS,
    attachment,
    author,
    category,
    cdata,
    comment,
    export,
    filed,
    item,
    meta,
    tag,
    term,
    write,
)
from wordpress.wxr.extensions import checksum, to_json
from wordpress.wxr.markup_repair import MarkupRepairer, Repairs
from wordpress.wxr.reader import Export
from wordpress.wxr.records import Author, Item, Record, Term
from wordpress.wxr.repair import InvalidExportError
from wordpress.wxr.values import has_markup, plain_line, plain_lines


def read(path: Path) -> list[Record]:
    return list(Export(path).records())


def read_item(folder: Path, document: str | bytes) -> Item:
    (found,) = (record for record in read(write(folder, document)) if isinstance(record, Item))
    return found


def error_message(folder: Path, document: str | bytes) -> str:
    with pytest.raises(InvalidExportError) as caught:
        read(write(folder, document))
    return str(caught.value)


class TestVersions:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize("version", VERSIONS)
    def test_every_version_and_scheme_of_the_namespaces_is_read(
        self, tmp_path: Path, version: str, scheme: str
    ) -> None:
        document = export(item(7, content="Body", excerpt="Short"), version=version, scheme=scheme)
        found = read_item(tmp_path, document)
        assert (found.id, found.content, found.excerpt) == (7, "Body", "Short")

    def test_the_version_and_the_site_url_are_read(self, tmp_path: Path) -> None:
        found = Export(write(tmp_path, export(version="1.1")))
        list(found.records())
        assert (found.version, found.base_url) == ("1.1", "https://old.example")

    def test_elements_of_other_namespaces_are_ignored(self, tmp_path: Path) -> None:
        foreign = '<media:title xmlns:media="urn:media">No</media:title><a:link xmlns:a="urn:atom">No</a:link>'
        document = export(item(title="Yes")).replace("<item>", f"<item>{foreign}")
        found = read_item(tmp_path, document)
        assert (found.title, found.link) == ("Yes", "https://old.example/")

    def test_a_document_may_declare_as_many_namespaces_as_plugins_add(self, tmp_path: Path) -> None:
        declarations = "".join(f' xmlns:p{n}="https://plugin.example/namespaces/{n}/1.0"' for n in range(60))
        document = export(item(title="Yes")).replace("<rss", f"<rss{declarations}", 1)
        assert read_item(tmp_path, document).title == "Yes"

    @pytest.mark.parametrize(
        "uri", ["http}://wordpress.org/export/1.2/", "export", "://[", "http://purl.org/dc/elements/1.1/"]
    )
    def test_namespaces_with_unusual_uris_are_recognised_by_their_prefix(self, tmp_path: Path, uri: str) -> None:
        document = export(item(7, inside=[comment(1)])).replace("http://wordpress.org/export/1.2/", uri)
        document = document.replace("<title>", "<title><wp:b>bold</wp:b> ")
        found = read_item(tmp_path, document)
        assert (found.id, [each.id for each in found.comments]) == (7, [1])
        assert "bold</wp:b> " in found.title

    def test_undeclared_prefixes_are_recognised_by_name(self, tmp_path: Path) -> None:
        document = export(item(7, content="Body"))
        head = document[: document.index("<channel>")]
        source = write(tmp_path, document.replace(head, '<rss version="2.0">'))
        found = Export(source)
        (record,) = (record for record in found.records() if isinstance(record, Item))
        assert (record.id, record.content) == (7, "Body")
        assert found.source.repairs.counts["prefixes"]


class TestRecords:
    def test_an_item_with_everything(self, tmp_path: Path) -> None:
        found = read_item(
            tmp_path,
            export(
                item(
                    9,
                    title="R&D",
                    content="a ]]> b",
                    inside=[filed("post_tag", "x-1", "X 1"), filed("category", "c", "C"), comment(5, parent=4)],
                    post_modified="2015-01-01 00:00:00",
                    is_sticky=1,
                    post_password="secret",
                    menu_order=-3,
                )
            ),
        )
        assert found.title == "R&D"
        assert found.content == "a ]]> b"
        assert found.date == dt.datetime(2014, 3, 1, 9, 30)
        assert found.published_at == dt.datetime(2014, 3, 1, 9, 30, tzinfo=dt.UTC)
        assert found.modified_at == dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
        assert (found.sticky, found.password, found.menu_order) == (True, "secret", -3)
        assert found.terms == (("post_tag", "x-1", "X 1"), ("category", "c", "C"))
        (answer,) = found.comments
        assert (answer.id, answer.parent, answer.type, answer.author) == (5, 4, "comment", "Rosa")

    def test_ip_addresses_of_commenters_are_not_read(self, tmp_path: Path) -> None:
        found = read_item(tmp_path, export(item(inside=[comment(5)])))
        assert "192.0.2.7" not in repr(found)

    def test_names_are_plain_text_without_surrounding_whitespace(self, tmp_path: Path) -> None:
        document = export(
            tag("x", " R&amp;D ", description="<b>One</b><br>two"),
            item(inside=[filed("post_tag", "x", "<i>R&amp;D</i>"), comment(5, author=" Ro &amp; <b>Sa</b>")]),
        )
        term, found = (record for record in read(write(tmp_path, document)) if isinstance(record, Term | Item))
        assert isinstance(term, Term)
        assert isinstance(found, Item)
        assert (term.name, term.description) == ("R&D", "One\ntwo")
        assert found.terms == (("post_tag", "x", "R&D"),)
        assert found.comments[0].author == "Ro & Sa"

    @pytest.mark.parametrize(
        ("markup", "expected"),
        [
            ("[:en]One <b>more</b>[:fr]Une[:]", "One more / Une"),
            ("<!--:en-->One<!--:--> <!--:fr-->Une<!--:-->", "One / Une"),
            ("[:en]One[:fr]One[:de][:]", "One"),
            ("[:en]", ""),
            ("One [:en]", "One [:en]"),
        ],
    )
    def test_names_in_several_languages_contain_all_of_them(self, markup: str, expected: str) -> None:
        assert plain_line(markup) == expected

    @pytest.mark.parametrize("name", ["Rosa \x85 \x96", "\x94\tRosa <b>\x93</b> "])
    def test_names_have_no_space_where_a_control_character_was_at_their_end(self, name: str) -> None:
        """Text of Windows-1252 that was taken for Latin-1 has such characters instead of quotation marks and dashes."""
        assert plain_line(name) == plain_line(plain_line(name)) == "Rosa"

    @pytest.mark.parametrize("function", [plain_line, plain_lines, has_markup])
    def test_comments_that_never_end_take_linear_time(
        self, function: Callable[[str], object], grows_with_length: GrowsWithLength
    ) -> None:
        assert grows_with_length(function, "<!--" * 5_000)

    def test_local_dates_take_precedence_over_utc_dates(self, tmp_path: Path, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Amsterdam"
        dates = {"date": "2014-07-01 12:00:00", "date_gmt": "2014-07-01 09:00:00"}
        dated, undated = comment(5, **dates), comment(6, **dates | {"date": ""})
        found = read_item(tmp_path, export(item(inside=[dated, undated])))
        assert [each.written_at for each in found.comments] == [
            dt.datetime(2014, 7, 1, 10, tzinfo=dt.UTC),
            dt.datetime(2014, 7, 1, 9, tzinfo=dt.UTC),
        ]

    def test_a_date_that_databases_cannot_store_counts_as_missing(self, tmp_path: Path, settings: Settings) -> None:
        settings.TIME_ZONE = "America/New_York"
        found = read_item(tmp_path, export(item(post_date="9999-12-31 23:59:59")))
        assert found.date == dt.datetime(9999, 12, 31, 23, 59, 59)
        assert found.published_at is None

    def test_channel_describes_the_blog(self, tmp_path: Path) -> None:
        image = "<image><title>A logo</title></image>"
        document = export(image, item(7), title="R&amp;D", tagline="What we <b>do</b>", language=" nl-NL\n")
        found = Export(write(tmp_path, document))
        list(found.records())
        assert (found.title, found.tagline, found.language) == ("R&D", "What we do", "nl-NL")

    def test_tags_of_old_exports_have_the_same_taxonomy(self, tmp_path: Path) -> None:
        found = read_item(tmp_path, export(item(inside=[filed("tag", "x", "X"), filed("", "", "General")])))
        assert found.terms == (("post_tag", "x", "X"), ("category", "", "General"))

    def test_terms_of_old_exports_without_a_slug_are_matched_by_name(self, tmp_path: Path) -> None:
        terms = [filed("", "", "News"), filed("category", "news-2", "News"), filed("", "", "Films")]
        terms += [filed("tag", "", "News"), filed("tag", "", "Art &amp; Co"), filed("tag", "art-co", "Art &amp; Co")]
        assert read_item(tmp_path, export(item(inside=terms))).terms == (
            ("category", "news-2", "News"),
            ("category", "", "Films"),
            ("post_tag", "", "News"),
            ("post_tag", "art-co", "Art & Co"),
        )

    def test_authors_in_the_element_of_wordpress_com_and_wp_cli(self, tmp_path: Path) -> None:
        document = export(authors=[author("bo", id=3)]).replace("wp:author>", "wp:wp_author>")
        assert "<wp:wp_author>" in document
        assert list(Export(write(tmp_path, document)).records()) == [Author(3, "bo", "anna@example.org", "Anna A.")]

    def test_authors_and_terms(self, tmp_path: Path) -> None:
        document = export(
            category("c", "C", parent="p", description="d"),
            tag("t", "T"),
            term("nav_menu", "m"),
            authors=[author("bo", id=3)],
        )
        menu = (("wp:term_taxonomy", "nav_menu"), ("wp:term_slug", "m"), ("wp:term_name", "m"))
        assert read(write(tmp_path, document)) == [
            Author(3, "bo", "anna@example.org", "Anna A."),
            Term("category", "c", "C", "p", "d"),
            Term("post_tag", "t", "T", "", ""),
            Term("nav_menu", "m", "m", "", "", elements=menu),
        ]

    @pytest.mark.parametrize("date", ["0000-00-00 00:00:00", "0001-01-01 00:00:00", "", "soon", "2014-13-45 00:00:00"])
    def test_an_invalid_date_counts_as_missing(self, tmp_path: Path, date: str) -> None:
        assert read_item(tmp_path, export(item(post_date=date))).date is None

    @pytest.mark.parametrize(
        ("date", "hour"),
        [
            ("2014-03-01T10:30:00.123+01:00", 10),
            ("Sat Mar 01 2014 10:30:00 GMT+0100 (CET)", 10),
            ("Sat, 01 Mar 2014 10:30:00 +0100", 10),
            ("2014/3/1 10:30", 10),
            ("2014.03.01\t10:30", 10),
            ("01.03.2014, 10:30", 10),
            ("01-Mar-2014 10:30:00", 10),
            ("March 1, 2014 10:30 am", 10),
            ("Saturday, Mar. 1st, 2014 at 10:30 A.M.", 10),
            ("1 march 2014 10:30", 10),
            ("2014-03-01 10:30 PM", 22),
            ("2014-03-01T12:30:00 pm", 12),
            ("2014-03-01", 0),
            ("1 March 2014", 0),
        ],
    )
    def test_the_dates_of_other_programs_are_read(self, tmp_path: Path, date: str, hour: int) -> None:
        found = read_item(tmp_path, export(item(post_date=date)))
        assert found.date == dt.datetime(2014, 3, 1, hour, 30 if hour else 0)

    @pytest.mark.parametrize(
        ("date", "hour"),
        [
            ("2014-03-01T10:30:00.123+01:00", 9),
            ("2014-03-01T10:30:00.123Z", 10),
            ("2014-03-01 10:30:00 -0200", 12),
            ("2014-03-01 10:30:00 UTC", 10),
            ("2014-03-01 10:30:00.5+01", 9),
            ("March 1, 2014 10:30 PM +0100", 21),
            ("Sat Mar 01 2014 10:30:00 GMT+0100 (CET)", 9),
            ("Sat, 01 Mar 2014 10:30:00 GMT", 10),
            ("2014-03-01 10:30:00", 8),
            ("2014-03-01 10:30:00 +9900", 8),
        ],
    )
    def test_the_time_zone_in_the_dates_of_other_programs_counts(
        self, tmp_path: Path, settings: Settings, date: str, hour: int
    ) -> None:
        settings.TIME_ZONE = "Europe/Kyiv"
        written = item(post_date=date, post_date_gmt="2001-01-01 00:00:00", inside=[comment(1, date=date)])
        found = read_item(tmp_path, export(written))
        expected = dt.datetime(2014, 3, 1, hour, 30, tzinfo=dt.UTC)
        assert (found.published_at, found.comments[0].written_at) == (expected, expected)

    @pytest.mark.parametrize("date", ["3/14/2014 5:30 PM", "14/3/2014 17:30", "14-03-2014 17:30:00"])
    def test_days_after_the_twelfth_tell_days_from_months(self, tmp_path: Path, date: str) -> None:
        assert read_item(tmp_path, export(item(post_date=date))).date == dt.datetime(2014, 3, 14, 17, 30)

    def test_a_day_that_is_the_number_of_its_month_is_certain(self, tmp_path: Path) -> None:
        assert read_item(tmp_path, export(item(post_date="3/3/2014"))).date == dt.datetime(2014, 3, 3)

    @pytest.mark.parametrize(
        "date",
        [
            *("3/4/2019 5:30 PM", "03-04-2019", "3/4/19", "04-03-19 10:00", "19-03-04", "14/15/2019"),
            *("2014-13-45 00:00:00", "2 mars 2019", "marraskuu 2, 2019", "1551720600"),
        ],
    )
    def test_a_date_that_can_be_read_in_two_ways_or_not_at_all_is_kept_as_it_is(
        self, tmp_path: Path, date: str
    ) -> None:
        written = item(post_date=date, post_date_gmt="", inside=[comment(1, date=date, date_gmt="")])
        found = read_item(tmp_path, export(written))
        assert (found.date, found.published_at, found.comments[0].written_at) == (None, None, None)
        assert found.unclear_date == found.comments[0].unclear_date == date

    @pytest.mark.parametrize(("utc", "in_feed"), [("2019-04-03 10:30:00", ""), ("", "Wed, 03 Apr 2019 10:30:00 GMT")])
    def test_another_date_takes_the_place_of_one_that_is_unclear(self, tmp_path: Path, utc: str, in_feed: str) -> None:
        document = export(item(post_date="3/4/2019", post_date_gmt=utc)).replace(
            "<description>", f"<pubDate>{in_feed}</pubDate><description>"
        )
        found = read_item(tmp_path, document)
        assert found.published_at == dt.datetime(2019, 4, 3, 10, 30, tzinfo=dt.UTC)
        assert found.unclear_date == ""

    @pytest.mark.parametrize(
        "date",
        [
            *("", "0000-00-00 00:00:00", "0001-01-01T00:00:00", "1/1/0001 12:00:00 AM", "-0001-11-30 00:00:00"),
            *("Wed, 30 Nov -0001 00:00:00 +0000", "None", "Invalid date"),
        ],
    )
    def test_what_stands_for_no_date_is_not_unclear(self, tmp_path: Path, date: str) -> None:
        assert read_item(tmp_path, export(item(post_date=date, post_date_gmt=""))).unclear_date == ""

    def test_a_long_text_in_place_of_a_date_takes_little_time(self, tmp_path: Path) -> None:
        found = read_item(tmp_path, export(item(post_date="1 " * 1_000_000, post_date_gmt="")))
        assert len(found.unclear_date) <= 50

    @pytest.mark.parametrize(
        ("date", "utc"),
        [
            ("Sat, 01 Mar 14 10:30:00 EST", dt.datetime(2014, 3, 1, 15, 30)),
            ("2014-03-01T10:30:00+01:00", dt.datetime(2014, 3, 1, 9, 30)),
        ],
    )
    def test_other_dates_of_feeds_are_read(self, tmp_path: Path, date: str, utc: dt.datetime) -> None:
        document = export(item(post_date="", post_date_gmt="")).replace(
            "<description>", f"<pubDate>{date}</pubDate><description>"
        )
        assert read_item(tmp_path, document).date_gmt == utc

    def test_a_date_of_a_feed_without_a_time_zone_is_local(self, tmp_path: Path) -> None:
        document = export(item(post_date="", post_date_gmt="")).replace(
            "<description>", "<pubDate>2014-03-01 10:30:00</pubDate><description>"
        )
        found = read_item(tmp_path, document)
        assert (found.date, found.date_gmt) == (dt.datetime(2014, 3, 1, 10, 30), None)

    def test_the_rss_date_is_read_if_it_is_the_only_one(self, tmp_path: Path) -> None:
        document = export(item(post_date="", post_date_gmt="")).replace(
            "<description>", "<pubDate>Sat, 01 Mar 2014 10:30:00 +0100</pubDate><description>"
        )
        found = read_item(tmp_path, document)
        assert (found.date, found.date_gmt) == (None, dt.datetime(2014, 3, 1, 9, 30))

    @pytest.mark.parametrize(
        "date", ["Wed, 30 Nov -0001 00:00:00 +0000", "", "Wed, 30 Nov 20140 1:2:3", "1 Mar 2014 x"]
    )
    def test_an_invalid_rss_date_counts_as_missing(self, tmp_path: Path, date: str) -> None:
        document = export(item(post_date="", post_date_gmt="")).replace(
            "<description>", f"<pubDate>{date}</pubDate><description>"
        )
        assert read_item(tmp_path, document).date_gmt is None

    def test_the_rss_date_is_ignored_if_there_is_another(self, tmp_path: Path) -> None:
        document = export(item(status="draft", post_date_gmt="0000-00-00 00:00:00")).replace(
            "<description>", "<pubDate>Sat, 01 Mar 2014 10:30:00 +0100</pubDate><description>"
        )
        assert read_item(tmp_path, document).date_gmt is None

    @pytest.mark.parametrize("post_id", ["", "-1", "x", "99999999999999999999", "٣"])
    def test_an_invalid_id_becomes_zero(self, tmp_path: Path, post_id: str) -> None:
        assert read_item(tmp_path, export(item(post_id=post_id, guid=""))).id == 0

    def test_the_case_of_a_status_makes_no_difference(self, tmp_path: Path) -> None:
        assert read_item(tmp_path, export(item(status=" Publish"))).status == "publish"

    def test_an_empty_meta_field_is_none(self, tmp_path: Path) -> None:
        fields = ["<wp:postmeta/>", meta("", ""), meta("a", ""), meta("", "b")]
        assert read_item(tmp_path, export(item(inside=fields))).meta == (("a", ""), ("", "b"))

    @pytest.mark.parametrize("content", ["", "\n"])
    def test_the_description_is_the_text_of_items_without_another(self, tmp_path: Path, content: str) -> None:
        document = export(item(content=content))
        described = document.replace("<description></description><content", "<description>One</description><content")
        assert read_item(tmp_path, described).content == "One"
        assert read_item(tmp_path, document).content == content

    def test_a_text_takes_precedence_over_the_description(self, tmp_path: Path) -> None:
        document = export(item(content="Two")).replace("<description></description>", "<description>One</description>")
        assert read_item(tmp_path, document).content == "Two"

    def test_unescaped_markup_is_kept_as_text(self, tmp_path: Path) -> None:
        document = export(item(content="@")).replace(cdata("@"), "<p>One <b>two</b> three</p> four")
        assert read_item(tmp_path, document).content == "<p>One <b>two</b> three</p> four"


class TestPrettyPrinting:
    """Some programs put the value of each element on its own line."""

    # Elements in which spaces may matter.
    TEXTS = ("comment_content", "meta_value")

    def indent(self, document: str) -> str:
        """Return `document` with whitespace around every value except those of texts."""

        def pad(element: re.Match[str]) -> str:
            name, opening, value, closing = element.group("name", "opening", "value", "closing")
            return element[0] if name in self.TEXTS else f"{opening}\n\t\t\t{value}\n\t\t{closing}"

        element = re.compile(
            r"(?P<opening><(?:wp:|dc:)?(?P<name>guid|link|creator|[a-z]+_[a-zA-Z_]+)\b[^>]*>(?:<!\[CDATA\[)?)"
            r"(?P<value>[^<\]]*)(?P<closing>(?:\]\]>)?</)"
        )
        return re.sub(r'\b(domain|nicename)="([^"]*)"', r'\1=" \2\n"', element.sub(pad, document))

    def test_whitespace_around_values_makes_no_difference(self, tmp_path: Path) -> None:
        own = [meta("_broadside_old_address", "/old/"), meta("_wp_old_slug", "x"), meta("_thumbnail_id", "3")]
        parts = [*EVERYTHING, term("series", "s"), item(30, inside=own, post_password="x"), attachment(31)]
        parts += [item(32, post_password="", inside=[filed("category", "c"), filed("", "d"), comment(9, user_id=3)])]
        document = export(*parts)
        padded = self.indent(document)
        assert padded.count("\t\t\t") > 250
        plain, indented = (read(write(tmp_path, text, name)) for text, name in ((document, "1.xml"), (padded, "2.xml")))
        for one, other in zip(plain, indented, strict=True):
            assert other == one


class TestOwnExports:
    """Our own exports extend WXR with a meta field that has a checksum of the related elements."""

    def extended(self, folder: Path, markups: Container[str] = ("markdown",), **changes: Any) -> Item:
        values = {
            "mark": checksum("A title", "<p>One</p>", "", "one"),
            "markup": "markdown",
            "source": "One",
            **changes,
        }
        document = export(
            item(7, post_name="one", content="<p>One</p>", excerpt="", inside=[meta("_broadside", to_json(values))])
        )
        (found,) = (each for each in Export(write(folder, document), markups).records() if isinstance(each, Item))
        return found

    def test_the_source_replaces_the_html(self, tmp_path: Path) -> None:
        found = self.extended(tmp_path, date="2014-03-01 09:30:00", modified_at="2014-03-01T10:00:00.5+00:00")
        assert found.content == "One"
        assert found.extension is not None
        assert found.extension.markup == "markdown"
        assert found.extension.datetimes == {"modified_at": dt.datetime(2014, 3, 1, 10, 0, 0, 500_000, tzinfo=dt.UTC)}
        assert not found.meta

    @pytest.mark.parametrize(
        "changes", [{"markup": "klingon"}, {"markup": 3}, {"source": None}, {"source": "a\0b"}, {"source": "\ud800"}]
    )
    def test_the_html_is_kept_if_the_source_cannot_be_used(self, tmp_path: Path, changes: dict[str, Any]) -> None:
        found = self.extended(tmp_path, **changes)
        assert found.content == "<p>One</p>"
        assert found.extension is not None
        assert found.extension.markup == ""

    def test_the_html_is_kept_without_known_markups(self, tmp_path: Path) -> None:
        assert self.extended(tmp_path, markups=()).content == "<p>One</p>"

    def test_an_edited_item_has_no_extension(self, tmp_path: Path) -> None:
        found = self.extended(tmp_path, mark=checksum("Another title", "<p>One</p>", "", "one"))
        assert (found.content, found.extension) == ("<p>One</p>", None)

    def test_dates_are_ignored_if_the_date_was_edited(self, tmp_path: Path) -> None:
        found = self.extended(tmp_path, date="2015-03-01 09:30:00", created_at="2014-03-01T10:00:00+00:00")
        assert found.extension is not None
        assert not found.extension.datetimes


class TestRepairs:
    def test_control_characters_are_removed_and_counted(self, tmp_path: Path) -> None:
        source = Export(write(tmp_path, export(item(content="a\x0bb\x01\ufffec"))))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert found.content == "abc"
        assert source.source.repairs.counts["controls"] == 3

    @pytest.mark.parametrize("broken", [b"\xe2\x80", b"\xd8\xad\xd9", b"\xf0\x9f\x98"])
    def test_characters_that_were_cut_off_are_replaced_and_counted(self, tmp_path: Path, broken: bytes) -> None:
        source = Export(write(tmp_path, export(item(content="a§")).encode().replace("§".encode(), broken)))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert found.content == "a" + broken.decode(errors="replace")
        assert source.source.repairs.counts["letters"] == 1

    @pytest.mark.parametrize(
        ("written", "content", "count"),
        [
            # Bytes of Windows-1252.
            (b"caf\xe9 \x93it\x92s\x94 \x96 \x85", "café “it’s” – …", 6),
            # The same letters, exported by WordPress as if they were Latin-1, and with a byte that has no letter.
            ("caf\xe9 \x93it\x92s\x94 \x96 \x85\x81", "café “it’s” – …", 6),
            # UTF-8, exported as Latin-1.
            ("it’s حقوق".encode().decode("latin-1"), "it’s حقوق", 5),
            # Letters of Latin-1 that look like the beginning of UTF-8.
            ("\xc2\x80\xc2", "Â€Â", 1),
            # Letters of UTF-8 are as they should be.
            ("«LIBERTÉ» Ã©", "«LIBERTÉ» Ã©", 0),
        ],
    )
    def test_characters_of_windows_are_read_and_counted(
        self, tmp_path: Path, written: str | bytes, content: str, count: int
    ) -> None:
        data = written if isinstance(written, bytes) else written.encode()
        source = Export(write(tmp_path, export(item(content="a § b")).encode().replace("§".encode(), data)))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert found.content == f"a {content} b"
        assert source.source.repairs.counts["windows"] == count

    @pytest.mark.parametrize(
        "messages",
        [
            "\nWarning: fopen(a.php): failed to open\n\n",
            "<br />\n<b>Notification</b>: x in <b>a.php</b><br />\n",
            "\ufeffNotice: x ",
        ],
    )
    def test_php_messages_before_the_document_are_removed_and_counted(self, tmp_path: Path, messages: str) -> None:
        source = Export(write(tmp_path, messages + export(item(7, content="a\x01b"))))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert (found.id, found.content) == (7, "ab")
        before = messages.count("\n")
        assert source.source.repairs.counts == {"messages": max(before, 1), "controls": 1}
        assert source.source.repairs.lines["controls"] == [before + 5]
        broken = messages + "<?xml version='1.0'?>\n<rss><channel>\n<item>a < b</item></channel></rss>"
        assert f"line {before + 3}, column " in error_message(tmp_path, broken)

    @pytest.mark.parametrize(
        "inserted",
        [
            '<meta name="generator" content="A theme 1.5" />\n',
            "<br />\n<b>Notice</b>: x in <b>a.php</b><br />\n<!-- a -->\n",
            "A theme 1.5",
        ],
    )
    def test_what_a_theme_or_php_wrote_before_the_root_element_is_removed_and_counted(
        self, tmp_path: Path, inserted: str
    ) -> None:
        document = export(item(7, content="a\x01b")).replace("<rss", f"{inserted}<rss")
        source = Export(write(tmp_path, document))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert (found.id, found.content) == (7, "ab")
        lines = inserted.count("\n")
        assert source.source.repairs.counts == {"messages": max(lines, 1), "controls": 1}
        assert source.source.repairs.lines == {"messages": [3], "controls": [5 + lines]}
        broken = f"<?xml version='1.0'?>\n{inserted}<rss><channel>\n<item>a < b</item></channel></rss>"
        assert f"line {lines + 3}, column " in error_message(tmp_path, broken)

    @pytest.mark.parametrize(
        ("appended", "lines"),
        [
            ("Warning: x\n in a.php\n", 2),
            ("<!-- cached --><script>1 < 2</script>", 1),
            ("</body>\0", 1),
            ("<!-- cached -->\n<!-- x\n -->", 0),
            ("\n \n", 0),
        ],
    )
    def test_data_appended_to_the_document_is_skipped_and_counted(
        self, tmp_path: Path, appended: str, lines: int
    ) -> None:
        document = export(item(7)).strip()
        source = Export(write(tmp_path, f"{document}\n{appended}"))
        assert [record.id for record in source.records() if isinstance(record, Item)] == [7]
        assert source.source.repairs.counts == ({"appended": lines} if lines else {})
        assert source.source.repairs.lines.get("appended", []) == ([document.count("\n") + 1] if lines else [])

    def test_a_second_export_in_the_file_is_not_skipped(self, tmp_path: Path) -> None:
        assert "broken" in error_message(tmp_path, export(item(7)) + export(item(8)).partition("\n")[2])

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    def test_a_missing_end_is_named(self, tmp_path: Path, encoding: str) -> None:
        missing = "The end of the export is missing"
        assert missing in error_message(tmp_path, export(item(7)).strip()[:-6].encode(encoding))
        assert missing not in error_message(tmp_path, export(item(7)).replace("</item>", "").encode(encoding))

    def test_an_xml_declaration_inside_a_text_is_kept(self, tmp_path: Path) -> None:
        body = "<?xml version='1.0'?><rss></rss>"
        assert read_item(tmp_path, export(item(content=body)).partition("\n")[2]).content == body

    def test_empty_lines_at_the_beginning_are_allowed_and_counted_in_line_numbers(self, tmp_path: Path) -> None:
        assert read_item(tmp_path, "\n\n" + export(item(7))).id == 7
        assert "line 4, column " in error_message(tmp_path, "\n\n<rss><channel>\n<item>a < b</item></channel></rss>")

    @pytest.mark.parametrize(
        ("written", "expected", "kind"),
        [
            ("R&D, AT&T; &", "R&D, AT&T; &", "ampersands"),
            ("a&nbsp;b &eacute;&Amp;&hellip;", "a\xa0b é&Amp;…", "entities"),
            ("&LT;b&GT; &AMP;", "<b> &", "entities"),
            ("&lt;&amp;&#8217;&#x2019;&apos;", "<&’’'", ""),
            ("a&#0;b&#11;c&#xD800;&#xFFFF;", "abc", "controls"),
            ("&#99999999; &#x; &;", "&#99999999; &#x; &;", "ampersands"),
        ],
    )
    def test_ampersands_and_entities_are_read_as_in_browsers(
        self, tmp_path: Path, written: str, expected: str, kind: str
    ) -> None:
        document = export(item(title="@", content="&nbsp; & stays")).replace(">@<", f">{written}<")
        source = Export(write(tmp_path, document))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert (found.title, found.content) == (expected, "&nbsp; & stays")
        assert bool(source.source.repairs.counts) == bool(kind)
        line = document[: document.index(written)].count("\n") + 1
        assert not kind or source.source.repairs.lines[kind] == [line]

    def test_ampersands_are_repaired_in_attributes_but_not_in_comments(self, tmp_path: Path) -> None:
        document = export(
            item(inside=['<!-- & <![CDATA[ --><category domain="tag" nicename="r&d">R&D</category><?a & ?>'])
        )
        assert read_item(tmp_path, document).terms == (("post_tag", "r&d", "R&D"),)

    def test_undeclared_prefixes_of_plugins_are_allowed_and_counted(self, tmp_path: Path) -> None:
        odd = '<geo:lat geo:kind="a">1</geo:lat><itunes:x xmlns:itunes="urn:i"/>'
        document = export(item(7, content="@")).replace("</item>", f"{odd}</item>").replace(cdata("@"), "<o:p>x</o:p>")
        source = Export(write(tmp_path, document))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert (found.id, found.content) == (7, "<o:p>x</o:p>")
        assert source.source.repairs.counts == {"prefixes": 2}

    @pytest.mark.parametrize(
        "content",
        [
            "if (a[b[0]]>1) {\n}",
            "]]>",
            "]]]]>> <b>x</b> ]]>]]>",
            "<script>//<![CDATA[\nx\n//]]></script> & <script>//<![CDATA[\ny\n//]]></script>",
            "<title>]]></title>",
            "]]> " + "x" * 300_000,
        ],
    )
    def test_an_unescaped_end_of_a_section_is_text_and_counted(self, tmp_path: Path, content: str) -> None:
        document = export(item(6, content="a ]]> b"), item(7, content="@@"), item(8))
        source = Export(write(tmp_path, document.replace("@@", content)))
        assert [each.content for each in source.records() if isinstance(each, Item)][:2] == ["a ]]> b", content]
        assert source.source.repairs.counts == {"sections": content.count("]]>")}
        before = document.partition("@@")[0] + content.partition("]]>")[0]
        assert source.source.repairs.lines["sections"][0] == before.count("\n") + 1

    @given(st.lists(st.sampled_from(["]", ">", "]]>", "<", "</", "a", "&", "<b>", "</b>", "<![CDATA[x]]>", "\n", " "])))
    def test_every_text_in_a_section_is_read_with_unescaped_ends(self, parts: list[str]) -> None:
        text = "".join(parts).replace("]]><![CDATA[", "")
        markup = MarkupRepairer(Repairs(), {"wp"}, 1)
        repaired = markup.repair(f"<a><b>&</b><c d='e'>\n<![CDATA[{text}]]>\n</c></a>") + markup.repair("", final=True)
        assert etree.fromstring(repaired).findtext("c") == f"\n{text}\n"

    @pytest.mark.parametrize(
        "title",
        [
            "<![CDATA[a]]> b",
            "<![CDATA[a]]> b <![CDATA[c </title> ]] > ]]> d",
            "<![CDATA[a]]]]><![CDATA[>b]]>",
            "<![CDATA[a]]><b>c</b>",
            "<b>c</b><![CDATA[a]]><![CDATA[d]]> e",
            "<!-- a --><![CDATA[a]]><!-- c --> <![CDATA[d]]>",
        ],
    )
    def test_valid_sections_are_not_changed(self, title: str) -> None:
        document = f"<item><title>{title}</title><title><![CDATA[x]]></title></item>"
        repairs = Repairs()
        markup = MarkupRepairer(repairs, {"wp"}, 1)
        assert markup.repair(document) + markup.repair("", final=True) == document
        assert not repairs.counts

    def test_a_section_that_never_ends_takes_no_memory(self) -> None:
        markup = MarkupRepairer(Repairs(), {"wp"}, 1)
        markup.repair("<a><![CDATA[")
        for piece in ("x" * 1000, "]]> x " * 500_000):
            assert len(markup.repair(piece)) > len(piece) - 600_000

    @hypothesis_settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                [
                    *("&", "&amp;", "&nbsp;", "<![CDATA[", "]]>", "]", "<!--", "-->", "<a:b c='", ">", "<p>", "</p>"),
                    *("<p><![CDATA[", "]]></p>", "<p/>", "\n"),
                ]
            )
        ),
        st.lists(st.integers(0, 120), max_size=8),
    )
    @example(["<a:b c='", "&", ">", "&", "<![CDATA[", "]]>", "]]>"], [10])
    def test_the_result_does_not_depend_on_where_pieces_end(self, parts: list[str], cuts: list[int]) -> None:
        def repaired(*pieces: str) -> str:
            markup = MarkupRepairer(Repairs(), {"wp"}, 1)
            return "".join([*map(markup.repair, pieces), markup.repair("", final=True)])

        text = "".join(parts)
        borders = [0, *sorted(cuts), len(text)]
        assert repaired(*(text[start:end] for start, end in pairwise(borders))) == repaired(text)

    @pytest.mark.parametrize(
        "part",
        [
            *("<a b:", "&", "<", "]]", "<![CDATA[]]>", "<!---->", "<a b:c='d'", "&amp;", "\n&", "<a><![CDATA[]]>"),
            *("<a><![CDATA[]]> ", "<a><![CDATA[]]> ]]>", "<a><![CDATA[ ]]> <![CDATA[ ", "<a><![CDATA[]]>x</a>"),
            "<a><![CDATA[]]> <b><![CDATA[]]> ",
        ],
    )
    def test_hostile_markup_takes_linear_time(
        self, part: str, grows_with_length: GrowsWithLength, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A quarter of the sizes of a real import, so that the text goes as far beyond them in a quarter of the time.
        monkeypatch.setattr("wordpress.wxr.markup_repair._LONGEST_TAG", 16 * 1024)
        monkeypatch.setattr("wordpress.wxr.markup_repair._LOOK_AHEAD", 128 * 1024)

        def repair(text: str) -> None:
            markup = MarkupRepairer(Repairs(), {"wp"}, 1)
            for start in range(0, len(text), 64 * 1024):
                markup.repair(text[start : start + 64 * 1024])
            markup.repair("", final=True)

        assert grows_with_length(repair, part * 50_000)

    @pytest.mark.parametrize(
        ("before", "unit", "after"),
        [
            ("<item>", f"<wp:postmeta>{'<wp:meta_key/>' * 4}</wp:postmeta>", "</item>"),
            ("<item><title><b ", 'a{}="" ', "/></title></item>"),
            ("<item><wp:post_type>post</wp:post_type>", "<wp:comment><wp:comment_id/></wp:comment>", "</item>"),
        ],
    )
    def test_many_elements_take_linear_time(
        self, tmp_path: Path, before: str, unit: str, after: str, grows_with_length: GrowsWithLength
    ) -> None:
        def read_units(units: str) -> None:
            numbered = "".join(map(unit.format, range(len(units))))
            read(write(tmp_path, export(before + numbered + after)))

        assert grows_with_length(read_units, "." * 40_000)

    @pytest.mark.parametrize(
        ("encoding", "mark"),
        [
            ("utf-8", codecs.BOM_UTF8),
            ("utf-16-le", codecs.BOM_UTF16_LE),
            ("utf-16-be", codecs.BOM_UTF16_BE),
            ("utf-32-le", codecs.BOM_UTF32_LE),
            ("utf-16-le", b""),
        ],
    )
    def test_every_encoding_of_unicode_is_read(self, tmp_path: Path, encoding: str, mark: bytes) -> None:
        document = mark + export(item(content="Свобода")).encode(encoding)
        assert read_item(tmp_path, document).content == "Свобода"

    @pytest.mark.parametrize("declaration", ['xmlns="http://backend.userland.com/rss2"', "xmlns = 'urn:x'"])
    def test_a_default_namespace_is_ignored(self, tmp_path: Path, declaration: str) -> None:
        content = '<svg xmlns="urn:y">é</svg>'
        document = export(item(content=content)).replace("<rss ", f"<rss {declaration} ", 1)
        assert read_item(tmp_path, document).content == content

    @pytest.mark.parametrize("declared", ["ISO-8859-1", "windows-1251", "gbk"])
    @pytest.mark.parametrize("before", ["", "x" * 300_000])
    def test_utf8_is_recognised_whatever_is_declared(self, tmp_path: Path, declared: str, before: str) -> None:
        document = export(item(content=before), item(8, content="Свобода, café")).replace("UTF-8", declared)
        source = Export(write(tmp_path, document))
        *_rest, last = source.records()
        assert isinstance(last, Item)
        assert last.content == "Свобода, café"
        assert source.source.repairs.counts == {"encoding": 1}

    @pytest.mark.parametrize("end", ["\n", " " * 300_000])
    def test_titles_in_the_declared_encoding_and_texts_in_utf8(self, tmp_path: Path, end: str) -> None:
        # WordPress wrote exports like this for blogs that were not in UTF-8.
        document = export(item(title="§\xa0»", content=f"\n§{end}\n")).replace("UTF-8", "ISO-8859-1")
        title, content = document.encode("latin-1").rsplit("§".encode("latin-1"), 1)
        source = Export(write(tmp_path, title.replace(b"\xa7", b"\xe9\xe0") + "é »".encode() + content))
        *_rest, found = source.records()
        assert isinstance(found, Item)
        assert (found.title, found.content) == ("éà\xa0»", f"\né »{end}\n")
        assert source.source.repairs.counts == {"encoding": 1}

    @pytest.mark.parametrize("name", ["utf8mb4", "UTF8MB3", "utf8_general_ci"])
    def test_names_of_mysql_for_utf8_are_known(self, tmp_path: Path, name: str) -> None:
        document = export(item(content="Свобода 🎉")).replace("UTF-8", name).encode()
        assert read_item(tmp_path, document).content == "Свобода 🎉"

    def test_a_declared_encoding_is_read(self, tmp_path: Path) -> None:
        document = export(item(content="café")).replace("UTF-8", "ISO-8859-1").encode("latin-1")
        assert read_item(tmp_path, document).content == "café"

    @pytest.mark.parametrize(
        ("declared", "encoding", "content"),
        [
            ("ISO-8859-1", "cp1252", "“café” – 5 €"),
            ("US-ASCII", "cp1252", "café’s"),
            ("GB2312", "gb18030", "朱镕基"),
            ("Shift_JIS", "cp932", "①髙"),
            ("EUC-KR", "cp949", "똠방각하"),
        ],
    )
    def test_a_declared_encoding_is_interpreted_as_in_browsers(
        self, tmp_path: Path, declared: str, encoding: str, content: str
    ) -> None:
        document = export(item(content=content)).replace("UTF-8", declared).encode(encoding)
        assert read_item(tmp_path, document).content == content

    def test_characters_across_chunk_boundaries_are_kept(self, tmp_path: Path) -> None:
        # The text is longer than a chunk, so with one of the shifts a character crosses the boundary.
        text = "д" * 300_000
        for shift in ("", "x"):
            assert read_item(tmp_path, export(item(content=shift + text))).content == shift + text


class TestErrors:
    """Each error message is one line that names the file."""

    @pytest.mark.parametrize(
        ("document", "expected"),
        [
            (b"", "is empty"),
            (b"  \n ", "not XML"),
            (b"Dear Sir or Madam", "not XML"),
            (b"<?xml version='1.0'?>", "not XML"),
            (b"<html lang='en'><body></body></html>", "web page"),
            (b"\n<!doctype HTML PUBLIC 'x'>\n<html></html>", "web page"),
            (b"<feed></feed>", "<feed>"),
            (b"PK\x03\x04 and so on", "archive"),
            (b"<rss><channel></channel></rss>", "plain feed"),
            (b"<rss></rss>", "no <channel>"),
            (b"<rss><channel><item>", "line 1, column"),
            (b"<rss><channel>\n<item>a < b</item></channel></rss>", "line 2, column"),
            (b"<rss><channel>\n<item>a & b</itme></channel></rss>", "line 2, column"),
            (b"<rss" + b" a" * 200_000, "line 1, column"),
            (b"<rss><channel></channel></rss><rss/>", "line 1, column"),
            (b"<rss" + b"".join(b" xmlns:a%d='urn:a'" % n for n in range(500)) + b"/>", "namespaces"),
            (b"<?xml version='1.0' encoding='rot13'?><rss/>", "rot13"),
            (b"<?xml version='1.0' encoding='klingon'?><rss/>", "klingon"),
        ],
    )
    def test_other_files_are_rejected(self, tmp_path: Path, document: bytes, expected: str) -> None:
        message = error_message(tmp_path, document)
        assert expected in message
        assert message.startswith(str(tmp_path / "export.xml"))
        assert "\n" not in message

    def test_a_channel_within_a_channel_takes_no_item_apart(self, tmp_path: Path) -> None:
        """Its beginning would be read alone, and freed while the parser still adds to it."""
        long = item(7, content="a" * 600_000)
        document = export("<channel/>", long, long.replace("<title>", "<channel/><title>", 1))
        contents = [each.content for each in read(write(tmp_path, document)) if isinstance(each, Item)]
        assert contents == ["a" * 600_000] * 2

    def test_a_missing_file_is_rejected(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidExportError, match="No such file"):
            read(tmp_path / "nowhere.xml")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    @pytest.mark.parametrize("before", ["", "<?xml version='1.0'?>\n", "<!-- a -->\n<?pi?>\n"])
    def test_a_document_type_is_rejected_in_every_encoding(self, tmp_path: Path, encoding: str, before: str) -> None:
        document = before + "<!DOCTYPE rss><rss><channel/></rss>"
        assert "DOCTYPE" in error_message(tmp_path, document.encode(encoding))

    def test_the_error_names_the_position_of_the_document_type(self, tmp_path: Path) -> None:
        assert "line 3, column 1" in error_message(tmp_path, "<?xml version='1.0'?>\n<!-- -->\n<!doctype rss><rss/>")

    def test_document_types_inside_texts_are_allowed(self, tmp_path: Path) -> None:
        document = export(item(content="<!DOCTYPE html>")).replace("generator=", "<!DOCTYPE rss> ", 1)
        assert read_item(tmp_path, document).content == "<!DOCTYPE html>"

    def test_entity_bombs_are_not_expanded(self, tmp_path: Path) -> None:
        bomb = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(20))
        document = f'<!DOCTYPE rss [<!ENTITY e0 "ha">{bomb}]><rss a="&e20;"><channel>&e20;</channel></rss>'
        assert "DOCTYPE" in error_message(tmp_path, document)

    def test_external_entities_are_not_read(self, tmp_path: Path) -> None:
        secret = write(tmp_path, "secret", "secret.txt")
        document = f'<!DOCTYPE rss [<!ENTITY e SYSTEM "{secret.as_uri()}">]><rss><channel>&e;</channel></rss>'
        assert "DOCTYPE" in error_message(tmp_path, document)

    def test_an_error_at_the_end_of_a_long_file_is_found(self, tmp_path: Path) -> None:
        document = export(*(item(post_id) for post_id in range(1, 2000)))
        assert "line" in error_message(tmp_path, document[:-20])

    @hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(data=st.data())
    def test_a_damaged_export_is_either_read_or_rejected(self, tmp_path: Path, data: st.DataObject) -> None:
        document = export(category("c"), item(7, inside=[comment(1)])).encode()
        at = data.draw(st.integers(0, len(document)))
        length = data.draw(st.integers(0, 40))
        damaged = document[:at] + data.draw(st.binary(max_size=20)) + document[at + length :]
        with suppress(InvalidExportError):
            read(write(tmp_path, damaged))


class TestMemory:
    def test_memory_does_not_grow_with_the_file(self, tmp_path: Path) -> None:
        def peak(count: int) -> int:
            path = write(tmp_path, export(*(item(each, content="word " * 2000) for each in range(1, count))))
            tracemalloc.start()
            for _record in Export(path).records():
                pass
            _current, highest = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return highest

        assert peak(1000) < 2 * peak(250)

    @pytest.mark.parametrize(("exported_type", "comes_first"), [("post", True), ("book", True), ("book", False)])
    def test_comments_are_read_before_the_end_of_their_item(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported_type: str, comes_first: bool
    ) -> None:
        sizes = []
        read_whole_item = Export._item

        def read_rest(self: Export, element: Any) -> Item:
            sizes.append(len(element))
            return read_whole_item(self, element)

        monkeypatch.setattr(Export, "_item", read_rest)
        parts = [f"<wp:post_type>{exported_type}</wp:post_type>", *(comment(each) for each in range(1, 2001))]
        other_elements = re.sub("<wp:post_type>.*?</wp:post_type>", "", item(7)).replace("</item>", "").strip()
        long = f"{other_elements}{''.join(parts if comes_first else reversed(parts))}</item>"
        path = write(tmp_path, export(item(6, inside=[comment(3000)]), long, item(8, inside=[comment(3001)])))
        first, second, third = (record for record in read(path) if isinstance(record, Item))
        assert [each.id for each in second.comments] == list(range(1, 2001))[:: 1 if comes_first else -1]
        assert {bool(each.elements) for each in second.comments} == {exported_type == "book"}
        assert [each.id for each in (*first.comments, *third.comments)] == [3000, 3001]
        # The elements of comments take four times as much memory as their text.
        assert (sizes[1] < 1000) == comes_first

    def test_an_excessively_large_item_is_rejected(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("wordpress.wxr.reader._MAX_ITEM_BYTES", 500_000)
        assert "larger than" in error_message(tmp_path, export(item(content="x" * 2_000_000)))

    def test_a_text_of_many_megabytes_is_read(self, tmp_path: Path) -> None:
        assert len(read_item(tmp_path, export(item(content="x" * 11_000_000))).content) == 11_000_000
