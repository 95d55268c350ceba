"""Reading exports: every version of the format, and no harm from any file."""

import codecs
import datetime as dt
import tracemalloc
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.growth import grows_with_length
from tests.wordpress.exports import (
    VERSIONS,
    author,
    category,
    cdata,
    comment,
    export,
    filed,
    item,
    tag,
    term,
    write,
)
from wordpress.reader import Export, ExportRefused
from wordpress.records import Author, Item, Record, Term
from wordpress.wellformed import Mended, Wellformed


def read(path: Path) -> list[Record]:
    return list(Export(path).records())


def read_item(folder: Path, document: str | bytes) -> Item:
    (found,) = (record for record in read(write(folder, document)) if isinstance(record, Item))
    return found


def refusal(folder: Path, document: str | bytes) -> str:
    with pytest.raises(ExportRefused) as caught:
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

    def test_an_export_says_its_version_and_address(self, tmp_path: Path) -> None:
        found = Export(write(tmp_path, export(version="1.1")))
        list(found.records())
        assert (found.version, found.base_url) == ("1.1", "https://old.example")

    def test_foreign_elements_of_the_same_name_are_not_ours(self, tmp_path: Path) -> None:
        foreign = '<media:title xmlns:media="urn:media">No</media:title><a:link xmlns:a="urn:atom">No</a:link>'
        document = export(item(title="Yes")).replace("<item>", f"<item>{foreign}")
        found = read_item(tmp_path, document)
        assert (found.title, found.link) == ("Yes", "https://old.example/")

    @pytest.mark.parametrize("address", ["http}://wordpress.org/export/1.2/", "export", "://["])
    def test_namespaces_of_odd_addresses_are_read_by_their_prefix(self, tmp_path: Path, address: str) -> None:
        document = export(item(7, inside=[comment(1)])).replace("http://wordpress.org/export/1.2/", address)
        document = document.replace("<title>", "<title><wp:b>bold</wp:b> ")
        found = read_item(tmp_path, document)
        assert (found.id, [each.id for each in found.comments]) == (7, [1])
        assert "bold</wp:b> " in found.title

    def test_prefixes_that_were_never_declared_are_read_by_their_names(self, tmp_path: Path) -> None:
        document = export(item(7, content="Body"))
        head = document[: document.index("<channel>")]
        source = write(tmp_path, document.replace(head, '<rss version="2.0">'))
        found = Export(source)
        (record,) = (record for record in found.records() if isinstance(record, Item))
        assert (record.id, record.content) == (7, "Body")
        assert found.source is not None
        assert found.source.mended.counts["prefixes"]


