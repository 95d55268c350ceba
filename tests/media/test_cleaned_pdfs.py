"""What remains of PDFs, their images and colour profiles after cleaning, as read by Pillow and pikepdf."""

import base64
import io
import re
import struct
import zlib
from collections.abc import Callable
from typing import Final

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from media.cleaners.codestreams import strip_jpeg, strip_jpeg2000, strip_profile
from tests.factories.files import PDF
from tests.factories.hostile_files import cleaned, reveals
from tests.factories.recordings import SECRET
from tests.factories.revealing_files import jpeg, profile_with

ENCODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "/FlateDecode": zlib.compress,
    "/ASCII85Decode": lambda content: base64.a85encode(content, wrapcol=76) + b"~>",
    "/ASCIIHexDecode": lambda content: content.hex(" ", 40).encode() + b">",
}


class TestPDF:
    def test_signatures_attached_files_and_local_paths_are_removed(self) -> None:
        written = io.BytesIO()
        with pikepdf.open(io.BytesIO(PDF)) as document:
            name, page = SECRET.decode(), document.pages[0]
            signature = pikepdf.Dictionary(Type=pikepdf.Name.Sig, Name=name, ByteRange=[0, 1, 2, 3], Contents=name)
            field = pikepdf.Dictionary(FT=pikepdf.Name.Sig, T="signature", V=document.make_indirect(signature))
            named = pikepdf.Dictionary(FT=pikepdf.Name.Tx, T="place", V="Amsterdam")
            document.Root.AcroForm = pikepdf.Dictionary(Fields=[field, named], SigFlags=3, XFA=name)
            file = pikepdf.Dictionary(Type=pikepdf.Name.Filespec, F=name, UF=name)
            attached = pikepdf.Dictionary(Subtype=pikepdf.Name.FileAttachment, Rect=[0, 0, 9, 9], FS=file)
            link = pikepdf.Dictionary(Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9])
            link.A = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=f"file:///home/{name}")
            web = pikepdf.Dictionary(Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9])
            web.A = pikepdf.Dictionary(S=pikepdf.Name.URI, URI="https://example.org/")
            page.Annots = [attached, link, web]
            page[pikepdf.Name("/PTEX.FileName")] = name
            figures = [
                document.make_indirect(pikepdf.Dictionary(S=pikepdf.Name.Figure, Alt=alt))
                for alt in (f"C:\\Users\\{name}\\a.jpg", "A lamp")
            ]
            document.Root.StructTreeRoot = pikepdf.Dictionary(Type=pikepdf.Name.StructTreeRoot, K=figures)
            page.Thumb = document.make_stream(SECRET)
            document.save(written)
        content = cleaned(written.getvalue(), "a.pdf")
        assert reveals(written.getvalue())
        assert not reveals(content)
        with pikepdf.open(io.BytesIO(content)) as document:
            assert [str(each.T) for each in document.Root.AcroForm.Fields] == ["signature", "place"]
            assert str(document.Root.AcroForm.Fields[1].V) == "Amsterdam"
            assert [str(each.A.URI) for each in document.pages[0].Annots if "/A" in each] == ["https://example.org/"]
            assert len(document.pages[0].Annots) == 2
            assert [str(each.get("/Alt")) for each in document.Root.StructTreeRoot.K] == ["None", "A lamp"]

    @pytest.mark.parametrize("link", ["../../../../home/NAME/a.odt", r"..\Users\NAME\a.docx"])
    def test_links_to_local_files_are_removed_if_they_are_relative(self, link: str) -> None:
        """LibreOffice makes them relative to the PDF."""
        written = io.BytesIO()
        with pikepdf.open(io.BytesIO(PDF)) as document:
            document.pages[0].Annots = pikepdf.Array()
            for url in (link.replace("NAME", SECRET.decode()), "appendix.pdf"):
                annotation = pikepdf.Dictionary(Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9])
                annotation.A = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=url)
                document.pages[0].Annots.append(annotation)
            document.save(written)
        content = cleaned(written.getvalue(), "a.pdf")
        assert not reveals(content)
        with pikepdf.open(io.BytesIO(content)) as document:
            assert [str(each.A.URI) for each in document.pages[0].Annots if "/A" in each] == ["appendix.pdf"]

    def test_references_to_originals_and_a_local_folder_for_links_are_removed(self) -> None:
        written = io.BytesIO()
        with pikepdf.open(io.BytesIO(PDF)) as document:
            page, name = document.pages[0], f"/home/{SECRET.decode()}/a.eps"
            form = document.make_stream(b"q Q", Subtype=pikepdf.Name.Form, BBox=[0, 0, 1, 1])
            form.OPI = pikepdf.Dictionary({"/2.0": pikepdf.Dictionary(Type=pikepdf.Name.OPI, F=name)})
            form.Ref = pikepdf.Dictionary(F=name, Page=0)
            page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Ref=form))
            page.Contents = document.make_stream(b"/Ref Do")
            document.Root.URI = pikepdf.Dictionary(Base=f"file://{name}")
            document.save(written)
        content = cleaned(written.getvalue(), "a.pdf")
        assert reveals(written.getvalue())
        assert not reveals(content)
        with pikepdf.open(io.BytesIO(content)) as document:
            assert document.pages[0].Resources.XObject.Ref.read_bytes() == b"q Q"

    @pytest.mark.parametrize("says_so", [True, False], ids=["says that it is one", "doesn't say so"])
    @pytest.mark.parametrize(
        "filters",
        [
            ["/DCTDecode"],
            ["/FlateDecode", "/DCTDecode"],
            ["/ASCII85Decode", "/DCTDecode"],
            ["/ASCIIHexDecode", "/DCTDecode"],
            ["/ASCII85Decode", "/FlateDecode", "/DCTDecode"],
        ],
    )
    def test_images_lose_their_metadata_however_they_are_stored(self, filters: list[str], says_so: bool) -> None:
        content = jpeg()
        written = io.BytesIO()
        with pikepdf.open(io.BytesIO(PDF)) as document:
            stored = content
            for each in reversed(filters[:-1]):
                stored = ENCODERS[each](stored)
            image = document.make_stream(stored, Width=60, Height=40)
            image.Filter = pikepdf.Array([pikepdf.Name(each) for each in filters])
            if says_so:
                image.Subtype = pikepdf.Name.Image
            document.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=image))
            document.pages[0].Contents = document.make_stream(b"/I Do")
            document.save(written)
        with pikepdf.open(io.BytesIO(cleaned(written.getvalue(), "a.pdf"))) as document:
            stripped = document.pages[0].Resources.XObject.I.read_raw_bytes()
        assert not reveals(stripped)
        with Image.open(io.BytesIO(content)) as before, Image.open(io.BytesIO(stripped)) as after:
            # The pixels are not re-encoded.
            assert after.tobytes() == before.tobytes()

    @pytest.mark.parametrize("in_form", [False, True], ids=["of a page", "of a form"])
    def test_inline_images_lose_their_metadata(self, in_form: bool) -> None:
        image = b"BI /W 60 /H 40 /BPC 8 /CS /RGB /F /DCT ID " + jpeg() + b"\nEI"
        content = b"q " + image + b" Q (/DCT) Tj " + image
        written = io.BytesIO()
        with pikepdf.open(io.BytesIO(PDF)) as document:
            stream = document.make_stream(content)
            if in_form:
                stream.Type, stream.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
                document.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=stream))
                document.pages[0].Contents = document.make_stream(b"/F Do")
            else:
                document.pages[0].Contents = stream
            document.save(written)
        with pikepdf.open(io.BytesIO(cleaned(written.getvalue(), "a.pdf"))) as document:
            page = document.pages[0]
            clean = (page.Resources.XObject.F if in_form else page.Contents).read_bytes()
        assert not reveals(clean)
        assert len(clean) == len(content)
        for start in (match.end() for match in re.finditer(b" ID ", clean)):
            with Image.open(io.BytesIO(clean[start:])) as after, Image.open(io.BytesIO(jpeg())) as before:
                assert after.tobytes() == before.tobytes()

    @pytest.mark.parametrize(
        ("content", "parts"),
        [
            # Content in a rare encoding: four bytes as they are, and the end.
            (b"\x03q Q \x80", {"Filter": pikepdf.Name.RunLengthDecode}),
            # A list of as many parameters as filters may be empty.
            (jpeg(), {"Subtype": pikepdf.Name.Image, "Filter": pikepdf.Name.DCTDecode, "DecodeParms": pikepdf.Array()}),
        ],
        ids=["run-length encoding", "no parameters"],
    )
    def test_rare_but_valid_streams_are_accepted(self, content: bytes, parts: dict[str, pikepdf.Object]) -> None:
        written = io.BytesIO()
        with pikepdf.open(io.BytesIO(PDF)) as document:
            document.pages[0].Resources = pikepdf.Dictionary(X=document.make_stream(content, **parts))
            document.save(written, stream_decode_level=pikepdf.StreamDecodeLevel.none)
        assert not reveals(cleaned(written.getvalue(), "a.pdf"))

    def test_inline_images_that_are_encoded_are_refused(self) -> None:
        written = io.BytesIO()
        with pikepdf.open(io.BytesIO(PDF)) as document:
            packed_image = base64.a85encode(jpeg())
            document.pages[0].Contents = document.make_stream(b"BI /F [/A85 /DCT] ID " + packed_image + b"~> EI")
            document.save(written)
        with pytest.raises(ValidationError, match="too complex"):
            cleaned(written.getvalue(), "a.pdf")

    def test_colour_profiles_lose_the_device_and_keep_the_colours(self) -> None:
        profile = profile_with({b"mmod": SECRET * 3, b"meta": b"dict" + SECRET, b"desc": b"desc\0\0\0\0" + SECRET})
        written = io.BytesIO()
        with pikepdf.open(io.BytesIO(PDF)) as document:
            stream = document.make_stream(profile, N=3)
            space = pikepdf.Array([pikepdf.Name.ICCBased, stream])
            document.pages[0].Resources = pikepdf.Dictionary(ColorSpace=pikepdf.Dictionary(C=space))
            document.save(written)
        with pikepdf.open(io.BytesIO(cleaned(written.getvalue(), "a.pdf"))) as document:
            clean = document.pages[0].Resources.ColorSpace.C[1].read_bytes()
        assert reveals(profile)
        assert not reveals(clean)
        # The program and the system that made it.
        assert clean[4:8] + clean[40:44] == bytes(8)
        assert strip_profile(clean) == clean
        image = Image.effect_noise((32, 32), 90).convert("RGB").transpose(Image.Transpose.ROTATE_90)
        after, before = (
            ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(io.BytesIO(each)), ImageCms.createProfile("LAB"), outputMode="LAB"
            )
            for each in (clean, profile)
        )
        assert after is not None
        assert before is not None
        assert after.tobytes() == before.tobytes()

    @given(position=st.integers(0, 250), junk=st.binary(min_size=1, max_size=8))
    def test_any_colour_profile_keeps_its_length(self, position: int, junk: bytes) -> None:
        profile = profile_with({b"mmod": SECRET})
        for broken in (profile[:position] + junk + profile[position + len(junk) :], profile[:position]):
            assert len(strip_profile(broken)) == len(broken)

    def test_entries_that_programs_add_to_the_catalogue_and_pages_are_removed(self) -> None:
        written = io.BytesIO()
        with pikepdf.open(io.BytesIO(PDF)) as document:
            added = pikepdf.Dictionary(Owner=SECRET.decode())
            document.Root[pikepdf.Name("/Scanner")] = added
            document.Root.Lang = "en"
            document.Root.Names = pikepdf.Dictionary(Dests=pikepdf.Dictionary(), Owners=added)
            document.Root.Threads = pikepdf.Array([pikepdf.Dictionary(I=pikepdf.Dictionary(Title=SECRET.decode()))])
            document.pages[0][pikepdf.Name("/Place")] = added
            document.pages[0].Rotate = 90
            owner = pikepdf.Dictionary(N="Owner", V=SECRET.decode())
            shape = pikepdf.Dictionary(S=pikepdf.Name.Figure)
            shape.A = pikepdf.Dictionary(O=pikepdf.Name.UserProperties, P=pikepdf.Array([owner]))
            document.Root.StructTreeRoot = pikepdf.Dictionary(K=shape, ITXT=SECRET.decode())
            document.save(written)
        content = cleaned(written.getvalue(), "a.pdf")
        assert reveals(written.getvalue())
        assert not reveals(content)
        with pikepdf.open(io.BytesIO(content)) as document:
            assert str(document.Root.Lang) == "en"
            assert [*document.Root.Names.keys()] == ["/Dests"]
            assert document.pages[0].Rotate == 90

    @pytest.mark.parametrize("place", ["page", "all pages", "form"])
    def test_images_that_no_page_shows_are_removed(self, place: str) -> None:
        written = io.BytesIO()
        with pikepdf.open(io.BytesIO(PDF)) as document:
            shown, hidden = (
                document.make_stream(
                    content, Subtype=pikepdf.Name.Image, Width=4, Height=1, ColorSpace=pikepdf.Name.DeviceGray
                )
                for content in (b"lamp", SECRET)
            )
            shown.Alternates = [pikepdf.Dictionary(Image=hidden)]
            shown.PtData = pikepdf.Dictionary(Subtype=pikepdf.Name.Cloud, Names=[SECRET.decode()])
            resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Shown=shown, Hidden=hidden))
            page, showing = document.pages[0], document.make_stream(b"/Shown Do")
            if place == "form":
                showing.Subtype, showing.BBox, showing.Resources = pikepdf.Name.Form, [0, 0, 9, 9], resources
                page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Form=showing))
                page.Contents = document.make_stream(b"/Form Do")
            else:
                page.Contents = showing
                page.Resources = resources
            if place == "all pages":
                document.Root.Pages.Resources = document.make_indirect(resources)
                del page[pikepdf.Name.Resources]
            document.save(written)
        content = cleaned(written.getvalue(), "a.pdf")
        assert reveals(written.getvalue())
        assert not reveals(content)
        with pikepdf.open(io.BytesIO(content)) as document:
            streams = [each.read_bytes() for each in document.objects if isinstance(each, pikepdf.Stream)]
            assert b"lamp" in streams
            assert SECRET not in streams

    @pytest.mark.parametrize("shared", ["content", "form", "names", "names within resources"])
    def test_a_small_file_whose_pages_share_very_much_is_refused(self, shared: str) -> None:
        written = io.BytesIO()
        with pikepdf.new() as document:
            large = document.make_stream(b"/Lamp Do " * 200_000)
            image = document.make_stream(b"lamp", Subtype=pikepdf.Name.Image)
            many = {f"/I{number}": image for number in range(70_000)}
            names = document.make_indirect(pikepdf.Dictionary(many))
            resources = document.make_indirect(pikepdf.Dictionary(XObject=pikepdf.Dictionary(many)))
            if shared == "form":
                large.Subtype, large.BBox = pikepdf.Name.Form, [0, 0, 9, 9]
            for _number in range(70):
                page = document.add_blank_page(page_size=(9, 9))
                page.Contents = large if shared == "content" else document.make_stream(b"/Lamp Do")
                named = names if shared == "names" else pikepdf.Dictionary(Lamp=large if shared == "form" else image)
                within = shared == "names within resources"
                page.Resources = resources if within else pikepdf.Dictionary(XObject=named)
            document.save(written)
        with pytest.raises(ValidationError, match="too complex"):
            cleaned(written.getvalue(), "a.pdf")

    @pytest.mark.parametrize("is_indirect", [False, True])
    def test_resources_with_the_names_of_removed_entries_are_kept(self, is_indirect: bool) -> None:
        written = io.BytesIO()
        names = ("/AF", "/JS", "/User", "/PDFpenImprint1", "/A")
        with pikepdf.open(io.BytesIO(PDF)) as document:
            font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Author=SECRET.decode())
            fonts = pikepdf.Dictionary(dict.fromkeys(names, font))
            fonts = document.make_indirect(fonts) if is_indirect else fonts
            resources = pikepdf.Dictionary(Font=fonts, ColorSpace=pikepdf.Dictionary(AA=pikepdf.Name.DeviceRGB))
            document.pages[0].Resources = document.make_indirect(resources) if is_indirect else resources
            used = " ".join(f"{name} 9 Tf" for name in names)
            document.pages[0].Contents = document.make_stream(f"BT {used} ET".encode())
            document.pages[0].Rotate = document.make_indirect(90)  # type: ignore[call-overload]  # an object can be any
            document.save(written)
        assert reveals(written.getvalue())
        content = cleaned(written.getvalue(), "a.pdf")
        assert not reveals(content)
        with pikepdf.open(io.BytesIO(content)) as document:
            assert set(document.pages[0].Resources.Font.keys()) == set(names)
            assert str(document.pages[0].Resources.ColorSpace.AA) == "/DeviceRGB"

    def test_images_in_jpeg_2000_lose_their_metadata(self) -> None:
        plain = io.BytesIO()
        Image.new("RGB", (8, 8), "teal").save(plain, "JPEG2000", comment=SECRET)
        content = plain.getvalue() + struct.pack(">I", 8 + 16 + len(SECRET)) + b"uuid" + bytes(16) + SECRET
        assert content.count(SECRET) >= 1
        stripped = strip_jpeg2000(content)
        assert SECRET not in stripped
        assert strip_jpeg2000(stripped) == stripped
        with Image.open(io.BytesIO(stripped)) as image:
            assert image.convert("RGB").getpixel((3, 3)) == (0, 128, 128)

    def test_a_jpeg_loses_bytes_between_its_segments(self) -> None:
        content = jpeg()
        position = content.index(b"\xff\xdb")
        assert strip_jpeg(content[:position] + SECRET + content[position:]) == strip_jpeg(content)
        assert strip_jpeg(content[:position] + b"\xff\xf0\0\x0e" + SECRET + content[position:]) == strip_jpeg(content)

    def test_a_jpeg_keeps_its_scans_and_loses_bytes_after_them(self) -> None:
        written = io.BytesIO()
        Image.effect_noise((64, 64), 90).save(written, "JPEG", progressive=True, comment=SECRET)
        content = written.getvalue()
        stripped = strip_jpeg(content + b"\xff\xd8\xff\xe1\0\x10" + SECRET)
        assert SECRET not in stripped
        with Image.open(io.BytesIO(content)) as before, Image.open(io.BytesIO(stripped)) as after:
            assert after.tobytes() == before.tobytes()
