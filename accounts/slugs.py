"""Slugs: the words an address is made of, the way WordPress makes them."""

import re
import unicodedata
from typing import Any
from urllib.parse import unquote

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

# What NFKD does not take apart but WordPress (remove_accents) writes in base letters.
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "Ð": "D",
        "þ": "th",
        "Þ": "TH",
        "ı": "i",
    }
)
_LATIN_ACCENT = re.compile(r"(?<=[A-Za-z])[\u0300-\u036f]+")
# Joiners are letters of Persian and Indian scripts: kept, unlike other invisible characters.
_JOINERS = "\u200c\u200d"


def slugify(text: str) -> str:
    """`text` in lower case, words joined by one hyphen, Latin accents dropped; other scripts stay.

    Empty when nothing of it can stand in an address (`🎉`): the caller has a fall-back.
    Source: WordPress, sanitize_title_with_dashes and remove_accents.
    """
    plain = _LATIN_ACCENT.sub("", unicodedata.normalize("NFKD", text.translate(_LETTERS)))
    plain = unicodedata.normalize("NFC", plain).lower()
    kept = (
        char
        if char in _JOINERS + "_" or unicodedata.category(char)[0] in "LMN"
        else "-"
        if char.isspace() or char in "-–—/."
        else ""
        for char in plain
    )
    return re.sub(r"-+", "-", "".join(kept)).strip("-" + _JOINERS)


def slug_from_export(slug: str) -> str:
    """An exported slug as we keep it: percent-decoded, NFC, otherwise untouched (zero-width spaces too)."""
    return unicodedata.normalize("NFC", unquote(slug))


def free_slug(wanted: str, taken_by: QuerySet[Any], *, max_length: int) -> str:
    """`wanted`, or `wanted-2`, `wanted-3` … if an object of `taken_by` has it, as WordPress numbers them."""
    wanted = wanted[:max_length].strip("-")
    taken = set(taken_by.filter(slug__startswith=wanted[: max_length - 8]).values_list("slug", flat=True))
    slug, number = wanted, 1
    while slug in taken:
        number += 1
        ending = f"-{number}"
        slug = wanted[: max_length - len(ending)] + ending
    return slug


def validate_slug(slug: str) -> None:
    """Refuse what cannot be one part of an address.

    Wider than Django's own check: imported slugs hold zero-width spaces and other invisible letters.
    """
    if slug in {".", ".."} or re.search(r"[\s/?#%\\\x00-\x1f\x7f]", slug):
        raise ValidationError(
            _("Leave out blanks and the signs / ? # %% \\ : “%(slug)s” has one. Join words with a hyphen."),
            code="slug",
            params={"slug": slug},
        )
