"""The meta field in which WordPress describes a file, partly by what it has read from the file's own metadata.

That metadata is removed from files here, so it is not preserved either: camera, photographer, caption and keywords of
images, and all tags of audio and video.
"""

from typing import Final

from wordpress.wxr.php_values import PHPValue, parse, serialise
from wordpress.wxr.records import Meta

_KEY: Final = "_wp_attachment_metadata"
_IMAGE_META: Final = "image_meta"
# The fields with technical properties and file names, which say nothing about a person.
_KEPT: Final = frozenset(
    (
        *("width", "height", "file", "sizes", "filesize", "original_image", "mime_type", "fileformat", "dataformat"),
        *("codec", "length", "length_formatted", "bitrate", "bitrate_mode", "sample_rate", "channels", "channelmode"),
        *("lossless", "compression_ratio", "audio"),
    )
)
_ORIENTATION: Final = "orientation"


def without_file_metadata(meta: Meta) -> Meta:
    """Return the meta fields of a file without the values that WordPress has read from the file's own metadata."""
    cleaned = ((key, _clean(value) if key == _KEY else value) for key, value in meta)
    return tuple((key, value) for key, value in cleaned if value is not None)


def _clean(text: str) -> str | None:
    """Return the cleaned field, or None if it can't be parsed. WordPress can generate it again from the file."""
    try:
        value = parse(text)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return text
    kept: dict[int | str, PHPValue] = {key: each for key, each in value.items() if key in _KEPT or isinstance(key, int)}
    if isinstance(image := value.get(_IMAGE_META), dict):
        # The same values that WordPress writes for an image without metadata.
        kept[_IMAGE_META] = {key: each if key == _ORIENTATION else _empty(each) for key, each in image.items()}
    if isinstance(audio := kept.get("audio"), dict):
        kept["audio"] = {key: each for key, each in audio.items() if key in _KEPT}
    return serialise(kept)


def _empty(value: PHPValue) -> PHPValue:
    if isinstance(value, dict):
        return {}
    return "" if isinstance(value, str) and not value.lstrip("-").isdecimal() else "0"
