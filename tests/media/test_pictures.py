"""A cleaned picture contains only pixels, and nothing that reveals who took it, where or when."""

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin, TgaImagePlugin

from media import pictures
from media.cleaners import images
from media.models import Picture
from media.pictures import clean_picture, store_picture
from tests.factories import UserFactory
from tests.factories.revealing_files import png_bomb

SECRET = b"52.3702N-secret"
GPS, ORIENTATION = 0x8825, 0x0112
STILL = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "AVIF": ".avif", "GIF": ".png", "BMP": ".png"}


def drawing(size: tuple[int, int] = (60, 40), mode: str = "RGB", corner: Any = "red") -> Image.Image:
    """Return a blue picture whose upper left quarter has another colour."""
    image = Image.new(mode, size, "blue")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2 - 1, size[1] // 2 - 1), fill=corner)
    return image


def metadata() -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "Secretcam " + SECRET.decode()
    exif.get_ifd(GPS)[2] = (52.0, 22.0, 12.0)
    exif.get_ifd(GPS)[29] = SECRET.decode()
    return exif


def encoded(image: Image.Image, format_name: str, **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, format_name, **options)
    return written.getvalue()


def animation(
    format_name: str, size: tuple[int, int] = (30, 20), colours: tuple[str, ...] = ("red", "lime", "blue")
) -> bytes:
    frames = [Image.new("RGB", size, colour) for colour in colours]
    return encoded(frames[0], format_name, save_all=True, append_images=frames[1:], duration=[50, 200, 100], loop=0)


def upload(content: bytes, name: str = "holiday.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def clean_here(content: bytes) -> None:
    """Clean an image in this process, so that a test can change the limits."""
    images.clean_image(io.BytesIO(content), io.BytesIO())


def cleaned(content: bytes) -> tuple[str, Image.Image, bytes]:
    file = clean_picture(upload(content))
    data = file.read()
    image = Image.open(io.BytesIO(data))
    image.load()
    return str(file.name), image, data


class TestPhones:
    """HEIC and AVIF photos, with different brands, depths and orientations."""

    @pytest.mark.parametrize("brand", ["heic", "heix", "mif1"])
    @pytest.mark.parametrize(
        ("mode", "pixel"), [("RGB", bytes([200, 20, 20])), ("RGB;16", bytes([0, 200, 0, 20, 0, 20]))]
    )
    def test_photos_of_8_and_10_bits_become_jpegs(self, brand: str, mode: str, pixel: bytes) -> None:
        pillow_heif = pytest.importorskip("pillow_heif")
        written = io.BytesIO()
        pillow_heif.from_bytes(mode=mode, size=(60, 40), data=pixel * 2400).save(written)
        content = bytearray(written.getvalue())
        content[8:12] = brand.encode()
        name, image, _data = cleaned(bytes(content))
        red, green, blue = image.getpixel((30, 20))  # type: ignore[misc]  # an RGB pixel has three channels
        assert name.endswith(".jpg")
        assert (red // 10, green // 20, blue // 20) in {(19, 0, 0), (20, 0, 0), (19, 1, 1), (20, 1, 1)}

    def test_without_the_decoder_users_are_told_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(images, "READS_HEIC", False)
        monkeypatch.setattr(images, "_ACCEPTED", (*images.FORMATS, "TIFF"))
        beginning = b"\0\0\0\x1cftyp%s\0\0\0\0mif1%sMiHB" + b"\0" * 200
        for brands in ((b"heic", b"heic"), (b"mif1", b"heix"), (b"msf1", b"hevc")):
            with pytest.raises(ValidationError, match="iPhone, choose Settings → Camera → Formats → Most Compatible"):
                clean_here(beginning % brands)
        for content in (beginning % (b"mif1", b"avif"), beginning % (b"avif", b"avif"), b"GIF8", b""):
            with pytest.raises(ValidationError, match="is not an image, or it is damaged"):
                clean_here(content)


class TestMetadata:
    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF"])
    def test_location_camera_and_owner_are_removed(self, format_name: str) -> None:
        dirty = encoded(
            drawing(),
            format_name,
            exif=metadata(),
            **({} if format_name == "PNG" else {"xmp": b"<x>" + SECRET + b"</x>"}),
        )
        assert SECRET in dirty
        _name, image, data = cleaned(dirty)
        assert SECRET not in data
        assert not image.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment", "dpi"} & set(image.info)

    @pytest.mark.parametrize("format_name", ["JPEG", "WEBP", "AVIF"])
    def test_the_orientation_in_xmp_does_not_count(self, format_name: str) -> None:
        """Browsers ignore it, and in AVIF that in EXIF as well."""
        content = encoded(drawing(), format_name, xmp=b'<x tiff:Orientation="6"/>')
        assert cleaned(content)[1].size == (60, 40)

    def test_the_part_of_an_avif_that_was_cropped_away_is_removed(self) -> None:
        def cropped(width: int) -> bytes:
            """Return a picture of which the upper left part is visible; the box is where readers ignore it."""
            offsets = struct.pack(">iIiI", width - 60, 2, -20, 2)
            return encoded(drawing(), "AVIF") + struct.pack(">I4sIIII", 40, b"clap", width, 1, 20, 1) + offsets

        image = cleaned(cropped(30))[1]
        assert image.size == (30, 20)
        assert min(image.getchannel("R").tobytes()) > 200
        for other in (cropped(70), cropped(30) + cropped(20)):
            with pytest.raises(ValidationError, match="damaged"):
                cleaned(other)

    def test_text_chunks_of_a_png_are_removed(self) -> None:
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Author", SECRET.decode())
        texts.add_itxt("Comment", SECRET.decode(), zip=True)
        _name, image, data = cleaned(encoded(drawing(), "PNG", pnginfo=texts))
        assert SECRET not in data
        assert not image.info

    def test_comments_in_jpeg_and_gif_are_removed(self) -> None:
        for format_name in ("JPEG", "GIF"):
            assert SECRET not in cleaned(encoded(drawing(), format_name, comment=SECRET))[2]

    @pytest.mark.parametrize("format_name", STILL)
    def test_trailing_bytes_are_removed(self, format_name: str) -> None:
        assert b"<script>" not in cleaned(encoded(drawing(), format_name) + b"<script>alert(1)</script>PK\x03\x04")[2]

    def test_animations_do_not_say_when_they_were_uploaded(self) -> None:
        _name, _image, data = cleaned(animation("AVIF"))
        for kind, size in ((b"mvhd", 16), (b"tkhd", 16), (b"mdhd", 16)):
            start = data.index(kind) + 8
            assert data[start - 4] == 1
            assert data[start : start + size] == bytes(size)

    def test_comments_in_an_animation_are_removed(self) -> None:
        frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
        dirty = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], comment=SECRET)
        assert SECRET in dirty
        assert SECRET not in cleaned(dirty)[2]