class TestWhatIsRead:
    def test_an_item_with_all_it_has(self, tmp_path: Path) -> None:
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
        assert found.modified == dt.datetime(2015, 1, 1)
        assert (found.sticky, found.password, found.menu_order) == (True, "secret", -3)
        assert found.terms == (("post_tag", "x-1", "X 1"), ("category", "c", "C"))
        (answer,) = found.comments
        assert (answer.id, answer.parent, answer.type, answer.author) == (5, 4, "comment", "Rosa")

    def test_the_address_a_commenter_wrote_from_is_not_read(self, tmp_path: Path) -> None:
        found = read_item(tmp_path, export(item(inside=[comment(5)])))
        assert "192.0.2.7" not in repr(found)

    def test_tags_of_old_exports_have_the_same_taxonomy(self, tmp_path: Path) -> None:
        found = read_item(tmp_path, export(item(inside=[filed("tag", "x", "X"), filed("", "", "General")])))
        assert found.terms == (("post_tag", "x", "X"), ("category", "", "General"))

    def test_authors_and_terms(self, tmp_path: Path) -> None:
        document = export(
            category("c", "C", parent="p", description="d"),
            tag("t", "T"),
            term("nav_menu", "m"),
            authors=[author("bo", id=3)],
        )
        assert read(write(tmp_path, document)) == [
            Author(3, "bo", "anna@example.org", "Anna A."),
            Term("category", "c", "C", "p", "d"),
            Term("post_tag", "t", "T", "", ""),
            Term("nav_menu", "m", "m", "", ""),
        ]

    @pytest.mark.parametrize("date", ["0000-00-00 00:00:00", "0001-01-01 00:00:00", "", "soon", "2014-13-45 00:00:00"])
    def test_a_date_that_is_none_is_none(self, tmp_path: Path, date: str) -> None:
        assert read_item(tmp_path, export(item(post_date=date))).date is None

    def test_a_moment_may_be_said_in_the_words_of_rss_only(self, tmp_path: Path) -> None:
        document = export(item(post_date="", post_date_gmt="")).replace(
            "<description>", "<pubDate>Sat, 01 Mar 2014 10:30:00 +0100</pubDate><description>"
        )
        found = read_item(tmp_path, document)
        assert (found.date, found.date_gmt) == (None, dt.datetime(2014, 3, 1, 9, 30))

    @pytest.mark.parametrize(
        "date", ["Wed, 30 Nov -0001 00:00:00 +0000", "", "Wed, 30 Nov 20140 1:2:3", "1 Mar 2014 x"]
    )
    def test_what_is_no_moment_in_rss_is_none(self, tmp_path: Path, date: str) -> None:
        document = export(item(post_date="", post_date_gmt="")).replace(
            "<description>", f"<pubDate>{date}</pubDate><description>"
        )
        assert read_item(tmp_path, document).date_gmt is None

    def test_the_words_of_rss_do_not_count_where_the_export_has_its_own(self, tmp_path: Path) -> None:
        document = export(item(status="draft", post_date_gmt="0000-00-00 00:00:00")).replace(
            "<description>", "<pubDate>Sat, 01 Mar 2014 10:30:00 +0100</pubDate><description>"
        )
        assert read_item(tmp_path, document).date_gmt is None

    @pytest.mark.parametrize("number", ["", "-1", "x", "99999999999999999999", "٣"])
    def test_a_number_that_is_none_is_zero(self, tmp_path: Path, number: str) -> None:
        assert read_item(tmp_path, export(item(post_id=number))).id == 0

    def test_markup_that_should_have_been_escaped_is_kept_as_text(self, tmp_path: Path) -> None:
        document = export(item(content="@")).replace(cdata("@"), "<p>One <b>two</b> three</p> four")
        assert read_item(tmp_path, document).content == "<p>One <b>two</b> three</p> four"


