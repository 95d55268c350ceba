"""Images, which are cleaned by decoding and encoding them again.

The result contains pixels and nothing else: no location, camera, owner, date, comment, thumbnail or trailing data.
"""

import contextlib
import importlib
import importlib.util
import io
import re
import struct
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import IO, Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageFile, ImageOps, ImageSequence

from media.cleaners.codestreams import strip_jpeg
from media.cleaners.mp4_boxes import boxes, clear_times
from media.cleaners.streams import damaged, read_at, size_of, too_demanding

# Checked before decoding, for all frames of an animation together. Pictures of most cameras have fewer than 50 million.
MAX_PIXELS = 50_000_000
MAX_FRAMES = 300
LONGEST_SIDE = 2400

# The formats in which images are stored, with the options for encoding each again.
FORMATS: Final[dict[str, dict[str, Any]]] = {
    "JPEG": {"quality": 85, "optimize": True, "progressive": True},
    # Compressing as tightly as possible takes ten times as long, for a twentieth less.
    "PNG": {"compress_level": 6},
    "WEBP": {"quality": 85},
    "AVIF": {"quality": 70, "speed": 8},
    "GIF": {"optimize": True},
}
# HEIC, the format of iPhones, is accepted if the optional extra `heic` is installed.
READS_HEIC: Final = importlib.util.find_spec("pillow_heif") is not None
# Phones store a picture with its previews as MPO, whose first image is the picture. The others aren't for browsers.
_BECOME: Final = {"MPO": "JPEG", "HEIF": "JPEG", "TIFF": "JPEG", "BMP": "PNG"}
_ACCEPTED: Final = (*FORMATS, "TIFF", "BMP", *(("HEIF",) if READS_HEIC else ()))
# The first box of a HEIC file, with its brands. AVIF files look the same except for a brand of their own.
_HEIC: Final = re.compile(rb".{4}ftyp(?:hei|he[vm]|mif1|msf1)(?!.*avi[fs])", re.DOTALL)
_FTYP_LENGTH: Final = 48
# The visible part of an AVIF, which Pillow ignores: its width, height and the offsets of its centre, each a fraction.
# Source: ISO/IEC 14496-12, 12.1.4.
_VISIBLE_PART: Final = re.compile(rb"\0\0\0\x28clap(.{32})", re.DOTALL)
_FORMAT_OF: Final = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".gif": "GIF",
}
# Further formats that documents may contain. Such images are read and written without any options.
_ONLY_IN_DOCUMENTS: Final = {".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP"}
_ANIMATED: Final = {"GIF", "WEBP", "AVIF", "PNG"}
_SRGB: Final = ImageCms.createProfile("sRGB")
_JPEG_START: Final = b"\xff\xd8\xff"
# The field of a TIFF with a flag for images that are smaller copies of others. Source: TIFF 6.0, section 8.
_KIND_OF_PAGE, _SMALLER_COPY = 254, 1


def clean_image(source: IO[bytes], target: IO[bytes], extension: str = "") -> str:
    """Encode an image again: upright, in sRGB, with a longest side of at most 2400 pixels. Return its extension.

    With an `extension`, it has that format. Otherwise the format stays the same, except that BMP and a GIF with one
    frame become PNG, and HEIC and TIFF become JPEG. Raises ValidationError and nothing else, whatever the bytes are.
    """
    into = _FORMAT_OF.get(extension) or _ONLY_IN_DOCUMENTS.get(extension, "")
    if READS_HEIC:
        _load_heic_decoder()
    try:
        source.seek(0)
        with Image.open(source, formats=_ACCEPTED) as image:
            return _encode(image, target, into, _visible_part(source, image))
    except ValidationError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except MemoryError as error:
        raise too_demanding() from error
    except Exception as error:  # Pillow raises almost anything if the bytes are broken
        raise ValidationError(_unreadable(source)) from error


@cache
def _load_heic_decoder() -> None:
    """Have Pillow read HEIC from now on. Loading the decoder late saves 5 MiB in processes that clean no images."""
    importlib.import_module("pillow_heif").register_heif_opener(thumbnails=False)


def is_image_name(extension: str) -> bool:
    """Whether images in documents have this extension."""
    return extension in _FORMAT_OF or extension in _ONLY_IN_DOCUMENTS


def cleaned_image(content: bytes, extension: str) -> bytes:
    """Return an image that is part of a document, in the format of this extension. Raises ValidationError."""
    written = io.BytesIO()
    clean_image(io.BytesIO(content), written, extension)
    # A JPEG without metadata is kept, so that cleaning it again doesn't reduce its quality. The extension may be wrong.
    is_jpeg = _FORMAT_OF.get(extension) == "JPEG" and content.startswith(_JPEG_START)
    is_clean = is_jpeg and strip_jpeg(content) == content
    return content if is_clean else written.getvalue()


def _unreadable(source: IO[bytes]) -> str:
    """Return the error message for a file that could not be read as an image."""
    source.seek(0)
    if not READS_HEIC and _HEIC.match(source.read(_FTYP_LENGTH)):
        return _(
            "This site can't read HEIC photos. Convert it to JPEG, and upload that. To take JPEG photos from now on: "
            "on an iPhone, choose Settings → Camera → Formats → Most Compatible; on Android, turn off “High efficiency "
            "pictures” or HEIF in the settings of the camera."
        )
    return _("This file is not an image, or it is damaged. Use a JPEG, PNG, WebP, AVIF or GIF that opens elsewhere.")


