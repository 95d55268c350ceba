"""Text that was deleted while changes were tracked: nothing is left of it, and of what only it refers to."""

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.factories.hostile_files import cleaned, reveals
from tests.factories.recordings import SECRET
from tests.factories.revealing_files import packed, revealing_image

MAIN: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT: Final = "http://purl.oclc.org/ooxml/wordprocessingml/main"
MATH: Final = "http://schemas.openxmlformats.org/officeDocument/2006/math"
RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NEWER: Final = "http://schemas.microsoft.com/office/word/2010/wordml"
NAME: Final = SECRET.decode()
DELETED: Final = f'<w:del w:id="1" w:author="A"><w:r><w:delText>{NAME}</w:delText></w:r></w:del>'
KEPT: Final = "<w:r><w:t>Kept</w:t></w:r>"
END: Final = "<w:p><w:r><w:t>End</w:t></w:r></w:p>"


def page(content: str, root: str = "document", namespace: str = MAIN) -> str:
    declared = f'xmlns:w="{namespace}" xmlns:m="{MATH}" xmlns:r="{RELATIONS}" xmlns:w14="{NEWER}"'
    return f"<w:{root} {declared}>{content}</w:{root}>"


def body(content: str, namespace: str = MAIN) -> str:
    return page(f"<w:body>{content}<w:sectPr/></w:body>", namespace=namespace)


def relations(*targets: tuple[str, str]) -> str:
    listed = "".join(f'<Relationship Id="{number}" Type="x" Target="{target}"/>' for number, target in targets)
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{listed}</Relationships>'
    )


def clean_parts(name: str, parts: Mapping[str, str | bytes]) -> dict[str, bytes]:
    """Return the parts of a file after cleaning."""
    content = cleaned(packed(parts), name)
    assert not reveals(content)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {part: package.read(part) for part in package.namelist()}


def clean_word(document: str | bytes, parts: Mapping[str, str | bytes] | None = None) -> dict[str, bytes]:
    return clean_parts("a.docx", {"[Content_Types].xml": "<Types/>", "word/document.xml": document, **(parts or {})})


def text_of(element: etree._Element) -> str:
    return str(element.xpath("string()"))


def texts(content: bytes, path: str = ".//{*}body//{*}p") -> list[str]:
    return [text_of(element) for element in etree.fromstring(content).iterfind(path)]


