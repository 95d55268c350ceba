"""Images that look the same: searched for on demand, and stored until the next search."""

import logging
from collections.abc import Collection, Iterator
from itertools import combinations, islice
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from PIL import Image

from media.cleaners.images import FORMATS
from media.fingerprints import find_like, fingerprint
from media.models import LikePictures, Picture
from media.storage import StorageUnavailableError

# More than anyone will work through before the next search.
MAX_STORED: Final = 5000
_BATCH_SIZE: Final = 1000

_log = logging.getLogger(__name__)


def search() -> int:
    """Find the pairs of similar images in the library, store them in place of earlier ones, and return their number.

    Pairs that were marked as different stay so.
    """
    with transaction.atomic():
        different = set(LikePictures.objects.filter(are_different=True).values_list("first", "second"))
        found = [
            LikePictures(first_id=first, second_id=second, distance=distance)
            for first, second, distance in islice(_pairs(different), MAX_STORED)
        ]
        LikePictures.objects.filter(are_different=False).delete()
        LikePictures.objects.bulk_create(found, ignore_conflicts=True, batch_size=_BATCH_SIZE)
    return len(found)


def _pairs(different: Collection[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    rows = Picture.objects.present().exclude(fingerprint=None).exclude(fingerprint=0).order_by("pk")
    values = rows.values_list("pk", "fingerprint", "width", "height")
    pictures = ((pk, bits or 0, width / max(1, height)) for pk, bits, width, height in values)
    return (pair for pair in find_like(pictures) if pair[:2] not in different)


def groups() -> list[list[int]]:
    """Return the IDs of images that look the same, in groups, the most similar first."""
    group_of: dict[int, list[int]] = {}
    pairs = LikePictures.objects.filter(are_different=False, first__deleted_at=None, second__deleted_at=None)
    for first, second in pairs.order_by("distance", "pk").values_list("first", "second"):
        one, other = group_of.setdefault(first, [first]), group_of.setdefault(second, [second])
        if one is not other:
            # The smaller group joins the larger one, so that no picture moves often.
            kept, moved = (one, other) if len(one) >= len(other) else (other, one)
            kept += moved
            group_of.update(dict.fromkeys(moved, kept))
    distinct = {id(group): group for group in group_of.values()}
    return [sorted(group) for group in distinct.values()]


def set_different(pks: Collection[int]) -> None:
    """Mark these images as different from one another, however similar they look."""
    present = Picture.objects.filter(pk__in=pks).order_by("pk").values_list("pk", flat=True)
    pairs = [LikePictures(first_id=a, second_id=b, distance=0, are_different=True) for a, b in combinations(present, 2)]
    LikePictures.objects.bulk_create(
        pairs, update_conflicts=True, unique_fields=["first", "second"], update_fields=["are_different"]
    )


def without_fingerprint() -> QuerySet[Picture]:
    """Return the images whose fingerprint hasn't been taken yet, newest first."""
    return Picture.objects.present().filter(fingerprint=None).order_by("-pk")


def take_fingerprint(picture: Picture) -> None:
    """Store the fingerprint of `picture`, or 0 if it can't be read. Raises StorageUnavailableError."""
    found = 0
    try:
        with picture.file.open("rb") as file, Image.open(file, formats=tuple(FORMATS)) as image:
            # A JPEG is decoded no larger than needed.
            image.draft(None, (128, 128))
            found = fingerprint(image)
    except StorageUnavailableError:
        raise
    except Exception:  # noqa: BLE001  # Pillow raises almost anything
        _log.exception("The image %s could not be compared with others.", picture.file.name)
    # Unless the file was replaced in the meantime.
    Picture.objects.filter(pk=picture.pk, size=picture.size).update(fingerprint=found)
