"""Pictures, which are decoded and encoded again before they are stored.

The result contains pixels and nothing else: no location, camera, owner, date, comment, thumbnail or trailing data.
"""

import contextlib
import importlib
import importlib.util
import io
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.base import ContentFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps, ImageSequence

from accounts.models import User
from media.models import Picture, title_from_name

MAX_BYTES = 20 * 1024 * 1024
# Checked before decoding, for all frames of an animation together. Most cameras take fewer than 50 million.
MAX_PIXELS = 50_000_000
MAX_FRAMES = 300
LONGEST_SIDE = 2400

# The accepted formats, with the options for encoding each again.
FORMATS: Final[dict[str, dict[str, Any]]] = {
    "JPEG": {"quality": 85, "optimize": True, "progressive": True},
    "PNG": {"optimize": True},
    "WEBP": {"quality": 85},
    "AVIF": {"quality": 70, "speed": 8},
    "GIF": {"optimize": True},
}
# The format of iPhones is accepted if the optional extra `heic` is installed. Its images become JPEG.
_READS_HEIC: Final = importlib.util.find_spec("pillow_heif") is not None
if _READS_HEIC:
    importlib.import_module("pillow_heif").register_heif_opener(thumbnails=False)
ACCEPTED: Final = (*FORMATS, *(("HEIF",) if _READS_HEIC else ()))
_FORMAT_OF: Final = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".gif": "GIF",
}
_ANIMATED: Final = {"GIF", "WEBP", "AVIF"}
_SRGB: Final = ImageCms.createProfile("sRGB")


def store_picture(upload: File[bytes], *, title: str = "", alt: str = "", by: User | None = None) -> Picture:
    """Clean `upload` and store it. Raises ValidationError."""
    picture = build_picture(upload, title=title, alt=alt, by=by)
    picture.save()
    return picture


def build_picture(
    upload: File[bytes],
    *,
    title: str = "",
    alt: str = "",
    caption: str = "",
    credit: str = "",
    by: User | None = None,
) -> Picture:
    """Clean `upload` and return its unsaved picture. Raises ValidationError."""
    title = title or title_from_name(upload.name)
    return Picture(file=clean_picture(upload), title=title, alt=alt, caption=caption, credit=credit, uploaded_by=by)


def clean_picture(upload: File[bytes], *, extension: str = "") -> ContentFile[bytes]:
    """Return `upload` encoded again under a random name: upright, in sRGB, with a longest side of at most 2400 pixels.

    With an `extension`, it has that format. Otherwise the format stays the same, except that a GIF with a single frame
    becomes a PNG, and HEIC becomes JPEG. Raises ValidationError and nothing else, whatever the bytes are.
    """
    if (upload.size or 0) > MAX_BYTES:
        text = _("The image is larger than %(limit)s. Make it smaller and try again.")
        raise ValidationError(text % {"limit": filesizeformat(MAX_BYTES)})
    try:
        upload.seek(0)
        with Image.open(upload, formats=ACCEPTED) as image:
            return _encode(image, _FORMAT_OF.get(extension, ""))
    except ValidationError:
        raise
    except Exception as error:  # Pillow raises almost anything if the bytes are broken
        raise ValidationError(
            _("This file is not an image, or is damaged. Use a JPEG, PNG, WebP, AVIF or GIF that opens elsewhere.")
        ) from error


def _encode(image: Image.Image, into: str) -> ContentFile[bytes]:
    if image.width * image.height > MAX_PIXELS:
        text = _("The image has more than %(limit)d million pixels. Make it smaller and try again.")
        raise ValidationError(text % {"limit": MAX_PIXELS // 1_000_000})
    # Phones store pictures with previews (MPO). The first is the picture.
    format_name = "JPEG" if image.format in {"MPO", "HEIF"} else str(image.format)
    loop = image.info.get("loop")
    frames, durations = [], []
    for frame in _frames(image, format_name):
        # The duration is only known once the frame is decoded.
        frame.load()
        durations.append(int(frame.info.get("duration") or 100))
        frames.append(_pixels(frame))
    options: dict[str, Any] = {}
    if len(frames) > 1:
        if any(frame.mode == "RGBA" for frame in frames):
            frames = [frame.convert("RGBA") for frame in frames]
            options = {"disposal": 2} if format_name == "GIF" else {}
        options |= {"save_all": True, "append_images": frames[1:], "duration": durations}
        options |= {} if loop is None else {"loop": loop}
    elif format_name == "GIF" and not into:
        # PNG keeps all colours of a still picture without a palette.
        format_name = "PNG"
    format_name = into or format_name
    if len(frames) > 1 and format_name not in _ANIMATED:
        raise ValidationError(_("An animation can't take the place of a still image. Upload it as a new one."))
    if format_name == "JPEG" and frames[0].mode == "RGBA":
        background = Image.new("RGBA", frames[0].size, "white")
        frames = [Image.alpha_composite(background, frames[0]).convert("RGB")]
    written = io.BytesIO()
    frames[0].save(written, format_name, **FORMATS[format_name], **options)
    extension = "jpg" if format_name == "JPEG" else format_name.lower()
    return ContentFile(written.getvalue(), name=f"{uuid4().hex}.{extension}")


def _frames(image: Image.Image, format_name: str) -> Iterator[Image.Image]:
    """Yield the picture, or each frame of an animation, as images that may be changed."""
    if format_name not in _ANIMATED:
        # JPEG can be decoded at half the size or less, in a fraction of the memory. Other formats ignore this.
        image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
        yield image
        return
    for count, frame in enumerate(ImageSequence.Iterator(image), start=1):
        if count > MAX_FRAMES or count * image.width * image.height > MAX_PIXELS:
            text = _("The animation is too long. It can have %(frames)d frames and %(limit)d million pixels at most.")
            raise ValidationError(text % {"frames": MAX_FRAMES, "limit": MAX_PIXELS // 1_000_000})
        yield frame.copy()


def _pixels(image: Image.Image) -> Image.Image:
    """Return the visible pixels of `image`, no larger than needed, without its metadata."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        # 16-bit greyscale. Converting it directly would clip everything brighter than the darkest 256th.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in {"L", "RGB", "CMYK"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    # Broken metadata may raise anything, and must not spoil the picture.
    with contextlib.suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    image = _to_srgb(image, profile)
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
