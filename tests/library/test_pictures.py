"""What comes out of a picture's upload: pixels, and nothing that says where, when or by whom."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import BmpImagePlugin, Image, ImageCms, ImageDraw, PngImagePlugin

from library import pictures
from library.models import Picture
from library.pictures import NotAPicture, clean_picture, store_picture
from tests.factories import UserFactory

SECRET = b"52.3702N-secret"
GPS, ORIENTATION = 0x8825, 0x0112
STILL = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "AVIF": ".avif", "GIF": ".png"}


def drawing(size: tuple[int, int] = (60, 40), mode: str = "RGB", corner: Any = "red") -> Image.Image:
    """Blue, with its upper left quarter in another colour."""
    image = Image.new(mode, size, "blue")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2 - 1, size[1] // 2 - 1), fill=corner)
    return image


def notes() -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "Secretcam " + SECRET.decode()
    exif.get_ifd(GPS)[2] = (52.0, 22.0, 12.0)
    exif.get_ifd(GPS)[29] = SECRET.decode()
    return exif


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def animation(kind: str, size: tuple[int, int] = (30, 20), colours: tuple[str, ...] = ("red", "lime", "blue")) -> bytes:
    frames = [Image.new("RGB", size, colour) for colour in colours]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=[50, 200, 100], loop=0)


def upload(content: bytes, name: str = "holiday.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def cleaned(content: bytes) -> tuple[str, Image.Image, bytes]:
    file = clean_picture(upload(content))
    data = file.read()
    image = Image.open(io.BytesIO(data))
    image.load()
    return str(file.name), image, data


class TestWhatIsTakenOut:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
    def test_place_camera_and_owner(self, kind: str) -> None:
        dirty = encoded(drawing(), kind, exif=notes(), **({} if kind == "PNG" else {"xmp": b"<x>" + SECRET + b"</x>"}))
        assert SECRET in dirty
        _name, image, data = cleaned(dirty)
        assert SECRET not in data
        assert not image.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment", "dpi"} & set(image.info)

    def test_texts_in_a_png(self) -> None:
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Author", SECRET.decode())
        texts.add_itxt("Comment", SECRET.decode(), zip=True)
        _name, image, data = cleaned(encoded(drawing(), "PNG", pnginfo=texts))
        assert SECRET not in data
        assert not image.info

    def test_comments_in_jpeg_and_gif(self) -> None:
        for kind in ("JPEG", "GIF"):
            assert SECRET not in cleaned(encoded(drawing(), kind, comment=SECRET))[2]

    @pytest.mark.parametrize("kind", STILL)
    def test_what_hangs_behind_the_last_byte(self, kind: str) -> None:
        assert b"<script>" not in cleaned(encoded(drawing(), kind) + b"<script>alert(1)</script>PK\x03\x04")[2]

    def test_comments_of_an_animation(self) -> None:
        frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
        dirty = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], comment=SECRET)
        assert SECRET in dirty
        assert SECRET not in cleaned(dirty)[2]


class TestWhatStays:
    @pytest.mark.parametrize(("kind", "ending"), STILL.items())
    def test_ending_is_that_of_the_decoded_format(self, kind: str, ending: str) -> None:
        file = clean_picture(upload(encoded(drawing(), kind), name="../../evil.html"))
        stem, _dot, suffix = str(file.name).rpartition(".")
        assert f".{suffix}" == ending
        assert len(stem) == 32
        assert stem.isalnum()

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_picture_stands_upright(self, kind: str) -> None:
        _name, image, _data = cleaned(encoded(drawing(), kind, exif=notes()))
        assert image.size == (40, 60)
        red, _green, blue = image.convert("RGB").getpixel((35, 5))  # type: ignore[misc]  # an RGB pixel is three numbers
        assert red > 200 > blue

    def test_longest_side_is_2400_pixels(self) -> None:
        assert cleaned(encoded(drawing((3000, 1500)), "PNG"))[1].size == (2400, 1200)
        assert cleaned(encoded(drawing((1000, 5000)), "JPEG"))[1].size == (480, 2400)
        assert cleaned(encoded(drawing((300, 200)), "JPEG"))[1].size == (300, 200)

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
    def test_transparency(self, kind: str) -> None:
        _name, image, _data = cleaned(encoded(drawing(mode="RGBA", corner=(0, 0, 0, 0)), kind))
        assert image.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]  # a pixel has channels here
        assert image.convert("RGBA").getpixel((50, 35))[3] == 255  # type: ignore[index]  # a pixel has channels here

    def test_transparent_colour_of_a_palette(self) -> None:
        palette = drawing().convert("P", palette=Image.Palette.ADAPTIVE)
        for kind in ("PNG", "GIF"):
            dirty = encoded(palette, kind, transparency=palette.getpixel((5, 5)))
            assert cleaned(dirty)[1].convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]  # a pixel has channels here

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
    def test_every_kind_of_png(self, mode: str) -> None:
        image = Image.new(mode, (8, 8), 0x7F00) if mode == "I;16" else drawing((8, 8)).convert(mode)
        shown = cleaned(encoded(image, "PNG"))[1].convert("RGB")
        expected = (0x7F,) * 3 if mode == "I;16" else image.convert("RGB").getpixel((6, 6))
        assert shown.getpixel((6, 6)) == expected

    def test_colours_of_a_profile_become_those_of_the_web(self) -> None:
        # A space with the primaries swapped about: what it calls red is far from it.
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
        assert cleaned(encoded(drawing(), "PNG", icc_profile=profile))[1].mode == "RGB"
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        _name, image, _data = cleaned(encoded(drawing(), "PNG", icc_profile=srgb))
        assert image.getpixel((5, 5)) == (255, 0, 0)

    @pytest.mark.parametrize("profile", [b"", b"no profile", b"\0" * 200])
    def test_broken_profile_or_orientation_does_not_spoil_a_picture(self, profile: bytes) -> None:
        assert cleaned(encoded(drawing(), "JPEG", icc_profile=profile))[1].size == (60, 40)

    def test_cmyk_becomes_rgb(self) -> None:
        assert cleaned(encoded(drawing().convert("CMYK"), "JPEG"))[1].mode == "RGB"

    @pytest.mark.parametrize("kind", ["GIF", "WEBP", "AVIF"])
    def test_animation_keeps_moving(self, kind: str) -> None:
        _name, image, _data = cleaned(animation(kind))
        assert getattr(image, "n_frames", 1) == 3
        seen = []
        for frame in range(3):
            image.seek(frame)
            image.load()
            colour = image.convert("RGB").getpixel((10, 10))
            seen.append((max(range(3), key=lambda channel: colour[channel]), round(image.info["duration"])))  # type: ignore[index]  # a pixel has channels here
        assert seen == [(0, 50), (1, 200), (2, 100)]

    def test_transparent_animation_leaves_no_trail(self) -> None:
        frames = [Image.new("RGBA", (20, 10), (0, 0, 0, 0)) for _ in range(2)]
        for number, frame in enumerate(frames):
            ImageDraw.Draw(frame).rectangle((number * 10, 0, number * 10 + 9, 9), fill="red")
        dirty = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100, disposal=2)
        _name, image, _data = cleaned(dirty)
        image.seek(1)
        assert image.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]  # a pixel has channels here


class TestWhatIsRefused:
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
            encoded(drawing(), "BMP"),
            encoded(drawing(), "TIFF"),
            encoded(drawing(), "ICO"),
            encoded(drawing(), "EPS"),
        ],
        ids=["empty", "text", "html", "svg", "gif+html", "pdf", "jpeg head", "png head", "bmp", "tiff", "ico", "eps"],
    )
    def test_no_picture(self, content: bytes) -> None:
        with pytest.raises(NotAPicture, match="not a picture, or a damaged one"):
            clean_picture(upload(content))

    def test_no_other_decoder_sees_the_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(BmpImagePlugin.BmpImageFile, "_open", lambda *args: pytest.fail("it was read"))
        with pytest.raises(NotAPicture):
            clean_picture(upload(encoded(drawing(), "BMP")))

    @pytest.mark.parametrize("kind", STILL)
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_half_a_picture(self, kind: str, share: float) -> None:
        whole = encoded(Image.effect_noise((64, 64), 80).convert("RGB"), kind)
        with pytest.raises(NotAPicture):
            clean_picture(upload(whole[: int(len(whole) * share)]))

    def test_too_many_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pictures, "MAX_BYTES", 100)
        with pytest.raises(NotAPicture, match="larger than 100"):
            clean_picture(upload(encoded(drawing(), "PNG")))

    @pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
    def test_too_many_pixels_before_they_are_decoded(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        content = encoded(Image.new("L", (8000, 7000)), kind, method=0)
        assert len(content) < 200_000
        monkeypatch.setattr(Image.Image, "thumbnail", lambda *args: pytest.fail("it was decoded"))
        with pytest.raises(NotAPicture, match="more than 50 million pixels"):
            clean_picture(upload(content))

    def test_bomb_that_pillow_itself_refuses(self) -> None:
        header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\x08\0\0\0\0"
        with pytest.raises(NotAPicture):
            clean_picture(upload(header + b"\0" * 40))

    def test_animation_with_too_many_frames(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pictures, "MAX_FRAMES", 2)
        with pytest.raises(NotAPicture, match="The animation is too long"):
            clean_picture(upload(animation("GIF")))

    def test_animation_with_too_many_pixels_in_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pictures, "MAX_PIXELS", 30 * 20 * 2)
        with pytest.raises(NotAPicture, match="The animation is too long"):
            clean_picture(upload(animation("WEBP")))


SEEDS = [
    *(encoded(drawing(), kind, exif=notes()) for kind in ("JPEG", "PNG", "WEBP", "AVIF")),
    encoded(drawing(), "GIF"),
    animation("GIF"),
    animation("WEBP"),
    encoded(drawing().convert("P"), "PNG"),
]


@st.composite
def broken_pictures(draw: Callable[..., Any]) -> bytes:
    """A real picture in which bytes were changed, taken out or doubled."""
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


@pytest.mark.filterwarnings("ignore")  # as in production: what Pillow only warns of goes on
@given(content=broken_pictures() | st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_whatever_the_bytes_it_is_a_clean_picture_or_refused(content: bytes) -> None:
    try:
        file = clean_picture(ContentFile(content, name="x.jpg"))
    except NotAPicture:
        return
    with Image.open(file, formats=pictures.FORMATS) as image:
        image.load()
        assert max(image.size) <= pictures.LONGEST_SIDE
        assert not image.getexif()


@pytest.mark.django_db
class TestTheLibrary:
    def test_picture_is_stored_with_its_measures_and_who_brought_it(self) -> None:
        amina = UserFactory()
        picture = store_picture(upload(encoded(drawing(), "JPEG"), "Our march.jpg"), alt="A crowd", by=amina)
        picture = Picture.objects.get(pk=picture.pk)
        assert (picture.width, picture.height, picture.title, picture.alt) == (60, 40, "Our march", "A crowd")
        assert picture.uploaded_by == amina
        assert str(picture.file.name).startswith("pictures/")
        assert str(picture) == "Our march"

    def test_refused_picture_leaves_nothing(self) -> None:
        with pytest.raises(NotAPicture):
            store_picture(upload(b"words"))
        assert not Picture.objects.exists()

    def test_deleted_picture_leaves_no_file(self, django_capture_on_commit_callbacks: Any) -> None:
        picture = store_picture(upload(encoded(drawing(), "PNG")))
        storage, name = picture.file.storage, str(picture.file.name)
        assert storage.exists(name)
        with django_capture_on_commit_callbacks(execute=True):
            picture.delete()
        assert not storage.exists(name)
