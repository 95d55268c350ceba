"""Slugs: the segments of URLs that name things, made the way WordPress makes them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, Final
from urllib.parse import unquote

from django.apps import apps
from django.core.exceptions import AppRegistryNotReady, ValidationError
from django.db.models import CharField, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.registry import Registry

# By app: the first segments of its URLs. A page at the top with such a slug, or its children, could not be reached.
reserved_slugs: Final[Registry[Collection[str]]] = Registry("set of reserved slugs")

# Letters that NFKD does not decompose, but WordPress replaces (remove_accents).
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
# Joiners belong to the spelling of Persian and Indian scripts, unlike other invisible characters.
_JOINERS = "\u200c\u200d"
# WordPress appends this to the slugs of trashed posts, so that others can use the slug. Imports bring such slugs along.
_TRASH_SUFFIX = re.compile(r"__trashed(?:-[0-9]+)?$")


def slugify(text: str) -> str:
    """Return `text` in lower case, with words joined by hyphens, without Latin accents. Other scripts stay.

    The slug is empty if no character of the text can be part of it (`🎉`), so callers need a fallback.
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
    """Return an exported slug as we store it: percent-decoded and composed (NFC), otherwise unchanged."""
    return unicodedata.normalize("NFC", unquote(slug))


def slug_before_trash(slug: str) -> str:
    """Return `slug` without the suffix that WordPress gives to the slugs of trashed posts."""
    return _TRASH_SUFFIX.sub("", slug)


def free_slug(
    wanted: str, taken_by: QuerySet[Any], *, max_length: int, also_taken: Collection[str] = frozenset()
) -> str:
    """Return `wanted`, or `wanted-2`, `wanted-3` … if an object of `taken_by` has it, as WordPress numbers them.

    `also_taken` are slugs that were given out and are not stored yet.
    """
    wanted = wanted[:max_length].strip("-")
    taken = taken_by.filter(_has_numbered(wanted, max_length)).values_list("slug", flat=True)
    return _numbered(wanted, {*taken, *also_taken}, max_length)


def free_slugs(wanted: Iterable[str], taken_by: QuerySet[Any], *, max_length: int) -> list[str]:
    """Return a free slug for each of `wanted` and none twice, numbered as by `free_slug`. Two queries at most."""
    wanted = [slug[:max_length].strip("-") for slug in wanted]
    taken = set(taken_by.filter(slug__in=wanted).values_list("slug", flat=True))
    if contested := taken | {slug for slug, count in Counter(wanted).items() if count > 1}:
        numbered = Q(*(_has_numbered(slug, max_length) for slug in sorted(contested)), _connector=Q.OR)
        taken.update(taken_by.filter(numbered).values_list("slug", flat=True))
    free = []
    for slug in wanted:
        free.append(_numbered(slug, taken, max_length))
        taken.add(free[-1])
    return free


def _has_numbered(slug: str, max_length: int) -> Q:
    """Match every slug that `_numbered` may try, and others that begin alike."""
    return Q(slug__startswith=slug[: max_length - 8])


def _numbered(wanted: str, taken: Collection[str], max_length: int) -> str:
    slug, number = wanted, 1
    while slug in taken:
        number += 1
        ending = f"-{number}"
        slug = wanted[: max_length - len(ending)] + ending
    return slug


def is_reserved(slug: str) -> bool:
    """Whether the site itself uses `slug` as the first segment of URLs."""
    return any(slug in slugs for slugs in reserved_slugs.values())


def reserved_pattern() -> str:
    """Return a regular expression for reserved slugs. Raises AppRegistryNotReady as long as apps may register some."""
    if not apps.ready_event.is_set():
        raise AppRegistryNotReady("Apps register their reserved slugs when they are ready.")
    slugs = sorted({slug for slugs in reserved_slugs.values() for slug in slugs})
    return f"(?:{'|'.join(map(re.escape, slugs))})"


def validate_slug(slug: str) -> None:
    """Raise ValidationError if `slug` can't be a segment of a URL.

    Django's own check is stricter: imported slugs contain zero-width spaces and other invisible characters.
    """
    if slug in {".", ".."} or re.search(r"[\s/?#%\\\x00-\x1f\x7f]", slug):
        raise ValidationError(
            _("“%(slug)s” can't contain spaces or any of / ? # %% \\. Use hyphens instead."),
            code="slug",
            params={"slug": slug},
        )


def slug_field(help_text: Any, *, unique: bool = True) -> CharField[str, str]:
    """Return a field for slugs of any script. `help_text` says what an empty one is made from."""
    return CharField(
        gettext_lazy("slug"), max_length=200, blank=True, unique=unique, validators=[validate_slug], help_text=help_text
    )
