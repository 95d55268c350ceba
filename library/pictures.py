"""Pictures: what is let in, and what is taken out of them before anybody sees them.

A picture is decoded and written anew. What comes out holds pixels and nothing else: no place, camera,
owner, date, comment, thumbnail or hidden file behind the last byte.
"""

import io
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.base import ContentFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageSequence

from accounts.models import User
from library.models import Picture, title_from_name

MAX_BYTES = 20 * 1024 * 1024
# Checked before decoding; an animation counts all its frames. 50 million is more than most cameras make.
MAX_PIXELS = 50_000_000
MAX_FRAMES = 300
LONGEST_SIDE = 2400

# The decoders that may touch an upload, and how each format is written again.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF")
ANIMATED = ("GIF", "WEBP", "AVIF")
ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "AVIF": ".avif", "GIF": ".gif"}
QUALITY: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 85, "optimize": True, "progressive": True},
    "PNG": {"optimize": True},
    "WEBP": {"quality": 85},
    "AVIF": {"quality": 70, "speed": 8},
    "GIF": {"optimize": True},
}

_SRGB = ImageCms.createProfile("sRGB")


class NotAPicture(ValidationError):  # noqa: N818  # named for what is the case
    """The upload cannot become a picture; the message says why in one sentence."""


def store_picture(upload: File[bytes], *, title: str = "", alt: str = "", by: User | None = None) -> Picture:
    """Clean `upload` and put it into the library. Raises NotAPicture."""
    picture = new_picture(upload, title=title, alt=alt, by=by)
    picture.save()
    return picture


def new_picture(
    upload: File[bytes], *, title: str = "", alt: str = "", caption: str = "", by: User | None = None
) -> Picture:
    """The picture that `upload` becomes, cleaned and not stored yet. Raises NotAPicture."""
    title = title or title_from_name(upload.name)
    return Picture(file=clean_picture(upload), title=title, alt=alt, caption=caption, uploaded_by=by)


def clean_picture(upload: File[bytes]) -> ContentFile[bytes]:
    """`upload` written anew under a name of its own: upright, in sRGB, its longest side 2400 pixels at most.

    The format stays, except that a GIF of one frame becomes a PNG. Raises NotAPicture and nothing else,
    whatever the bytes are.
    """
    if (upload.size or 0) > MAX_BYTES:
        raise NotAPicture(
            _("The picture is larger than %(limit)s: make it smaller and try again.")
            % {"limit": filesizeformat(MAX_BYTES)}
        )
    try:
        upload.seek(0)
        with Image.open(upload, formats=FORMATS) as image:
            name, content = _written_anew(image)
    except NotAPicture:
        raise
    except Exception as error:  # Pillow lets almost anything through when the bytes are broken
        raise NotAPicture(
            _("This file is not a picture, or a damaged one: use a JPEG, PNG, WebP, AVIF or GIF that opens elsewhere.")
        ) from error
    return ContentFile(content, name=name)


def _written_anew(image: Image.Image) -> tuple[str, bytes]:
    if image.width * image.height > MAX_PIXELS:
        raise NotAPicture(
            _("The picture has more than %(limit)d million pixels: make it smaller and try again.")
            % {"limit": MAX_PIXELS // 1_000_000}
        )
    # Phones write pictures in pairs (MPO); the first is the picture.
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    loop = image.info.get("loop")
    frames, durations = [], []
    for frame in _frames(image, kind):
        # Known only once the frame is decoded.
        frame.load()
        durations.append(int(frame.info.get("duration") or 100))
        frames.append(_pixels(frame))
    options = QUALITY[kind]
    if len(frames) > 1:
        if any(frame.mode == "RGBA" for frame in frames):
            frames = [frame.convert("RGBA") for frame in frames]
            options = options | ({"disposal": 2} if kind == "GIF" else {})
        options = options | {"save_all": True, "append_images": frames[1:], "duration": durations}
        options |= {} if loop is None else {"loop": loop}
    elif kind == "GIF":
        # A still needs no palette, and PNG keeps each of its colours.
        kind, options = "PNG", QUALITY["PNG"]
    written = io.BytesIO()
    frames[0].save(written, kind, **options)
    return f"{uuid4().hex}{ENDINGS[kind]}", written.getvalue()


def _frames(image: Image.Image, kind: str) -> Iterator[Image.Image]:
    """The picture, or each frame of an animation: images that may be changed."""
    if kind not in ANIMATED:
        # A JPEG can be decoded at a half or less, in a fraction of the memory; others ignore this.
        image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
        yield image
        return
    for number, frame in enumerate(ImageSequence.Iterator(image), start=1):
        if number > MAX_FRAMES or number * image.width * image.height > MAX_PIXELS:
            raise NotAPicture(
                _("The animation is too long: %(frames)d frames and %(limit)d million pixels in all are the most.")
                % {"frames": MAX_FRAMES, "limit": MAX_PIXELS // 1_000_000}
            )
        yield frame.copy()


def _pixels(image: Image.Image) -> Image.Image:
    """Nothing of `image` but what is to be seen, no larger than needed."""
    orientation = _orientation(image)
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        # 16 bits of grey; converting alone would cut off all that is brighter than the darkest 256th.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in {"L", "RGB", "CMYK"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    if orientation:
        image = image.transpose(orientation)
    image = _in_srgb(image, profile)
    image.info = {}
    return image


# EXIF tag 274: how the camera was held.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(274, 1))
    except Exception:  # noqa: BLE001  # broken notes raise anything, and do not spoil the picture
        return None


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours as its profile means them, in the space that browsers take for granted."""
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, meant, _SRGB, outputMode=mode) or image
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            # A profile for another kind of picture, or a broken one: as if there were none.
            pass
    return image.convert("RGB") if image.mode == "CMYK" else image