class TestWord:
    @pytest.mark.parametrize("namespace", [MAIN, STRICT], ids=["transitional", "strict"])
    @pytest.mark.parametrize(
        "deleted",
        [
            DELETED,
            f"<w:moveFromRangeStart/><w:moveFrom><w:r><w:t>{NAME}</w:t></w:r></w:moveFrom><w:moveFromRangeEnd/>",
            f'<w:ins w:id="2"><w:del w:id="3"><w:r><w:delText>{NAME}</w:delText></w:r></w:del></w:ins>',
            f'<w14:conflictDel w:id="2"><w:r><w:delText>{NAME}</w:delText></w:r></w14:conflictDel>',
            f"<w:r><w:delInstrText>{NAME}</w:delInstrText></w:r>",
            f"<w:del><w:sdt><w:sdtContent><w:r><w:t>{NAME}</w:t></w:r></w:sdtContent></w:sdt></w:del>",
            f"<m:oMath><w:del><m:r><m:t>{NAME}</m:t></m:r></w:del></m:oMath>",
            f"<m:oMath><m:f><m:fPr><m:ctrlPr><w:del/></m:ctrlPr></m:fPr><m:num>{NAME}</m:num></m:f></m:oMath>",
        ],
        ids=["text", "moved", "inserted before", "conflict", "field", "control", "in a formula", "fraction"],
    )
    def test_loses_deleted_text_and_what_contains_nothing_else(self, deleted: str, namespace: str) -> None:
        parts = clean_word(body(f"<w:p>{KEPT}{deleted}</w:p>{END}", namespace))
        assert texts(parts["word/document.xml"]) == ["Kept", "End"]
        (first, *_others) = etree.fromstring(parts["word/document.xml"]).iter("{*}p")
        assert [etree.QName(element).localname for element in first if text_of(element)] == ["r"]
        assert not set(first.iter("{*}ins", "{*}oMath", "{*}sdt"))

    def test_keeps_inserted_text_marked(self) -> None:
        inserted = '<w:ins w:id="2" w:author="A"><w:r><w:t>New</w:t></w:r></w:ins>'
        inserted_row = (
            "<w:tr><w:trPr><w:ins/></w:trPr><w:tc><w:p><w:pPr><w:rPr><w:ins/></w:rPr></w:pPr></w:p></w:tc></w:tr>"
        )
        document = clean_word(body(f"<w:p>{DELETED}{inserted}</w:p><w:tbl>{inserted_row}</w:tbl>{END}"))[
            "word/document.xml"
        ]
        assert texts(document) == ["New", "", "End"]
        assert document.count(b"<w:ins") == 3

    @given(
        st.lists(
            st.tuples(
                st.lists(st.tuples(st.sampled_from(["one", "two"]), st.booleans()), max_size=3),
                st.sampled_from(["", "<w:ins/>", "<w:del/>", "<w:moveFrom/>", "<w:ins/><w:del/>"]),
            ),
            min_size=1,
            max_size=6,
        )
    )
    def test_paragraphs_whose_ends_were_deleted_become_one_with_the_properties_of_the_last(
        self, paragraphs: list[tuple[list[tuple[str, bool]], str]]
    ) -> None:
        content, expected, open_text = "", [], ""
        for number, (runs, mark) in enumerate(paragraphs):
            text = "".join(
                f"<w:del><w:r><w:delText>{NAME}</w:delText></w:r></w:del>"
                if is_deleted
                else f"<w:r><w:t>{word}</w:t></w:r>"
                for word, is_deleted in runs
            )
            properties = f'<w:pPr><w:pStyle w:val="{number}"/><w:rPr>{mark}</w:rPr></w:pPr>'
            content += f'<w:p>{properties}{text}</w:p><w:bookmarkEnd w:id="{number}"/>'
            open_text += "".join(word for word, is_deleted in runs if not is_deleted)
            if mark in {"", "<w:ins/>"} or number == len(paragraphs) - 1:
                expected.append((str(number), open_text))
                open_text = ""
        document = clean_word(body(content))["word/document.xml"]
        found = [
            (element.xpath("string(.//w:pStyle/@w:val)", namespaces={"w": MAIN}), text_of(element))
            for element in etree.fromstring(document).iter("{*}p")
        ]
        assert found == expected
        assert document.count(b"bookmarkEnd") == len(paragraphs)

    def test_a_deleted_paragraph_before_a_table_is_removed_unless_some_of_its_text_is_kept(self) -> None:
        end = "<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>"
        table = f"<w:tbl><w:tr><w:tc><w:p>{end}{DELETED}</w:p></w:tc></w:tr></w:tbl>"
        document = clean_word(body(f"<w:p>{end}{DELETED}</w:p>{table}<w:p>{end}{KEPT}</w:p>{table}{END}"))[
            "word/document.xml"
        ]
        # A cell has at least one paragraph.
        assert texts(document) == ["", "Kept", "", "End"]

    def test_loses_deleted_rows_cells_and_tables(self) -> None:
        def row(properties: str, *cells: str) -> str:
            return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"

        def cell(text: str, properties: str = "") -> str:
            return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"

        deleted_cell = cell(NAME, "<w:cellDel/>")
        deleted_row = row("<w:del/>", cell(NAME))
        kept = f"<w:tbl><w:tblPr/>{row('', cell('Kept'), deleted_cell)}{deleted_row}{row('', deleted_cell)}</w:tbl>"
        lost = f"<w:tbl><w:tblPr/><w:tblGrid/>{deleted_row}</w:tbl>"
        document = clean_word(body(f"{kept}{lost}{END}"))["word/document.xml"]
        assert texts(document) == ["Kept", "End"]
        assert [document.count(f"<w:{name}>".encode()) for name in ("tbl", "tr", "tc")] == [1, 1, 1]

    def test_loses_links_images_notes_and_comments_of_deleted_text(self) -> None:
        deleted = (
            '<w:commentRangeStart w:id="1"/><w:hyperlink r:id="r1"><w:del><w:r><w:delText>x</w:delText></w:r></w:del>'
            '</w:hyperlink><w:del><w:r><w:drawing r:embed="r2"/><w:footnoteReference w:id="5"/></w:r></w:del>'
            '<w:commentRangeEnd w:id="1"/><w:del><w:r><w:commentReference w:id="1"/></w:r></w:del>'
        )
        kept = '<w:r><w:drawing r:embed="r3"/><w:footnoteReference w:id="1"/><w:commentReference w:id="5"/></w:r>'
        notes = (
            f'<w:footnote w:id="5"><w:p><w:r><w:t>{NAME}</w:t><w:drawing r:embed="r1"/></w:r></w:p></w:footnote>'
            '<w:footnote w:id="1"><w:p><w:r><w:t>A note</w:t></w:r></w:p></w:footnote>'
        )
        comments = (
            f'<w:comment w:id="1"><w:p><w:r><w:t>{NAME}</w:t></w:r></w:p></w:comment>'
            '<w:comment w:id="5"><w:p><w:r><w:t>A comment</w:t></w:r></w:p></w:comment>'
        )
        files = {f"word/media/{number}.png": revealing_image("PNG") for number in (2, 3, 4)}
        chart: dict[str, str | bytes] = {
            "word/charts/chart1.xml": f"<chart><v>{NAME}</v></chart>",
            "word/charts/_rels/chart1.xml.rels": relations(("r1", "../embeddings/table.xlsx")),
            "word/embeddings/table.xlsx": packed({"[Content_Types].xml": "<Types/>", "xl/a.xml": f"<v>{NAME}</v>"}),
        }
        listed = (
            ("r1", f"https://{NAME}.org"),
            ("r2", "media/2.png"),
            ("r3", "media/3.png"),
            ("r4", "charts/chart1.xml"),
        )
        parts = clean_word(
            body(f'<w:p>{deleted}<w:del><w:r><w:drawing r:id="r4"/></w:r></w:del>{kept}</w:p>'),
            {
                "[Content_Types].xml": '<Types><Override PartName="/word/charts/chart1.xml"/></Types>',
                "_rels/.rels": relations(("r1", "word/document.xml")),
                "word/_rels/document.xml.rels": relations(*listed, ("r5", "footnotes.xml"), ("r6", "comments.xml")),
                "word/footnotes.xml": page(notes, "footnotes"),
                "word/_rels/footnotes.xml.rels": relations(("r1", "media/4.png")),
                "word/comments.xml": page(comments, "comments"),
                **files,
                **chart,
            },
        )
        assert b"chart" not in parts["[Content_Types].xml"]
        assert set(parts) == {
            *(
                "[Content_Types].xml",
                "_rels/.rels",
                "word/document.xml",
                "word/_rels/document.xml.rels",
                "word/media/3.png",
            ),
            *("word/footnotes.xml", "word/_rels/footnotes.xml.rels", "word/comments.xml"),
        }
        assert texts(parts["word/footnotes.xml"], "{*}footnote") == ["A note"]
        assert texts(parts["word/comments.xml"], "{*}comment") == ["A comment"]
        assert b"commentRange" not in parts["word/document.xml"]
        ids = [each.get("Id") for each in etree.fromstring(parts["word/_rels/document.xml.rels"])]
        assert ids == ["r3", "r5", "r6"]

    def test_loses_diagrams_with_their_drawings(self) -> None:
        kept, lost = ('<w:r><w:drawing r:dm="NUMBER"/></w:r>'.replace("NUMBER", number) for number in ("r1", "r3"))
        data = '<m xmlns:d="urn:d"><t>TEXT</t><d:dataModelExt relId="NUMBER"/></m>'
        parts = clean_word(
            body(f"<w:p>{kept}<w:del>{lost}</w:del></w:p>"),
            {
                "word/_rels/document.xml.rels": relations(
                    *(("r1", "diagrams/data1.xml"), ("r2", "diagrams/drawing1.xml")),
                    *(("r3", "diagrams/data2.xml"), ("r4", "diagrams/drawing2.xml")),
                ),
                "word/diagrams/data1.xml": data.replace("TEXT", "Kept").replace("NUMBER", "r2"),
                "word/diagrams/drawing1.xml": "<m><t>Kept</t></m>",
                "word/diagrams/data2.xml": data.replace("TEXT", NAME).replace("NUMBER", "r4"),
                "word/diagrams/drawing2.xml": f"<m><t>{NAME}</t></m>",
            },
        )
        assert {name for name in parts if "diagrams" in name} == {
            "word/diagrams/data1.xml",
            "word/diagrams/drawing1.xml",
        }
        assert re.findall(b'Id="(.*?)"', parts["word/_rels/document.xml.rels"]) == [b"r1", b"r2"]

    def test_keeps_an_image_that_is_also_used_elsewhere(self) -> None:
        deleted = '<w:del><w:r><w:drawing r:embed="r1"/><w:drawing r:embed="r2"/></w:r></w:del>'
        parts = clean_word(
            body(f'<w:p>{deleted}<w:r><w:drawing r:embed="r1"/></w:r></w:p>'),
            {
                "word/_rels/document.xml.rels": relations(("r1", "media/1.png"), ("r2", "/word/media/2.png")),
                "word/header1.xml": page('<w:p><w:r><w:drawing r:embed="r9"/></w:r></w:p>', "hdr"),
                "word/_rels/header1.xml.rels": relations(("r9", "media/2.png")),
                **{f"word/media/{number}.png": revealing_image("PNG") for number in (1, 2)},
            },
        )
        assert {"word/media/1.png", "word/media/2.png"} <= set(parts)

    def test_is_found_in_any_encoding(self) -> None:
        document = f'<?xml version="1.0" encoding="UTF-16"?>{body(f"<w:p>{DELETED}</w:p>")}'
        assert texts(clean_word(document.encode("utf-16"))["word/document.xml"]) == [""]