class TestPixels:
    @pytest.mark.parametrize(("format_name", "extension"), STILL.items())
    def test_the_extension_matches_the_decoded_format(self, format_name: str, extension: str) -> None:
        file = clean_picture(upload(encoded(drawing(), format_name), name="../../evil.html"))
        stem, _dot, suffix = str(file.name).rpartition(".")
        assert f".{suffix}" == extension
        assert len(stem) == 32
        assert stem.isalnum()

    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
    def test_the_picture_is_turned_upright(self, format_name: str) -> None:
        _name, image, _data = cleaned(encoded(drawing(), format_name, exif=metadata()))
        assert image.size == (40, 60)
        red, _green, blue = image.convert("RGB").getpixel((35, 5))  # type: ignore[misc]  # an RGB pixel has three channels
        assert red > 200 > blue

    def test_a_mirrored_picture_is_flipped(self) -> None:
        mirrored = Image.Exif()
        mirrored[274] = 2
        image = cleaned(encoded(drawing(), "PNG", exif=mirrored))[1]
        red, _green, blue = image.convert("RGB").getpixel((55, 5))  # type: ignore[misc]  # an RGB pixel has three channels
        assert red > 200 > blue

    def test_the_longest_side_is_at_most_2400_pixels(self) -> None:
        assert cleaned(encoded(drawing((3000, 1500)), "PNG"))[1].size == (2400, 1200)
        assert cleaned(encoded(drawing((1000, 5000)), "JPEG"))[1].size == (480, 2400)
        assert cleaned(encoded(drawing((300, 200)), "JPEG"))[1].size == (300, 200)

    @pytest.mark.parametrize("format_name", ["PNG", "WEBP", "AVIF"])
    def test_transparency_is_kept(self, format_name: str) -> None:
        _name, image, _data = cleaned(encoded(drawing(mode="RGBA", corner=(0, 0, 0, 0)), format_name))
        assert image.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]  # a pixel has channels here
        assert image.convert("RGBA").getpixel((50, 35))[3] == 255  # type: ignore[index]  # a pixel has channels here

    def test_the_transparent_colour_of_a_palette_is_kept(self) -> None:
        palette = drawing().convert("P", palette=Image.Palette.ADAPTIVE)
        for format_name in ("PNG", "GIF"):
            dirty = encoded(palette, format_name, transparency=palette.getpixel((5, 5)))
            assert cleaned(dirty)[1].convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]  # a pixel has channels here

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
    def test_every_mode_of_png_keeps_its_colours(self, mode: str) -> None:
        image = Image.new(mode, (8, 8), 0x7F00) if mode == "I;16" else drawing((8, 8)).convert(mode)
        shown = cleaned(encoded(image, "PNG"))[1].convert("RGB")
        expected = (0x7F,) * 3 if mode == "I;16" else image.convert("RGB").getpixel((6, 6))
        assert shown.getpixel((6, 6)) == expected

    def test_colours_are_converted_from_their_profile_to_srgb(self) -> None:
        # A colour space with very different primaries, whose red is far from that of sRGB.
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
        assert cleaned(encoded(drawing(), "PNG", icc_profile=profile))[1].mode == "RGB"
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        _name, image, _data = cleaned(encoded(drawing(), "PNG", icc_profile=srgb))
        assert image.getpixel((5, 5)) == (255, 0, 0)

    @pytest.mark.parametrize("profile", [b"", b"no profile", b"\0" * 200])
    def test_a_broken_profile_is_ignored(self, profile: bytes) -> None:
        assert cleaned(encoded(drawing(), "JPEG", icc_profile=profile))[1].size == (60, 40)

    def test_cmyk_becomes_rgb(self) -> None:
        assert cleaned(encoded(drawing().convert("CMYK"), "JPEG"))[1].mode == "RGB"

    @pytest.mark.parametrize("format_name", ["GIF", "WEBP", "AVIF", "PNG"])
    def test_animations_keep_their_frames_and_durations(self, format_name: str) -> None:
        _name, image, _data = cleaned(animation(format_name))
        assert getattr(image, "n_frames", 1) == 3
        seen = []
        for frame in range(3):
            image.seek(frame)
            image.load()
            colour = image.convert("RGB").getpixel((10, 10))
            seen.append((max(range(3), key=lambda channel: colour[channel]), round(image.info["duration"])))  # type: ignore[index]  # a pixel has channels here
        assert seen == [(0, 50), (1, 200), (2, 100)]

    def test_the_still_image_before_an_animation_is_left_out(self) -> None:
        frames = [Image.new("RGB", (30, 20), colour) for colour in ("white", "red", "lime")]
        _name, image, _data = cleaned(
            encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True, duration=100)
        )
        assert getattr(image, "n_frames", 1) == 2
        assert image.getpixel((5, 5)) == (255, 0, 0)

    @pytest.mark.parametrize(("format_name", "extension"), [("GIF", ""), ("AVIF", ".gif"), ("PNG", "")])
    def test_transparent_animations_leave_no_trail(self, format_name: str, extension: str) -> None:
        frames = [Image.new("RGBA", (20, 10), (0, 0, 0, 0)) for _ in range(2)]
        for number, frame in enumerate(frames):
            ImageDraw.Draw(frame).rectangle((number * 10, 0, number * 10 + 9, 9), fill="red")
        disposal = {"disposal": 2} if format_name == "GIF" else {}
        options = {"save_all": True, "append_images": frames[1:], "duration": 100, **disposal}
        with Image.open(
            clean_picture(upload(encoded(frames[0], format_name, **options)), extension=extension)
        ) as image:
            image.seek(1)
            assert image.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]  # a pixel has channels here