class TestMending:
    def test_control_characters_are_left_out_and_counted(self, tmp_path: Path) -> None:
        source = Export(write(tmp_path, export(item(content="a\x0bb\x01\ufffec"))))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert found.content == "abc"
        assert source.source is not None
        assert source.source.mended.counts["controls"] == 3

    def test_broken_letters_are_replaced_and_counted(self, tmp_path: Path) -> None:
        source = Export(write(tmp_path, export(item(content="a§b")).encode().replace("§".encode(), b"\xe9")))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert found.content == "a\ufffdb"
        assert source.source is not None
        assert source.source.mended.counts["letters"] == 1

    @pytest.mark.parametrize(
        "messages",
        [
            "\nWarning: fopen(a.php): failed to open\n\n",
            "<br />\n<b>Notice</b>: x in <b>a.php</b><br />\n",
            "\ufeffNotice: x ",
        ],
    )
    def test_messages_of_the_old_site_in_front_are_left_out_and_counted(self, tmp_path: Path, messages: str) -> None:
        source = Export(write(tmp_path, messages + export(item(7, content="a\x01b"))))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert (found.id, found.content) == (7, "ab")
        assert source.source is not None
        before = messages.count("\n")
        assert source.source.mended.counts == {"messages": max(before, 1), "controls": 1}
        assert source.source.mended.lines["controls"] == [before + 5]
        broken = messages + "<?xml version='1.0'?>\n<rss><channel>\n<item>a < b</item></channel></rss>"
        assert f"line {before + 3}, column " in refusal(tmp_path, broken)

    def test_a_declaration_inside_is_no_beginning(self, tmp_path: Path) -> None:
        body = "<?xml version='1.0'?><rss></rss>"
        assert read_item(tmp_path, export(item(content=body)).partition("\n")[2]).content == body

    def test_blank_lines_in_front_are_let_pass_and_counted_in_places(self, tmp_path: Path) -> None:
        assert read_item(tmp_path, "\n\n" + export(item(7))).id == 7
        assert "line 4, column " in refusal(tmp_path, "\n\n<rss><channel>\n<item>a < b</item></channel></rss>")

    @pytest.mark.parametrize(
        ("written", "meant", "kind"),
        [
            ("R&D, AT&T; &", "R&D, AT&T; &", "ampersands"),
            ("a&nbsp;b &eacute;&Amp;&hellip;", "a\xa0b é&Amp;…", "entities"),
            ("&LT;b&GT; &AMP;", "<b> &", "entities"),
            ("&lt;&amp;&#8217;&#x2019;&apos;", "<&’’'", ""),
            ("a&#0;b&#11;c&#xD800;&#xFFFF;", "abc", "controls"),
            ("&#99999999; &#x; &;", "&#99999999; &#x; &;", "ampersands"),
        ],
    )
    def test_ampersands_and_entities_are_read_as_browsers_read_them(
        self, tmp_path: Path, written: str, meant: str, kind: str
    ) -> None:
        document = export(item(title="@", content="&nbsp; & stays")).replace(">@<", f">{written}<")
        source = Export(write(tmp_path, document))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert (found.title, found.content) == (meant, "&nbsp; & stays")
        assert source.source is not None
        assert bool(source.source.mended.counts) == bool(kind)
        line = document[: document.index(written)].count("\n") + 1
        assert not kind or source.source.mended.lines[kind] == [line]

    def test_ampersands_in_attributes_are_mended_and_those_in_comments_left(self, tmp_path: Path) -> None:
        document = export(
            item(inside=['<!-- & <![CDATA[ --><category domain="tag" nicename="r&d">R&D</category><?a & ?>'])
        )
        assert read_item(tmp_path, document).terms == (("post_tag", "r&d", "R&D"),)

    def test_prefixes_of_old_plug_ins_are_let_pass_and_counted(self, tmp_path: Path) -> None:
        odd = '<geo:lat geo:kind="a">1</geo:lat><itunes:x xmlns:itunes="urn:i"/>'
        document = export(item(7, content="@")).replace("</item>", f"{odd}</item>").replace(cdata("@"), "<o:p>x</o:p>")
        source = Export(write(tmp_path, document))
        (found,) = (record for record in source.records() if isinstance(record, Item))
        assert (found.id, found.content) == (7, "<o:p>x</o:p>")
        assert source.source is not None
        assert source.source.mended.counts == {"prefixes": 2}

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                ["&", "&amp;", "&nbsp;", "<![CDATA[", "]]>", "]", "<!--", "-->", "<a:b c='", ">", "<p>", "\n"]
            )
        ),
        st.lists(st.integers(0, 60), max_size=8),
    )
    def test_it_does_not_matter_where_pieces_end(self, parts: list[str], cuts: list[int]) -> None:
        def mended(*pieces: str) -> str:
            markup = Wellformed(Mended(), {"wp"}, 1)
            return "".join([*map(markup.mend, pieces), markup.mend("", final=True)])

        text = "".join(parts)
        borders = [0, *sorted(cuts), len(text)]
        assert mended(*(text[start:end] for start, end in pairwise(borders))) == mended(text)

    @pytest.mark.parametrize("part", ["<a b:", "&", "<", "]]", "<![CDATA[]]>", "<!---->", "<a b:c='d'", "&amp;", "\n&"])
    def test_hostile_markup_takes_linear_time(self, part: str) -> None:
        def mend(text: str) -> None:
            markup = Wellformed(Mended(), {"wp"}, 1)
            markup.mend(text)
            markup.mend("", final=True)

        assert grows_with_length(mend, part * 200_000)

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

    def test_a_declared_encoding_is_read(self, tmp_path: Path) -> None:
        document = export(item(content="café")).replace("UTF-8", "ISO-8859-1").encode("latin-1")
        assert read_item(tmp_path, document).content == "café"

    def test_letters_torn_between_two_reads_stay_whole(self, tmp_path: Path) -> None:
        # Longer than what is read at once, so that some letter lies across the border.
        text = "д" * 300_000
        for shift in ("", "x"):
            assert read_item(tmp_path, export(item(content=shift + text))).content == shift + text