class TestOpenDocument:
    NAMESPACES: Final = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "text", "table", "draw")
    )

    def clean(self, content: str, parts: Mapping[str, str | bytes] | None = None) -> dict[str, bytes]:
        declared = f'{self.NAMESPACES} xmlns:xlink="http://www.w3.org/1999/xlink"'
        document = f"<office:document-content {declared}>{content}</office:document-content>"
        return clean_parts("a.odt", {"mimetype": "text", "content.xml": document, **(parts or {})})

    def test_loses_deleted_text_with_its_images_and_links(self) -> None:
        changes = (
            '<text:tracked-changes><text:changed-region text:id="1"><text:deletion>'
            '<text:p text:style-name="Pictures" draw:name="">NAME'
            '<draw:image xlink:href="Pictures/1.png"/><draw:object xlink:href="./Object 1"/>'
            '<draw:image xlink:href="./Pictures/2.png"/></text:p></text:deletion></text:changed-region>'
            '<text:changed-region text:id="2"><text:insertion/></text:changed-region></text:tracked-changes>'
        ).replace("NAME", NAME)
        shown = (
            f'<text:p>A<text:change text:change-id="1"/>B<text:a xlink:href="https://{NAME}.org">'
            '<text:change text:change-id="1"/></text:a>C<text:change-start text:change-id="2"/>D'
            '<text:change-end text:change-id="2"/><draw:image xlink:href="Pictures/2.png"/></text:p>'
        )
        manifest = "".join(
            f'<m:file-entry m:full-path="{path}"/>'
            for path in ("/", "Pictures/1.png", "Pictures/2.png", "Object 1/content.xml")
        )
        parts = self.clean(
            changes + shown,
            {
                "META-INF/manifest.xml": f'<m:manifest xmlns:m="urn:m">{manifest}</m:manifest>',
                "Pictures/1.png": revealing_image("PNG"),
                "Pictures/2.png": revealing_image("PNG"),
                "Object 1/content.xml": f"<a>{NAME}</a>",
            },
        )
        assert set(parts) == {"mimetype", "META-INF/manifest.xml", "Pictures/2.png", "content.xml"}
        assert texts(parts["content.xml"], "{*}p") == ["ABCD"]
        assert [
            parts["content.xml"].count(word) for word in (b"<text:insertion", b"<text:change-", b"changed-region")
        ] == [1, 2, 2]
        assert re.findall(b'full-path="(.*?)"', parts["META-INF/manifest.xml"]) == [b"/", b"Pictures/2.png"]

    def test_loses_what_cells_contained_before(self) -> None:
        changes = (
            f"<table:tracked-changes><table:cell-content-change><table:previous><text:p>{NAME}</text:p></table:previous>"
            "</table:cell-content-change></table:tracked-changes>"
        )
        parts = self.clean(f"{changes}<table:table-cell><text:p>Now</text:p></table:table-cell>")
        assert texts(parts["content.xml"], ".//{*}p") == ["Now"]
        assert b"tracked-changes" not in parts["content.xml"]