def _visible_part(source: IO[bytes], image: Image.Image) -> tuple[int, int, int, int] | None:
    """Return the part of an AVIF that is shown, if not all is. Raises an error unless there is one such part."""
    parts = set(_VISIBLE_PART.findall(read_at(source, 0, size_of(source)))) if image.format == "AVIF" else set()
    if not parts:
        return None
    (part,) = parts
    width, height, right, down = (Fraction(*each) for each in struct.iter_unpack(">iI", part))
    left, top = right + (image.width - width) / 2, down + (image.height - height) / 2
    if not (0 <= left <= left + width <= image.width and 0 <= top <= top + height <= image.height):
        raise damaged()
    return int(left), int(top), int(left) + int(width), int(top) + int(height)


def _encode(image: Image.Image, target: IO[bytes], into: str, visible: tuple[int, int, int, int] | None) -> str:
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()
    format_name = _BECOME.get(str(image.format), str(image.format))
    if image.format == "TIFF" and _has_several_pages(image):
        raise ValidationError(_("The image has several pages, but only one would be shown. Save it as a PDF."))
    loop = image.info.get("loop")
    frames, durations = [], []
    for frame in _frames(image, format_name):
        # The duration is only known once the frame is decoded.
        frame.load()
        durations.append(int(frame.info.get("duration") or 100))
        frames.append(_pixels(frame.crop(visible) if visible else frame))
    if format_name == "GIF" and len(frames) == 1:
        # PNG keeps all colours of a still picture without a palette.
        format_name = "PNG"
    format_name = into or format_name
    options: dict[str, Any] = {}
    if len(frames) > 1:
        if format_name not in _ANIMATED:
            raise ValidationError(_("An animation can't replace a still image. Upload it as a new image."))
        if any(frame.mode == "RGBA" for frame in frames):
            frames = [frame.convert("RGBA") for frame in frames]
            options = {"disposal": 2} if format_name == "GIF" else {}
        options |= {"save_all": True, "append_images": frames[1:], "duration": durations}
        options |= {} if loop is None else {"loop": loop}
    if format_name in {"JPEG", "BMP"} and frames[0].mode == "RGBA":
        background = Image.new("RGBA", frames[0].size, "white")
        frames = [Image.alpha_composite(background, frames[0]).convert("RGB")]
    frames[0].save(target, format_name, **FORMATS.get(format_name, {}), **options)
    if format_name == "AVIF":
        # The encoder notes when it made an animation.
        for box in boxes(target, 0, size_of(target)):
            clear_times(target, box)
    return ".jpg" if format_name == "JPEG" else f".{format_name.lower()}"


def _too_many_pixels() -> ValidationError:
    text = _("The image has more than %(limit)d million pixels. Make it smaller and try again.")
    return ValidationError(text % {"limit": MAX_PIXELS // 1_000_000})


def _has_several_pages(image: Any) -> bool:
    """Whether a TIFF has images besides the first and smaller copies, such as thumbnails. Selects the first."""
    for number in range(1, image.n_frames):
        image.seek(number)
        if not image.tag_v2.get(_KIND_OF_PAGE, 0) & _SMALLER_COPY:
            return True
    image.seek(0)
    return False


def _frames(image: Image.Image, format_name: str) -> Iterator[Image.Image]:
    """Yield the picture, or each frame of an animation, as images that may be changed."""
    if format_name not in _ANIMATED or not getattr(image, "is_animated", False):
        # JPEG can be decoded at half the size or less, in a fraction of the memory. Other formats ignore this.
        image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
        yield image
        return
    for count, frame in enumerate(ImageSequence.Iterator(image), start=1):
        if count > MAX_FRAMES or count * image.width * image.height > MAX_PIXELS:
            text = _("The animation is too long. It can have %(frames)d frames and %(limit)d million pixels at most.")
            raise ValidationError(text % {"frames": MAX_FRAMES, "limit": MAX_PIXELS // 1_000_000})
        # The first image of a PNG may be only for programs that don't show animations.
        if count > 1 or not image.info.get("default_image"):
            yield frame.copy()


def _pixels(image: Image.Image) -> Image.Image:
    """Return the visible pixels of `image`, no larger than needed, without its metadata."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        # 16-bit greyscale. Converting it directly would clip everything brighter than the darkest 256th.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.has_transparency_data and image.mode != "RGBA":
        image = image.convert("RGBA")
    elif image.mode not in {"L", "RGB", "RGBA", "CMYK"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    # Pillow would take the orientation from XMP if EXIF doesn't state it, which browsers don't.
    image.info = {key: value for key, value in image.info.items() if "xmp" not in key}
    # Broken metadata may raise anything, and is no reason to refuse the picture.
    with contextlib.suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    image = _to_srgb(image, profile)
    if isinstance(image, ImageFile.ImageFile):
        # Pillow writes some tags of an opened TIFF into the new one. A copy has none.
        image = image.copy()
    image.info = {}
    return image


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert the colours from the embedded profile to sRGB, which browsers assume."""
    if profile:
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        # A profile that is broken, or for another colour mode, is ignored.
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, embedded, _SRGB, outputMode=mode) or image
    return image.convert("RGB") if image.mode == "CMYK" else image