class TestRefusals:
    """Each is one clear line that names the file."""

    @pytest.mark.parametrize(
        ("document", "said"),
        [
            (b"", "is empty"),
            (b"  \n ", "not XML"),
            (b"Dear Sir or Madam", "not XML"),
            (b"<?xml version='1.0'?>", "not XML"),
            (b"<html><body></body></html>", "<html>"),
            (b"PK\x03\x04 and so on", "archive"),
            (b"<rss><channel></channel></rss>", "plain feed"),
            (b"<rss></rss>", "no <channel>"),
            (b"<rss><channel><item>", "line 1, column"),
            (b"<rss><channel>\n<item>a < b</item></channel></rss>", "line 2, column"),
            (b"<rss><channel>\n<item>a & b</itme></channel></rss>", "line 2, column"),
            (b"<rss" + b" a" * 200_000, "line 1, column"),
            (b"<rss><channel></channel></rss><rss/>", "line 1, column"),
            (b"<?xml version='1.0' encoding='rot13'?><rss/>", "rot13"),
            (b"<?xml version='1.0' encoding='klingon'?><rss/>", "klingon"),
        ],
    )
    def test_what_is_no_export_is_refused(self, tmp_path: Path, document: bytes, said: str) -> None:
        message = refusal(tmp_path, document)
        assert said in message
        assert message.startswith(str(tmp_path / "export.xml"))
        assert "\n" not in message

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ExportRefused, match="No such file"):
            read(tmp_path / "nowhere.xml")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    @pytest.mark.parametrize("before", ["", "<?xml version='1.0'?>\n", "<!-- a -->\n<?pi?>\n"])
    def test_a_document_type_is_refused_in_every_encoding(self, tmp_path: Path, encoding: str, before: str) -> None:
        document = before + "<!DOCTYPE rss><rss><channel/></rss>"
        assert "DOCTYPE" in refusal(tmp_path, document.encode(encoding))

    def test_the_place_of_a_document_type_is_named(self, tmp_path: Path) -> None:
        assert "line 3, column 1" in refusal(tmp_path, "<?xml version='1.0'?>\n<!-- -->\n<!doctype html><html/>")

    def test_words_about_document_types_are_no_document_type(self, tmp_path: Path) -> None:
        document = export(item(content="<!DOCTYPE html>")).replace("generator=", "<!DOCTYPE rss> ", 1)
        assert read_item(tmp_path, document).content == "<!DOCTYPE html>"

    def test_entities_are_not_even_looked_at(self, tmp_path: Path) -> None:
        bomb = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(20))
        document = f'<!DOCTYPE rss [<!ENTITY e0 "ha">{bomb}]><rss a="&e20;"><channel>&e20;</channel></rss>'
        assert "DOCTYPE" in refusal(tmp_path, document)

    def test_files_of_the_machine_cannot_be_drawn_in(self, tmp_path: Path) -> None:
        secret = write(tmp_path, "secret", "secret.txt")
        document = f'<!DOCTYPE rss [<!ENTITY e SYSTEM "{secret.as_uri()}">]><rss><channel>&e;</channel></rss>'
        assert "DOCTYPE" in refusal(tmp_path, document)

    def test_a_fault_after_much_that_is_right_is_found(self, tmp_path: Path) -> None:
        document = export(*(item(number) for number in range(1, 2000)))
        assert "line" in refusal(tmp_path, document[:-20])

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(data=st.data())
    def test_a_damaged_export_is_read_or_refused_and_nothing_else(self, tmp_path: Path, data: st.DataObject) -> None:
        document = export(category("c"), item(7, inside=[comment(1)])).encode()
        at = data.draw(st.integers(0, len(document)))
        length = data.draw(st.integers(0, 40))
        damaged = document[:at] + data.draw(st.binary(max_size=20)) + document[at + length :]
        with suppress(ExportRefused):
            read(write(tmp_path, damaged))


class TestMemory:
    def test_it_does_not_grow_with_the_file(self, tmp_path: Path) -> None:
        def peak(number: int) -> int:
            path = write(tmp_path, export(*(item(each, content="word " * 2000) for each in range(1, number))))
            tracemalloc.start()
            for _record in Export(path).records():
                pass
            _now, highest = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return highest

        assert peak(1000) < 2 * peak(250)

    def test_an_item_of_absurd_size_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("wordpress.reader._MAX_ITEM_BYTES", 500_000)
        assert "larger than" in refusal(tmp_path, export(item(content="x" * 2_000_000)))

    def test_a_text_of_many_megabytes_is_read(self, tmp_path: Path) -> None:
        assert len(read_item(tmp_path, export(item(content="x" * 11_000_000))).content) == 11_000_000