class TestRTF:
    @pytest.mark.parametrize(
        ("deleted", "kept"),
        [
            (rf"{{\deleted\revauthdel1 {NAME}}}", rb"{\deleted }"),
            (rf"{{\deleted \'4e\u78? {{\b {NAME}\tab}}\~}}", rb"{\deleted {\b }}"),
            (rf"{{\mvf\mvauth1\mvdate1234567 {NAME}\mvf0 New}}", rb"{\mvf \mvf0 New}"),
            (rf"\deleted {NAME}\deleted0 New", rb"\deleted \deleted0 New"),
            (rf"{{\deleted\mvf\deleted0 {NAME}\plain New}}", rb"{\deleted\mvf\deleted0 \plain New}"),
            (rf"{{\deleted {NAME}\par\cell\row}}", rb"{\deleted \par\cell\row}"),
            (rf"{{\deleted {{\footnote\plain {NAME}}}{{\*\annotation\plain {NAME}}}}}", rb"{\deleted }"),
            (
                rf'{{\deleted {{\field{{\*\fldinst HYPERLINK "https://{NAME}"}}{{\fldrslt x}}}}}}',
                rb"{\deleted {\field {\fldrslt }}}",
            ),
        ],
        ids=["text", "characters", "moved", "until its end", "until all formats end", "paragraphs", "notes", "link"],
    )
    def test_loses_deleted_text_but_not_the_ends_of_paragraphs_and_cells(self, deleted: str, kept: bytes) -> None:
        assert cleaned(rf"{{\rtf1 A{deleted}{{B}}}}".encode(), "a.rtf") == rb"{\rtf1 A" + kept + b"{B}}"

    @pytest.mark.parametrize(
        "group", [r"{\pict\pngblip %s}", r"{\*\shppict{\pict\pngblip %s}}", r"{\object{\*\objdata 00}{\result x}}"]
    )
    def test_loses_deleted_images_and_objects(self, group: str) -> None:
        image = group.replace("%s", revealing_image("PNG").hex())
        assert cleaned(rf"{{\rtf1 {{\deleted {image}}}B}}".encode(), "a.rtf") == rb"{\rtf1 {\deleted }B}"