class TestInvalidPictures:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"words",
            b"<script>alert(1)</script>",
            b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
            b"GIF89a<script>alert(1)</script>",
            b"%PDF-1.4\n%%EOF",
            b"\xff\xd8\xff\xe0",
            b"\x89PNG\r\n\x1a\n",
            encoded(drawing(), "TGA"),
            encoded(drawing(), "ICO"),
            encoded(drawing(), "EPS"),
        ],
        ids=["empty", "text", "html", "svg", "gif+html", "pdf", "jpeg head", "png head", "tga", "ico", "eps"],
    )
    def test_files_that_are_not_pictures_are_rejected(self, content: bytes) -> None:
        with pytest.raises(ValidationError, match="not an image, or it is damaged"):
            clean_picture(upload(content))

    def test_other_decoders_never_see_the_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(TgaImagePlugin.TgaImageFile, "_open", lambda *args: pytest.fail("it was read"))
        with pytest.raises(ValidationError):
            clean_here(encoded(drawing(), "TGA"))

    @pytest.mark.parametrize("format_name", STILL)
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_truncated_pictures_are_rejected(self, format_name: str, share: float) -> None:
        whole = encoded(Image.effect_noise((64, 64), 80).convert("RGB"), format_name)
        with pytest.raises(ValidationError):
            clean_picture(upload(whole[: int(len(whole) * share)]))

    def test_pictures_with_too_many_bytes_are_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pictures, "MAX_BYTES", 100)
        with pytest.raises(ValidationError, match="larger than 100"):
            clean_picture(upload(encoded(drawing(), "PNG")))

    @pytest.mark.parametrize("format_name", ["PNG", "GIF", "WEBP"])
    def test_pictures_with_too_many_pixels_are_rejected_before_decoding(
        self, format_name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = encoded(Image.new("L", (8000, 7000)), format_name, method=0)
        assert len(content) < 200_000
        monkeypatch.setattr(Image.Image, "thumbnail", lambda *args: pytest.fail("it was decoded"))
        with pytest.raises(ValidationError, match="more than 50 million pixels"):
            clean_here(content)

    def test_a_tiff_may_have_a_thumbnail_but_no_second_page(self) -> None:
        second = drawing((6, 4))
        with pytest.raises(ValidationError, match="several pages"):
            clean_here(encoded(drawing(), "TIFF", save_all=True, append_images=[second]))
        second.encoderinfo = {"tiffinfo": {254: 1}}
        assert cleaned(encoded(drawing(), "TIFF", save_all=True, append_images=[second]))[1].size == (60, 40)

    def test_decompression_bombs_that_pillow_detects_are_rejected(self) -> None:
        with pytest.raises(ValidationError, match="more than 50 million pixels"):
            clean_picture(upload(png_bomb(14_000)))

    def test_pictures_that_take_too_much_memory_are_not_called_damaged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def run_out(*args: Any) -> None:
            raise MemoryError

        monkeypatch.setattr(Image.Image, "thumbnail", run_out)
        with pytest.raises(ValidationError, match="takes too much time or memory"):
            clean_here(encoded(drawing(), "WEBP"))

    def test_animations_with_too_many_frames_are_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(images, "MAX_FRAMES", 2)
        with pytest.raises(ValidationError, match="The animation is too long"):
            clean_here(animation("GIF"))

    def test_animations_with_too_many_pixels_in_total_are_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(images, "MAX_PIXELS", 30 * 20 * 2)
        with pytest.raises(ValidationError, match="The animation is too long"):
            clean_here(animation("WEBP"))


SEEDS = [
    *(encoded(drawing(), format_name, exif=metadata()) for format_name in ("JPEG", "PNG", "WEBP", "AVIF")),
    encoded(drawing(), "GIF"),
    animation("GIF"),
    animation("WEBP"),
    encoded(drawing().convert("P"), "PNG"),
]


@st.composite
def broken_pictures(draw: Callable[..., Any]) -> bytes:
    """Draw a real picture with bytes changed, removed, duplicated or inserted."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, len(content) - 1)))
        match draw(st.sampled_from(["change", "cut", "double", "insert"])):
            case "change" if content:
                content[place] = draw(st.integers(0, 255))
            case "cut":
                del content[place : place + draw(st.integers(1, 200))]
            case "double":
                content[place:place] = content[place : place + 50]
            case _:
                content[place:place] = draw(st.binary(max_size=20))
    return bytes(content)


@pytest.mark.filterwarnings("ignore")  # as in production, where Pillow's warnings are ignored
@given(content=broken_pictures() | st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_either_cleaned_or_rejected(content: bytes) -> None:
    try:
        file = clean_picture(ContentFile(content, name="x.jpg"))
    except ValidationError:
        return
    with Image.open(file, formats=tuple(images.FORMATS)) as image:
        image.load()
        assert max(image.size) <= images.LONGEST_SIDE
        assert not image.getexif()


@pytest.mark.django_db
class TestStoring:
    def test_stores_the_dimensions_and_the_uploader(self) -> None:
        amina = UserFactory()
        picture = store_picture(upload(encoded(drawing(), "JPEG"), "Our march.jpg"), alt="A crowd", by=amina)
        picture = Picture.objects.get(pk=picture.pk)
        assert (picture.width, picture.height, picture.title, picture.alt) == (60, 40, "Our march", "A crowd")
        assert picture.uploaded_by == amina
        assert str(picture.file.name).startswith("pictures/")
        assert str(picture) == "Our march"

    def test_a_rejected_picture_leaves_nothing(self) -> None:
        with pytest.raises(ValidationError):
            store_picture(upload(b"words"))
        assert not Picture.objects.exists()

    def test_a_deleted_picture_leaves_no_file(self, django_capture_on_commit_callbacks: Any) -> None:
        picture = store_picture(upload(encoded(drawing(), "PNG")))
        storage, name = picture.file.storage, str(picture.file.name)
        assert storage.exists(name)
        with django_capture_on_commit_callbacks(execute=True):
            picture.delete()
        assert not storage.exists(name)
