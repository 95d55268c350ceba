"""Fingerprints of pictures, which hardly change when a picture is resized, converted or compressed.

A fingerprint is a difference hash: one bit for each of 64 places, set if the picture gets brighter from left to right.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from PIL import Image

_ROWS: Final = 8
_COLUMNS: Final = 8
_BITS: Final = _ROWS * _COLUMNS
# Pictures whose fingerprints differ in more bits are considered different.
MAX_DISTANCE: Final = 5
# With fewer ones or zeros, a picture is too plain to be recognised, such as a blank page.
_MIN_BITS: Final = 6
_BANDS: Final = 4
_BAND_BITS: Final = _BITS // _BANDS
_MASK: Final = 2**_BAND_BITS - 1
# How many earlier pictures that share a part of its fingerprint each picture is compared with.
_MAX_COMPARED: Final = 20


def fingerprint(image: Image.Image) -> int:
    """Return the fingerprint of `image` as a signed 64-bit integer; 0 if it is too plain."""
    opaque = image.convert("RGBA")
    background = Image.new("RGBA", opaque.size, "white")
    grey = Image.alpha_composite(background, opaque).convert("L")
    small = grey.resize((_COLUMNS + 1, _ROWS), Image.Resampling.BOX)
    pixels = small.tobytes()
    bits = 0
    for row in range(_ROWS):
        start = row * (_COLUMNS + 1)
        for column in range(start, start + _COLUMNS):
            bits = bits << 1 | (pixels[column] < pixels[column + 1])
    if not _MIN_BITS <= bits.bit_count() <= _BITS - _MIN_BITS:
        return 0
    return bits - 2**_BITS if bits >> (_BITS - 1) else bits


def find_like(fingerprints: Iterable[tuple[int, int, float]]) -> Iterator[tuple[int, int, int]]:
    """Yield the IDs of each pair of pictures that look the same, and the number of bits in which they differ.

    Each of `fingerprints` is an ID, a fingerprint, and the ratio of width to height. If two fingerprints differ in at
    most seven bits, at least one of their four parts differs in at most one bit, so only pictures with such a part are
    compared, each with a limited number of others. The time grows linearly with the number of pictures, not with its
    square.
    """
    parts: dict[int, list[tuple[int, int, float]]] = {}
    for picture in fingerprints:
        pk, bits, ratio = picture
        compared: set[int] = set()
        for band in range(_BANDS):
            part = bits >> (band * _BAND_BITS) & _MASK
            for other_part in (part, *(part ^ (1 << bit) for bit in range(_BAND_BITS))):
                for other, other_bits, other_ratio in parts.get(other_part << 2 | band, ())[-_MAX_COMPARED:]:
                    distance = ((bits ^ other_bits) & (2**_BITS - 1)).bit_count()
                    is_like = distance <= MAX_DISTANCE and abs(ratio - other_ratio) < ratio / 30
                    if is_like and other not in compared:
                        yield other, pk, distance
                    compared.add(other)
            parts.setdefault(part << 2 | band, []).append(picture)
